"""A frozen app starts itself again; on Windows it is the program for terminals, whichever was started."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from app.domain.own_program import CONSOLE, own_program


def test_from_source_there_is_none() -> None:
    assert own_program() is None


def test_a_frozen_app_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert own_program() == sys.executable


def test_on_windows_children_have_input_and_output(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "Edgewise.exe"))
    assert own_program() == str(tmp_path / CONSOLE)
