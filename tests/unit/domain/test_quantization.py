import re
import subprocess

import pytest

from app.domain.quantization import (
    FILE_TYPES,
    QUANTIZATIONS,
    Quality,
    known,
    quality_of,
    split_name,
)
from app.engines.llama_cpp import find_program


@pytest.mark.parametrize(
    ("stem", "parts"),
    [
        ("SmolLM2-135M-Instruct.Q4_1", ("SmolLM2-135M-Instruct", "Q4_1")),
        ("Qwen3-8B-q4_k_m", ("Qwen3-8B", "Q4_K_M")),
        ("Qwen3-8B-UD-Q4_K_XL-00001-of-00002", ("Qwen3-8B", "UD-Q4_K_XL")),
        ("gemma-3-4b-it-IQ3_XXS", ("gemma-3-4b-it", "IQ3_XXS")),
        ("model_BF16", ("model", "BF16")),
        ("gpt-oss-20b-MXFP4", ("gpt-oss-20b", "MXFP4")),
        ("bitnet.TQ1_0", ("bitnet", "TQ1_0")),
        ("nothing-said", ("nothing-said", "")),
        ("Q4_K_M", ("Q4_K_M", "")),
        ("", ("", "")),
    ],
)
def test_a_name_is_parted_from_its_quantization(stem, parts):
    assert split_name(stem) == parts


def test_aliases_and_strangers():
    assert known("q4_k") is QUANTIZATIONS["Q4_K_M"]
    assert known("MXFP4_MOE") is QUANTIZATIONS["MXFP4"]
    assert known("Q4_K_XL") is None
    assert known("") is None


def test_more_loss_never_reads_as_better():
    divergences = sorted(row.divergence for row in QUANTIZATIONS.values() if row.divergence is not None)
    order = list(Quality)
    words = [order.index(quality_of(divergence)) for divergence in divergences]
    assert words == sorted(words)
    assert set(words) == set(range(len(order)))


def test_what_is_known_is_as_published():
    """ "+0.1754 ppl @ Llama-3-8B" stands in llama-quantize's own help."""
    help_text = subprocess.run(
        [find_program("llama-quantize"), "--help"], capture_output=True, text=True, check=False
    )
    published = dict(
        re.findall(
            r"or\s+(\w+)\s*:\s+[\d.]+G, \+([\d.]+) ppl @ Llama-3-8B", help_text.stdout + help_text.stderr
        )
    )
    assert len(published) >= 14
    for name, increase in published.items():
        # The tool's figure of Q2_K_S is of a file made with another importance matrix.
        tolerance = 0.1 if name == "Q2_K_S" else 1e-4
        assert QUANTIZATIONS[name].perplexity_increase == pytest.approx(float(increase), abs=tolerance)


def test_the_loss_in_percent():
    assert QUANTIZATIONS["Q4_K_M"].perplexity_increase_percent == pytest.approx(2.816, abs=0.001)
    assert QUANTIZATIONS["MXFP4"].perplexity_increase_percent is None
    assert QUANTIZATIONS["MXFP4"].quality is None


@pytest.mark.parametrize(("divergence", "quality"), [(0.0, Quality.LOSSLESS), (0.008, Quality.VERY_CLOSE)])
def test_a_bound_belongs_to_the_worse_side(divergence, quality):
    assert quality_of(divergence) is quality


def test_every_file_type_is_in_the_table():
    assert set(FILE_TYPES.values()) <= set(QUANTIZATIONS)
