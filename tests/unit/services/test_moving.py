import json
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest

from app.domain.attached import ServerFacts, ServerKind, ServerModel
from app.domain.engine import Fitness, LoadWishes
from app.domain.errors import ModelFileError
from app.domain.generation import SamplingParams
from app.domain.hub import Format
from app.domain.model import LocalModel
from app.engines.llama_cpp import LlamaCpp
from app.engines.openai_client import Dialect
from app.services.moving import Engines, MovingChat, Step, ways_to_move
from tests.unit.models.safetensors_writer import write_weights
from tests.unit.models.test_identity import CONFIG

DIALECT = LlamaCpp.dialect


@dataclass(frozen=True)
class Engine:
    id: str
    name: str
    formats: tuple[Format, ...]
    environment: str | None = None
    dialect: Dialect = DIALECT


LLAMA: Any = Engine("llama_cpp", "llama.cpp", (Format.GGUF,))
TRANSFORMERS: Any = Engine("transformers", "Transformers", (Format.SAFETENSORS, Format.GGUF), "transformers")
VLLM: Any = Engine("vllm", "vLLM", (Format.SAFETENSORS,), "vllm")


@pytest.fixture
def gguf(starter_model):
    return LocalModel("SmolLM2-135M-Instruct.Q4_1", starter_model, starter_model.stat().st_size)


@pytest.fixture
def folder(tmp_path, gguf):
    """The starter model's sizes as safetensors, with a chat template or without."""

    def made(name="SmolLM2-135M-Instruct", template: str | None = None):
        path = tmp_path / name
        write_weights(path / "model.safetensors", {"w": ("BF16", [10, 10], 200)})
        (path / "config.json").write_text(json.dumps(CONFIG))
        if template is not None:
            (path / "chat_template.jinja").write_text(template)
        return LocalModel(name, path, 200, format=Format.SAFETENSORS)

    return made


def plan(adapter, model, wishes, context=8192, lacking=0):
    return SimpleNamespace(options=SimpleNamespace(context_length=context), lacking=lacking)


def engines(*adapters, installed=("transformers",), wishes=None, **changes) -> Engines:
    made = Engines(
        adapters=adapters or (LLAMA, TRANSFORMERS, VLLM),
        is_installed=lambda it: it.environment is None or it.environment in installed,
        fitness=lambda _: Fitness(True),
        wishes=lambda _: wishes or LoadWishes(),
        plan=plan,
    )
    return replace(made, **changes)


def server(name, *models, kind=ServerKind.VLLM, remote=True) -> Any:
    facts = ServerFacts(kind, tuple(ServerModel(it, 4096) for it in models))
    return SimpleNamespace(id="attached:1", name=name, remote=remote, facts=lambda: facts)


def chat(model, engine="llama_cpp", **values) -> MovingChat:
    return MovingChat(model.name, engine, **values)


def where(moves):
    return [(it.engine_id, it.name, it.step) for it in moves]


def test_each_engine_gets_the_form_that_it_reads(gguf, folder) -> None:
    plain = folder()
    moves = ways_to_move(chat(gguf), [gguf, plain], engines(installed=("transformers", "vllm")))
    assert where(moves) == [
        ("transformers", plain.name, None),
        ("transformers", gguf.name, None),
        ("vllm", plain.name, None),
    ]
    assert all(it.is_ready for it in moves)
    assert (moves[0].model, moves[0].precision, moves[0].bits) == (plain, "bf16", 16.0)
    assert moves[0].context_length == 8192


def test_what_is_missing_is_told_with_the_way_to_it(gguf, folder) -> None:
    plain = folder()
    moves = ways_to_move(chat(gguf), [gguf], engines(installed=("vllm",)))
    assert where(moves) == [
        ("transformers", gguf.name, Step.INSTALL),
        ("vllm", "SmolLM2 135M Instruct", Step.DOWNLOAD),
    ]
    assert moves[1].repository == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert "vLLM reads safetensors alone" in moves[1].why_not
    (conversion,) = [
        it
        for it in ways_to_move(chat(plain, "transformers"), [plain], engines())
        if it.engine_id == "llama_cpp"
    ]
    assert (conversion.step, conversion.source, conversion.model) == (Step.CONVERT, plain, None)


def test_an_engine_that_cannot_run_here_is_told_so_and_comes_last(gguf, folder) -> None:
    able = engines(fitness=lambda it: Fitness(it is not VLLM, "vLLM needs Linux." if it is VLLM else ""))
    moves = ways_to_move(chat(gguf), [gguf, folder()], able)
    assert (moves[-1].engine_id, moves[-1].why_not, moves[-1].step) == ("vllm", "vLLM needs Linux.", None)


def test_another_form_in_the_same_engine_is_a_move_and_the_present_one_is_none(gguf, starter_model) -> None:
    other = LocalModel("SmolLM2-135M-Coder.Q4_1", starter_model, gguf.size)
    again = LocalModel("SmolLM2-135M-Instruct-Q4_1", starter_model, gguf.size)
    moves = ways_to_move(chat(gguf), [gguf, again, other], engines(LLAMA))
    assert where(moves) == [("llama_cpp", again.name, None)], "another model is no form of this one"


def template_of_starter(gguf) -> str:
    from app.models.chat_template import template_of

    found = template_of(gguf)
    assert found is not None
    return found


def test_templates_are_compared(gguf, folder) -> None:
    only = engines(TRANSFORMERS, LLAMA)

    def told(template):
        plain = folder(f"SmolLM2-135M-Instruct-F{16 if template else 32}", template)
        move = next(it for it in ways_to_move(chat(gguf), [gguf, plain], only) if it.name == plain.name)
        return " ".join(move.kept), " ".join(move.differences)

    kept, differences = told(template_of_starter(gguf) + "\n")
    assert "The chat template is the same" in kept
    assert "template" not in differences
    kept, differences = told("{{ messages }}")
    assert "The chat template is another one" in differences
    assert "template" not in kept
    _, differences = told(None)
    assert "no chat template of its own" in differences


def test_precision_tells_what_is_read_and_what_is_left_of_the_original(gguf, folder) -> None:
    plain = folder()
    plain_move, gguf_move = ways_to_move(chat(gguf), [gguf, plain], engines(LLAMA, TRANSFORMERS))
    assert "Replies will be closer to those of the original model." in plain_move.differences[0]
    assert "2.8 times the bytes" in plain_move.differences[0]
    assert "Q4_1, computed as bf16" in gguf_move.differences[0]
    assert "closer" not in gguf_move.differences[0], "unpacking brings nothing back"
    back = next(
        it
        for it in ways_to_move(chat(plain, "transformers"), [gguf, plain], engines(LLAMA, TRANSFORMERS))
        if it.engine_id == "llama_cpp"
    )
    assert "36 % of the bytes" in back.differences[0]
    assert "further from" in back.differences[0]


def test_a_persons_wishes_for_the_engine_count(gguf, folder) -> None:
    plain = folder()
    moves = ways_to_move(
        chat(gguf), [gguf, plain], engines(TRANSFORMERS, LLAMA, wishes=LoadWishes(quantize_bits=4))
    )
    assert next(it for it in moves if it.name == plain.name).precision == "int4"
    moves = ways_to_move(
        chat(gguf), [gguf, plain], engines(TRANSFORMERS, LLAMA, wishes=LoadWishes(dtype="float32"))
    )
    assert next(it for it in moves if it.name == plain.name).precision == "fp32"


def test_sampling_that_a_server_does_not_take_is_named(gguf) -> None:
    office = server("Office", "HuggingFaceTB/SmolLM2-135M-Instruct", "another", kind=ServerKind.OLLAMA)
    params = SamplingParams(min_p=0.05, top_k=0, repeat_penalty=1.0, seed=7)
    (move,) = ways_to_move(chat(gguf, params=params), [gguf], engines(LLAMA, attached=(office,)))
    said = " ".join(move.differences)
    assert (move.engine_id, move.remote, move.model) == ("attached:1", True, None)
    assert "Min P (0.05) is left out: Office does not take it." in said, "what is off anyway is not named"
    assert "leaves this one" in said
    assert "The same seed" in said
    assert "Temperature 0.8" in " ".join(move.kept)


def test_a_penalty_that_means_something_else_is_told(gguf) -> None:
    office = server("Office", "SmolLM2-135M-Instruct")
    params = SamplingParams(repeat_penalty=1.1)
    (move,) = ways_to_move(chat(gguf, params=params), [gguf], engines(LLAMA, attached=(office,)))
    assert any("repeat penalty looks at the whole text" in it for it in move.differences)


def test_context_and_memory(gguf, folder) -> None:
    small = engines(
        TRANSFORMERS, LLAMA, plan=lambda a, m, w: plan(a, m, w, context=2048, lacking=1_200_000_000)
    )
    move = ways_to_move(chat(gguf, tokens=3000), [gguf, folder()], small)[0]
    said = " ".join(move.differences)
    assert "2,048 tokens of context fit there, and the conversation has about 3,000" in said
    assert "1.2 GB more memory" in said
    move = ways_to_move(chat(gguf, context_length=8192), [gguf, folder()], small)[0]
    assert "here it has 8,192" in " ".join(move.differences)
    move = ways_to_move(chat(gguf, tokens=100), [gguf, folder()], small)[0]
    assert "2,048 tokens of context fit there." in move.kept


def test_a_form_that_cannot_be_loaded_says_why(gguf, folder) -> None:
    def broken(*_):
        raise ModelFileError("The file ends early.")

    move = ways_to_move(chat(gguf), [gguf, folder()], engines(TRANSFORMERS, LLAMA, plan=broken))[0]
    assert (move.why_not, move.is_ready) == ("The file ends early.", False)


def test_from_a_server_home(gguf) -> None:
    office = server("Office", "HuggingFaceTB/SmolLM2-135M-Instruct", remote=False)
    served = MovingChat("HuggingFaceTB/SmolLM2-135M-Instruct", "attached:1")
    assert where(ways_to_move(served, [gguf], engines(LLAMA, attached=(office,)))) == [
        ("llama_cpp", gguf.name, None)
    ]
    strange = MovingChat("my-model", "attached:1")
    assert ways_to_move(strange, [gguf], engines(LLAMA, attached=(office,))) == []


def test_a_model_that_is_gone_is_told(gguf) -> None:
    with pytest.raises(ModelFileError, match="not among the models"):
        ways_to_move(MovingChat("gone", "llama_cpp"), [gguf], engines())
