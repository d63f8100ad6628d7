"""The bundle is made in an environment whose llama.cpp runs everywhere, and a failure is a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from build import bundle
from build.bootstrap import UNFINISHED
from build.commands import Runner, SetupFailed


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """The commands that would have been run, in an environment that is made of nothing."""
    asked: list[list[str]] = []

    def run(self: Runner, what: str, command: list[object], on_line: object = None) -> str:
        asked.append([str(word) for word in command])
        (tmp_path / "venv").mkdir(exist_ok=True)
        return ""

    monkeypatch.setattr(Runner, "run", run)
    monkeypatch.setattr(bundle, "VENV", tmp_path / "venv")
    monkeypatch.setattr(bundle, "STAMP", tmp_path / "venv" / "stamp")
    return asked


def test_its_llama_cpp_has_variants_for_all_processors(runs: list[list[str]], tmp_path: Path) -> None:
    runner = Runner(tmp_path, tmp_path / "log", {})
    bundle.provide_environment(runner, Path("uv"))
    made, synced = runs
    assert made[:2] == ["uv", "venv"]
    settings = [synced[i + 1] for i, word in enumerate(synced) if word == "--config-settings-package"]
    assert settings == [
        f"llama-cpp-python:cmake.define.{name}"
        for name in ("GGML_NATIVE=OFF", "GGML_BACKEND_DL=ON", "GGML_CPU_ALL_VARIANTS=ON")
    ]
    assert "--require-hashes" in synced
    assert synced[-1].endswith("bundle.txt")

    bundle.provide_environment(runner, Path("uv"))
    assert len(runs) == 2, "nothing has changed"


def test_an_environment_that_was_cut_off_is_made_afresh(
    runs: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = Runner(tmp_path, tmp_path / "log", {})

    def cut_off(*given: object, **named: object) -> None:
        raise SetupFailed("the disk is full")

    with monkeypatch.context() as during:
        during.setattr(bundle, "sync", cut_off)
        with pytest.raises(SetupFailed):
            bundle.provide_environment(runner, Path("uv"))
    assert not bundle.STAMP.exists()
    assert (bundle.VENV / UNFINISHED).exists()
    bundle.provide_environment(runner, Path("uv"))
    assert [command[1] for command in runs] == ["venv", "venv", "pip"]
    assert not (bundle.VENV / UNFINISHED).exists()


def test_a_failure_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def failed(*, with_model: bool) -> None:
        raise SetupFailed("The bundle does not hold what is promised")

    monkeypatch.setattr(bundle, "make", failed)
    assert bundle.main(["--with-model"]) == 1
    assert "does not hold what is promised" in capsys.readouterr().err
