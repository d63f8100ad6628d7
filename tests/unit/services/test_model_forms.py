import json
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest

from app.domain.engine import LoadWishes
from app.domain.hub import Format
from app.domain.model import LocalModel
from app.domain.speed_test import Contender
from app.services.model_forms import best_entrants, candidate, candidates, differences, forms, served
from tests.unit.models.safetensors_writer import write_weights
from tests.unit.models.test_identity import CONFIG, write_gguf


@dataclass(frozen=True)
class Engine:
    id: str
    name: str
    formats: tuple[Format, ...]


LLAMA: Any = Engine("llama_cpp", "llama.cpp", (Format.GGUF,))
TRANSFORMERS: Any = Engine("transformers", "Transformers", (Format.SAFETENSORS, Format.GGUF))
VLLM: Any = Engine("vllm", "vLLM", (Format.SAFETENSORS,))
TRT: Any = Engine("tensorrt_llm", "TensorRT-LLM", (Format.SAFETENSORS,))


@pytest.fixture
def gguf(starter_model):
    return LocalModel("SmolLM2-135M-Instruct.Q4_1", starter_model, starter_model.stat().st_size)


@pytest.fixture
def folder(tmp_path):
    def made(name, stored="BF16", **config):
        path = tmp_path / name
        write_weights(path / "model.safetensors", {"w": (stored, [10, 10], 200)})
        (path / "config.json").write_text(json.dumps({**CONFIG, **config}))
        return LocalModel(name, path, 200, format=Format.SAFETENSORS)

    return made


@pytest.fixture
def plain(folder):
    return folder("SmolLM2-135M-Instruct")


@pytest.fixture
def family(gguf, plain):
    (only,) = forms([gguf, plain]).all
    return only


def precisions(found):
    return [it.contender.precision for it in found]


def test_families(gguf, plain, folder, tmp_path):
    base, awq = (
        folder("SmolLM2-135M"),
        folder("SmolLM2-135M-Instruct-AWQ", quantization_config={"quant_method": "awq", "bits": 4}),
    )
    gone = LocalModel("gone", tmp_path / "gone.gguf", 1)
    found = forms([gguf, base, gone, plain, awq])
    assert [(it.name, [form.precision for form in it.forms]) for it in found.all] == [
        ("SmolLM2 135M Instruct", ["Q4_1", "bf16", "AWQ int4"]),
        ("SmolLM2 135M", ["bf16"]),
    ]
    assert found.of(awq) is found.all[0]
    assert found.of(gone) is None


def test_a_form_that_brings_two_families_together(folder, tmp_path):
    """By its header it is the one, by its name the other."""
    first, second = folder("SmolLM2-135M"), folder("small")
    both = write_gguf(tmp_path / "small.gguf", basename="SmolLM2", size_label="135M")
    assert len(forms([first, second]).all) == 2
    assert len(forms([first, second, both]).all) == 1


def test_two_families_never_share_a_name(folder):
    there = forms(
        [folder("mine"), folder("Mine_bf16", num_hidden_layers=5), folder("mine-f16", hidden_size=64)]
    )
    names = [it.name for it in there.all]
    assert len(set(names)) == len(names) == 3


def test_a_file_that_changed_is_read_again(folder, plain):
    assert forms([plain]).all[0].forms[0].precision == "bf16"
    (plain.path / "model.safetensors").unlink()
    write_weights(plain.path / "model2.safetensors", {"w": ("F32", [10, 10], 400)})
    assert forms([plain]).all[0].forms[0].precision == "fp32"


def test_what_each_engine_could_run(family):
    assert precisions(candidates(LLAMA, family)) == ["Q4_1"]
    assert precisions(candidates(VLLM, family)) == ["bf16", "fp16", "fp32"]
    assert precisions(candidates(TRT, family)) == ["bf16"]
    both = candidates(TRANSFORMERS, family)
    assert precisions(both)[0] == "bf16"
    assert set(precisions(both)) == {"bf16", "fp16", "fp32", "int8", "int4"}
    assert both[0].model == family.forms[1].model
    picked = candidates(TRANSFORMERS, family, family.forms[0].model)
    assert picked[0].model == family.forms[0].model
    assert picked[0].contender.precision == "bf16", "a GGUF file is unpacked"


def test_the_wishes_make_it_compute_so(family):
    stored, plain = family.forms
    assert candidate(VLLM, plain).wishes == LoadWishes(dtype="bfloat16")
    assert candidate(VLLM, plain, "fp16").wishes == LoadWishes(dtype="float16")
    eight = candidate(TRANSFORMERS, plain, "int8")
    assert eight.wishes == LoadWishes(quantize_bits=8)
    assert (eight.contender.precision, eight.contender.bits) == ("int8", 8)
    assert candidate(LLAMA, stored).wishes == LoadWishes()
    unpacked = candidate(TRANSFORMERS, stored).contender
    assert (unpacked.precision, unpacked.bits) == ("bf16", 16)
    assert candidate(LLAMA, stored).contender.bits == pytest.approx(5.74, abs=0.01)


def test_stored_in_32_bits_it_is_computed_in_16(folder):
    (family,) = forms([folder("m", "F32")]).all
    assert precisions(candidates(VLLM, family))[0] in ("bf16", "fp16")


def test_the_same_precision_where_there_is_one(family, folder):
    best = best_entrants(family, [LLAMA, TRANSFORMERS, VLLM])
    assert precisions(best) == ["Q4_1", "bf16", "bf16"]
    assert [it.contender.engine_id for it in best] == ["llama_cpp", "transformers", "vllm"]
    assert precisions(best_entrants(family, [LLAMA, TRANSFORMERS])) == ["Q4_1", "bf16"]
    (fp16,) = forms([folder("m", "F16")]).all
    assert precisions(best_entrants(fp16, [LLAMA, VLLM, TRT])) == ["fp16", "fp16"]


def test_two_forms_in_one_engine_are_told_by_their_bits(family, gguf):
    large = replace(family.forms[0], precision="Q8_0", bits=8.5)
    more = replace(family, forms=(*family.forms, large))
    assert precisions(candidates(LLAMA, more)) == ["Q8_0", "Q4_1"]
    assert precisions(best_entrants(more, [LLAMA, VLLM])) == ["Q8_0", "bf16"]


def contender(engine, precision, bits, **more):
    return Contender(
        engine, engine, "m", **{"family": "SmolLM2", "precision": precision, "bits": bits, **more}
    )


SMALL, LARGE = contender("llama.cpp", "Q4_1", 4.5), contender("Transformers", "bf16", 16.0)


def test_what_is_alike_is_not_told_apart():
    assert differences([LARGE, replace(LARGE, engine="vLLM")]) == []
    assert differences([]) == []


def test_precisions_that_differ():
    assert differences([SMALL, LARGE]) == [
        "llama.cpp computes Q4_1 (4.5 bits a weight), Transformers bf16 (16 bits a weight): the first moves"
        " about a quarter of the bytes. Compare engines at the same precision only."
    ]
    (three,) = differences([LARGE, replace(LARGE, engine="vLLM"), SMALL])
    assert "llama.cpp moves about a quarter of the bytes that Transformers moves." in three
    (unknown,) = differences([replace(SMALL, bits=None), LARGE])
    assert "moves" not in unknown
    (equal,) = differences([replace(LARGE, precision="fp16"), LARGE])
    assert "moves" not in equal
    (twice,) = differences([SMALL, replace(SMALL, precision="Q8_0", bits=9.0), LARGE])
    assert "llama.cpp at Q4_1 moves" in twice


def test_different_models():
    first, *_ = differences([SMALL, replace(LARGE, family="Qwen3 4B")])
    assert first == (
        "llama.cpp runs SmolLM2 and Transformers runs Qwen3 4B: these are different models. Compare engines"
        " with the same model only."
    )


def test_a_server_elsewhere():
    server: Any = SimpleNamespace(id="attached:1", name="The cluster", remote=True)
    there = served(server, "llama-70b")
    unknown, remote = differences([SMALL, there])
    assert "The cluster calls llama-70b" in unknown
    assert remote.startswith("The cluster is on another machine")
