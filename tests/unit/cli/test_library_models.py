"""`edgewise models list`, `import`, `verify` and `remove`, in this process and as a person starts them."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.command_line import run
from app.storage.checksums import Checksums
from app.storage.paths import Paths
from tests.unit.models.gguf_writer import write_model
from tests.unit.models.safetensors_writer import write_weights


@pytest.fixture
def paths(empty_home: Path) -> Paths:
    paths = Paths.find()
    paths.create()
    return paths


@pytest.fixture
def model(paths: Paths) -> Path:
    return write_model(paths.models / "Zoë 家-Q8_0.gguf")


class Person(io.StringIO):
    """Somebody at a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_list_for_people(paths: Paths, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (paths.models / "broken.gguf").write_bytes(b"hello")
    write_weights(paths.models / "Tiny" / "model.safetensors", {"a": ("BF16", [8], 16)})
    (paths.models / "Tiny" / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')
    assert run(["models", "list"]) == 0
    heading, broken, tiny, zoe, problem = capsys.readouterr().out.splitlines()
    assert heading.split() == [
        "Model",
        "Where",
        "Quantization",
        "Parameters",
        "Size",
        "Context",
        "Last",
        "used",
    ]
    assert broken.startswith("broken ")
    assert "safetensors BF16" in tiny
    assert "8,192" in zoe
    assert zoe.endswith("never")
    assert problem == "broken: broken.gguf is not a GGUF model file."
    assert not paths.database.exists()


def test_a_list_for_programs(paths: Paths, model: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app", "models", "list", "--json"],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1"},
        timeout=60,
        check=True,
    )
    (entry,) = json.loads(done.stdout)
    assert (entry["name"], entry["path"]) == ("Zoë 家-Q8_0", str(model))
    assert (entry["place"], entry["format"], entry["size"]) == ("library", "GGUF", model.stat().st_size)
    assert entry["details"]["context_length"] == 8192
    assert entry["projector"] is entry["last_used"] is None
    assert done.stderr == ""


def test_an_empty_list(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "list"]) == 0
    assert str(paths.models) in capsys.readouterr().out
    assert run(["models", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_import_a_copy_and_in_place(paths: Paths, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = write_model(tmp_path / "one.gguf"), write_model(tmp_path / "two.gguf")
    assert run(["models", "import", str(one)]) == 0
    assert capsys.readouterr().out == "one is in the library (7.7 kB).\n"
    assert (paths.models / "one.gguf").exists()
    assert run(["models", "import", str(two), "--in-place", "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert (entry["place"], entry["path"]) == ("in_place", str(two))
    assert run(["models", "import", str(one)]) == 1
    assert capsys.readouterr().err == "one is already in the library.\n"
    assert run(["models", "import", str(tmp_path / "gone.gguf")]) == 1
    assert "There is no file gone.gguf" in capsys.readouterr().err


def test_verify_one_and_all(paths: Paths, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "verify"]) == 0
    assert capsys.readouterr().out.startswith("✓ Zoë 家-Q8_0 is complete by its header")
    sha256 = hashlib.sha256(model.read_bytes()).hexdigest()
    Checksums(paths.checksums).add(model.name, sha256, model.stat().st_size)
    assert run(["models", "verify", "zoë", "--json"]) == 0
    (result,) = json.loads(capsys.readouterr().out)
    assert (result["name"], result["soundness"]) == ("Zoë 家-Q8_0", "whole")
    with model.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"!")
    assert run(["models", "verify"]) == 1
    assert capsys.readouterr().out.startswith("✗ Zoë 家-Q8_0 is damaged")
    assert run(["models", "verify", "gone"]) == 1
    assert "There is no model “gone”" in capsys.readouterr().err


def test_nothing_to_verify(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "verify"]) == 0
    assert capsys.readouterr().out == "There is no model to check.\n"


def test_how_far_a_check_is_is_said_on_a_terminal(
    paths: Paths, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = hashlib.sha256(model.read_bytes()).hexdigest()
    Checksums(paths.checksums).add(model.name, sha256, model.stat().st_size)
    terminal = Person()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert run(["models", "verify"]) == 0
    assert "Checking Zoë 家-Q8_0… 100 %" in terminal.getvalue()


@pytest.mark.parametrize(("answer", "gone"), [("y\n", True), ("YES\n", True), ("n\n", False), ("", False)])
def test_a_person_is_asked(
    paths: Paths, model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    answer: str, gone: bool,
) -> None:  # fmt: skip
    monkeypatch.setattr(sys, "stdin", Person(answer))
    assert run(["models", "remove", "zoë"]) == (0 if gone else 1)
    said = capsys.readouterr().out
    assert "Zoë 家-Q8_0 will be deleted, which frees 7.7 kB." in said
    assert ("is deleted" in said) == gone
    assert model.exists() != gone


def test_where_nobody_can_be_asked_nothing_goes(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert run(["models", "remove", "zoë"]) == 2
    assert "--yes" in capsys.readouterr().err
    assert model.exists()
    size = model.stat().st_size
    assert run(["models", "remove", "zoë", "--json", "--yes"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"name": "Zoë 家-Q8_0", "path": str(model), "freed": size}]
    assert not model.exists()


def test_where_one_cannot_go_none_goes(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    cached = write_model(tmp_path / "models--o--n" / "snapshots" / "1" / "cached.gguf")
    assert run(["models", "remove", "zoë", "cached", "--yes"]) == 1
    assert "Hugging Face" in capsys.readouterr().err
    assert model.exists()
    assert cached.exists()
