"""The real llama-perplexity and what it and llama-bench print."""

from __future__ import annotations

import json

import pytest

from app.domain.errors import ConversionFailed
from app.domain.generation import Cancellation
from app.domain.model_quality import Estimate, counted_tokens
from app.engines.llama_cpp_quality import (
    compare,
    count_tokens,
    logits_size,
    read_divergence,
    read_speed,
    save_logits,
)

STATISTICS = """
====== Perplexity statistics ======
Mean PPL(Q)                   :  59.935895 ±   8.249688
Mean PPL(base)                :  56.228393 ±   7.602336
====== KL divergence statistics ======
Mean    KLD:   0.054401 ±   0.002143
Maximum KLD:   0.439747
Median  KLD:   0.042525
RMS Δp    :  3.174 ± 0.236 %
Same top p: 84.449 ± 1.609 %
"""
PROSE = "The ferry leaves at seven, when the mist still lies on the water and nobody talks much. " * 20


def test_a_model_beside_itself_differs_in_nothing(starter_model, tmp_path):
    folder = tmp_path / "Messung 家"
    folder.mkdir()
    text, logits = folder / "text.txt", folder / "logits"
    text.write_text(PROSE, encoding="utf-8")
    seen = []
    with (folder / "log").open("wb") as log:
        tokens = count_tokens(starter_model, text, log=log, cancellation=Cancellation())
        assert 256 < tokens < 600
        perplexity = save_logits(
            starter_model, text, logits, context=128, chunks=2, vocabulary=49152, log=log,
            cancellation=Cancellation(), on_chunks=lambda *of: seen.append(of),
        )  # fmt: skip
        assert logits.stat().st_size == logits_size(128, 2, 49152)
        found = compare(
            starter_model, logits, context=128, chunks=2, log=log, cancellation=Cancellation(),
            on_chunks=lambda *of: seen.append(of),
        )  # fmt: skip
    assert 1.0 < perplexity.value < 1000.0
    assert found.perplexity.value == pytest.approx(found.original_perplexity, rel=1e-3)
    assert found.divergence.value == pytest.approx(0.0, abs=1e-3)
    assert found.same_top.value > 98.0
    assert seen[-1] == (2, 2)


def test_the_statistics_are_read():
    found = read_divergence(STATISTICS)
    assert found.perplexity == Estimate(59.935895, 8.249688)
    assert found.original_perplexity == 56.228393
    assert found.divergence == Estimate(0.054401, 0.002143)
    assert found.same_top == Estimate(84.449, 1.609)


@pytest.mark.parametrize("line", ["Mean    KLD:", "Same top p", "Mean PPL(Q) "])
def test_statistics_that_are_missing_are_no_zeros(line):
    with pytest.raises(ConversionFailed, match="did not say"):
        read_divergence("\n".join(each for each in STATISTICS.splitlines() if not each.startswith(line)))


def test_no_number_is_no_number():
    with pytest.raises(ConversionFailed):
        read_divergence(STATISTICS.replace("0.054401", "nan"))


def test_speeds_are_found_among_other_lines():
    prompt = {"n_prompt": 256, "n_gen": 0, "avg_ts": 300.5, "stddev_ts": 2.0}
    reply = {"n_prompt": 0, "n_gen": 64, "avg_ts": 90.25, "stddev_ts": 1.0}
    said = f"warning: asserts enabled\n{json.dumps(prompt)}\n[1]\n{json.dumps(reply)}\n"
    found = read_speed(said)
    assert (found.prompt, found.generation) == (Estimate(300.5, 2.0), Estimate(90.25, 1.0))
    with pytest.raises(ConversionFailed):
        read_speed(json.dumps(prompt))


def test_half_of_a_piece_is_counted():
    assert counted_tokens(512) == 255
    assert logits_size(256, 4, 49152) == 49_946_612  # as llama-perplexity wrote it for SmolLM2
