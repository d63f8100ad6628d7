"""`edgewise models quantize`, `quality` and `convert` with the real programs and the real starter model.

What needs the converter's environment is in tests/engines/test_conversion.py.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from app.cli.command_line import run
from app.cli.convert_models import progress_line
from app.cli.models import OUTPUT_TYPES
from app.domain.conversion import WorkProgress
from app.models import conversion
from app.storage.paths import Paths
from app.storage.settings import Settings, save_settings
from tests.unit.models.safetensors_writer import write_weights

PROSE = "The ferry leaves at seven, when the mist still lies on the water and nobody talks much. " * 20
STARTER, MADE = "SmolLM2-135M-Instruct.Q4_1", "SmolLM2-135M-Instruct-Q2_K"


@pytest.fixture
def folder(empty_home: Path, tmp_path: Path) -> Path:
    """Safetensors that no converter was tried on."""
    Paths.find().create()
    folder = tmp_path / "Tiny"
    write_weights(folder / "model.safetensors", {"a": ("BF16", [8], 16)})
    (folder / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}', encoding="utf-8")
    return folder


def test_a_model_is_made_smaller_and_measured(
    edgewise_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["models", "quantize", STARTER, "q2_k", "--again"]) == 0
    said = capsys.readouterr().out
    assert f"{MADE} is in the library (88 MB), made from {STARTER} with llama-quantize." in said
    assert "do not divide into this type’s blocks" in said
    assert list((edgewise_home / "models" / ".incoming").iterdir()) == []

    text = tmp_path / "prose.txt"
    text.write_text(PROSE, encoding="utf-8")
    asked = ["models", "quality", MADE, "--against", STARTER, "--text", str(text), "--no-speed", "--json"]
    assert run(asked) == 0
    first = json.loads(capsys.readouterr().out)
    (variant,) = first["variants"]
    assert (first["text"], first["context"]) == ("prose.txt", 128)
    assert first["original"]["divergence"] is None
    assert variant["quantization"] == "Q2_K"
    assert variant["divergence"]["value"] > 3 * variant["divergence"]["error"] > 0
    assert 0 < variant["same_top_percent"]["value"] < 100
    assert variant["reply_tokens_per_second"] is None

    assert run(asked) == 0  # nothing is measured twice
    assert json.loads(capsys.readouterr().out) == first

    assert run(["models", "quantize", STARTER, "Q2_K", "--again"]) != 0
    assert "in the model folder already" in capsys.readouterr().err


def test_what_is_quantized_already_is_refused(
    edgewise_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["models", "quantize", STARTER, "Q8_0"]) != 0
    assert "is stored in Q4_1 already" in capsys.readouterr().err
    assert len(list((edgewise_home / "models").glob("*.gguf"))) == 1


def test_a_type_that_there_is_not(edgewise_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "quantize", STARTER, "Q9_9"]) != 0
    assert "makes no “Q9_9”. It makes: " in capsys.readouterr().err


def test_the_types_are_listed(empty_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "quantize", "--json"]) == 0
    assert {"Q8_0", "Q4_K_M", "IQ2_XXS"} <= {each["name"] for each in json.loads(capsys.readouterr().out)}


def test_without_an_original_there_is_nothing_to_compare_with(
    edgewise_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["models", "quality", STARTER]) != 0
    assert "its original is not in the library" in capsys.readouterr().err


def test_the_converter_is_not_installed_unasked(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert run(["models", "convert", str(folder)]) != 0
    said = capsys.readouterr().err
    assert "The converter to GGUF is not installed: about 265 MB to download" in said
    assert "--yes" in said
    assert not Paths.find().engines.exists()


def test_offline_nothing_is_installed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_settings(Paths.find().settings, Settings(offline=True))
    assert run(["models", "convert", str(folder), "--yes"]) != 0
    assert "Offline mode is on" in capsys.readouterr().err


def test_pickles_are_refused_first(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert run(["models", "convert", str(folder)]) != 0
    assert "Python pickles" in capsys.readouterr().err


def test_the_command_offers_what_the_converter_writes() -> None:
    assert conversion.OUTPUT_TYPES == OUTPUT_TYPES


@pytest.mark.parametrize(
    ("progress", "line"),
    [
        (WorkProgress("Reading a"), "Reading a…"),
        (WorkProgress("Quantizing", 3, 12, "tensors"), "Quantizing  25 %  3 of 12 tensors"),
        (WorkProgress("Checking", 5, 10, "bytes"), "Checking  50 %"),
        (WorkProgress("Checking", 0, 0, "bytes"), "Checking  100 %"),
    ],
)
def test_a_line_of_progress(progress: WorkProgress, line: str) -> None:
    assert progress_line(progress) == line
