"""The real llama-quantize with the real starter model, which is quantized already."""

from __future__ import annotations

import pytest

from app.domain.errors import Cancelled, ConversionFailed
from app.domain.generation import Cancellation
from app.engines.llama_cpp_quantize import (
    explain,
    explain_text,
    forecast,
    importance_matrix,
    quantization_types,
    quantize,
    read_types,
)

NEEDED = {
    "F32",
    "F16",
    "BF16",
    "Q8_0",
    "Q6_K",
    "Q5_K_M",
    "Q4_K_M",
    "Q4_K",
    "IQ4_XS",
    "Q3_K_S",
    "Q2_K",
    "IQ1_S",
    "COPY",
}


@pytest.fixture
def log(tmp_path):
    folder = tmp_path / "Werkbank 家"
    folder.mkdir()
    with (folder / "log").open("wb") as file:
        yield file


def test_every_type_that_the_program_lists():
    types = quantization_types()
    names = [each.name for each in types]
    assert set(names) >= NEEDED
    assert len(set(names)) == len(names)
    notes = {each.name: each.note for each in types}
    assert notes["Q4_K"] == "alias for Q4_K_M"
    assert "ppl" in notes["Q4_K_M"]


def test_options_and_the_usage_are_no_types():
    text = (
        "usage:\n  F16  :  not here\nallowed quantization types\n   2  or  Q4_0    :  4.34G\n  COPY : only\n"
    )
    assert [each.name for each in read_types(text)] == ["Q4_0", "COPY"]


def test_the_forecast_is_the_size_that_comes_of_it(starter_model, tmp_path, log):
    said = forecast(starter_model, "Q2_K", log, Cancellation())
    assert said is not None
    target, seen = tmp_path / "a.gguf", []
    quantize(
        starter_model, target, "Q2_K", importance=None, allow_requantize=True, log=log,
        cancellation=Cancellation(), on_tensors=lambda *of: seen.append(of),
    )  # fmt: skip
    made = target.stat().st_size
    assert said.size < made < 1.05 * said.size + 4_000_000  # the header holds the vocabulary
    assert seen[0][0] == 1
    assert seen[-1] == (said.tensors, said.tensors)
    assert 0 < said.other_types < said.tensors  # 576 columns are no multiple of 256
    assert f"{said.other_types} of its {said.tensors} tensors" in said.remark


def test_what_is_quantized_is_not_quantized_again_unasked(starter_model, tmp_path, log):
    with pytest.raises(ConversionFailed, match="holds tensors in Q4_1 already"):
        quantize(
            starter_model, tmp_path / "a.gguf", "Q2_K", importance=None, allow_requantize=False, log=log,
            cancellation=Cancellation(), on_tensors=lambda *_: None,
        )  # fmt: skip


def test_a_cancel_ends_it(starter_model, tmp_path, log):
    cancellation = Cancellation()
    with pytest.raises(Cancelled):
        quantize(
            starter_model, tmp_path / "a.gguf", "Q8_0", importance=None, allow_requantize=True, log=log,
            cancellation=cancellation, on_tensors=lambda *_: cancellation.cancel(),
        )  # fmt: skip


def test_a_text_that_is_too_short_for_an_importance_matrix(starter_model, tmp_path, log):
    text = tmp_path / "kurz.txt"
    text.write_text("A few words.", encoding="utf-8")
    with pytest.raises(ConversionFailed, match=r"kurz.txt is too short: 256 tokens are needed"):
        importance_matrix(
            starter_model, text, tmp_path / "i.gguf", context=128, log=log, cancellation=Cancellation()
        )


def test_reasons():
    assert "IQ1_S needs an importance matrix" in explain(
        "a", "IQ1_S", "this quantization requires an imatrix!"
    )
    assert "disk is full" in explain("a", "Q8_0", "llama: No space left on device")
    assert explain("a", "Q8_0", "main: error: bad magic\n") == (
        "a was not quantized: llama-quantize stopped (error: bad magic)."
    )
    assert "cannot load the model" in explain_text("a.txt", "E failed to load model 'x'")
