"""Where the licences lie."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from app.storage.licences import licences


def test_from_source_it_is_the_file_that_names_them() -> None:
    assert licences().read_text(encoding="utf-8").startswith("# Third-party notices")


def test_a_bundle_has_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    assert licences() == tmp_path / "licences"
