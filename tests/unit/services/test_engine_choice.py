from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.domain.hub import Format
from app.domain.model import LocalModel
from app.services.engine_choice import ModelChoice, best_engine, choices

GGUF, SAFETENSORS = Format.GGUF, Format.SAFETENSORS


@dataclass(frozen=True)
class Engine:
    id: str
    formats: tuple[Format, ...]

    @property
    def name(self):
        return self.id.title()


@dataclass(frozen=True)
class Server:
    id: str
    name: str
    remote: bool

    def models(self):
        return ("theirs", "other")


LLAMA: Any = Engine("llama", (GGUF,))
TRANSFORMERS: Any = Engine("transformers", (SAFETENSORS, GGUF))
VLLM: Any = Engine("vllm", (SAFETENSORS,))
ALL = (TRANSFORMERS, LLAMA, VLLM)
NO_CHOICE: Any = {}.get
OFFICE: Any = Server("attached:1", "Office", True)

FILE = LocalModel("a file", Path("a.gguf"), 1)
FOLDER = LocalModel("a folder", Path("folder"), 1, format=SAFETENSORS)


def test_the_engine_that_loads_a_format_best():
    assert best_engine(GGUF, ALL, NO_CHOICE) == LLAMA
    assert best_engine(SAFETENSORS, ALL, NO_CHOICE) == TRANSFORMERS
    assert best_engine(GGUF, (TRANSFORMERS, VLLM), NO_CHOICE) == TRANSFORMERS
    assert best_engine(GGUF, (VLLM,), NO_CHOICE) is None


def test_a_person_s_last_choice_counts_where_it_can():
    assert best_engine(SAFETENSORS, ALL, {"safetensors": "vllm"}.get) == VLLM
    assert best_engine(GGUF, ALL, {"safetensors": "vllm"}.get) == LLAMA
    assert best_engine(GGUF, ALL, {"GGUF": "vllm"}.get) == LLAMA, "it does not read it"
    assert best_engine(SAFETENSORS, ALL, {"safetensors": "gone"}.get) == TRANSFORMERS


def test_of_builds_that_load_it_equally_well_the_better_rank_wins():
    cuda: Any = Engine("cuda", (GGUF,))
    vulkan: Any = Engine("vulkan", (GGUF,))
    every = (LLAMA, cuda, vulkan, TRANSFORMERS)

    def taken(ranks, preferred=NO_CHOICE):
        return best_engine(GGUF, every, preferred, lambda it: ranks.get(it.id, 1))

    assert taken({}) == LLAMA
    assert taken({"cuda": 0, "vulkan": 0}) == cuda
    assert taken({"cuda": 2, "vulkan": 0}) == vulkan
    assert taken({"cuda": 2, "vulkan": 2}) == LLAMA, "they find no GPU"
    assert taken({"transformers": 0}) == LLAMA, "its first format is another"
    assert taken({"cuda": 0}, {"GGUF": "llama"}.get) == LLAMA, "a person chose it"
    offered = choices([FILE], every, NO_CHOICE, rank=lambda it: {"vulkan": 0}.get(it.id, 1))
    assert [it.engine_id for it in offered] == ["vulkan", "llama", "cuda", "transformers"]


def test_what_there_is_to_choose_from():
    offered = choices([FILE, FOLDER], ALL, NO_CHOICE, [OFFICE])
    assert offered == [
        ModelChoice("a file", "llama", "Llama", FILE, is_best=True),
        ModelChoice("a folder", "transformers", "Transformers", FOLDER, is_best=True),
        ModelChoice("a file", "transformers", "Transformers", FILE),
        ModelChoice("a folder", "vllm", "Vllm", FOLDER),
        ModelChoice("theirs", "attached:1", "Office", remote=True),
        ModelChoice("other", "attached:1", "Office", remote=True),
    ]


def test_a_model_that_no_installed_engine_takes_is_not_offered():
    assert choices([FILE, FOLDER], (LLAMA,), NO_CHOICE) == [
        ModelChoice("a file", "llama", "Llama", FILE, is_best=True)
    ]
