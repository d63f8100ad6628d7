"""The types of tensors, held against llama-quantize itself, which reckons a file's size without making it."""

import re
import subprocess
from pathlib import Path

import pytest

from app.domain.quantization import QUANTIZATIONS
from app.engines.llama_cpp import find_program
from app.models.gguf_header import read_header
from app.models.mixture import Place, Role, mixture_of
from app.models.sketch import sketch
from tests.made_models import MADE_MODELS
from tests.unit.models.published import dimensions_of

WITHOUT_MATRIX = {"IQ4_NL": 0.01, "IQ4_XS": 0.01, "IQ3_XXS": 0.06}
"""Those that llama-quantize mixes otherwise without an importance matrix: we reckon with one."""
NOT_MIXED = {"TQ1_0", "TQ2_0"}
MIXED = sorted(set(QUANTIZATIONS) - NOT_MIXED)


@pytest.fixture(scope="module")
def originals(tmp_path_factory) -> dict[str, Path]:
    """Models in 16 bits, as one has them before quantizing."""
    folder = tmp_path_factory.mktemp("originals")
    paths = {}
    for name in ("llama_3_2_1b", "qwen2_0_5b", "qwen3_30b_a3b", "gemma3_4b", "phi3_mini", "lfm2_1_2b"):
        made = MADE_MODELS[name]()
        made.tensors = [(n, s, kind if kind == "F32" else "F16") for n, s, kind in made.tensors]
        paths[name] = made.write(folder / f"{name}.gguf")
    return paths


def quantized_mebibytes(path: Path, quantization: str) -> float:
    name = "MXFP4_MOE" if quantization == "MXFP4" else quantization
    argv = [str(find_program("llama-quantize")), "--dry-run", str(path), name]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    return float(re.findall(r"quant size *= *([\d.]+) MiB", done.stdout + done.stderr)[-1])


@pytest.mark.parametrize("quantization", MIXED)
def test_sizes_are_those_of_llama_quantize(originals, quantization):
    most = WITHOUT_MATRIX.get(quantization, 0.005)
    for name, path in originals.items():
        ours = sketch(dimensions_of(MADE_MODELS[name]()), 8192, quantization).tensor_bytes / (1 << 20)
        assert ours == pytest.approx(quantized_mebibytes(path, quantization), rel=most), name


def test_rows_that_blocks_do_not_divide():
    mixture = mixture_of("Q4_K_M")
    assert mixture is not None
    middle = Place(4, 32)
    assert mixture.type_of(Role.OTHER, 4096, middle) == "Q4_K"
    assert mixture.type_of(Role.OTHER, 896, middle) == "Q5_0"
    assert mixture.type_of(Role.OTHER, 900, middle) == "F16"
    assert mixture.type_of(Role.OUTPUT, 896, middle) == "Q8_0"


def test_the_real_model_has_the_types_of_its_mixture(starter_model):
    header = read_header(starter_model)
    mixture = mixture_of("Q4_1")
    assert mixture is not None
    types = {tensor.name: tensor.type_id for tensor in header.tensors}
    assert types["blk.3.ffn_down.weight"] == 3
    assert mixture.type_of(Role.DOWN, 1536, Place(3, 30)) == "Q4_1"
    assert types["token_embd.weight"] == 8
    assert mixture.type_of(Role.OUTPUT, 576, Place(0, 30)) == "Q8_0"


def test_strangers():
    assert mixture_of("UD-Q4_K_XL") is None
    assert mixture_of("TQ1_0") is None
    assert mixture_of("q4_k") is mixture_of("Q4_K_M")
