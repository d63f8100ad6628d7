"""What this copy knows of its release."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app import __version__
from app.domain.release import Wheel
from app.storage.release import read_release, this_release


def test_a_copy_from_source_was_published_by_nobody() -> None:
    assert this_release().version == __version__
    assert this_release().home == ""
    assert this_release().wheels == {}


def test_what_a_release_wrote_is_read(tmp_path: Path) -> None:
    file = tmp_path / "release.json"
    wheel = {"url": "https://example.org/releases/a.whl", "sha256": "ab" * 32, "size": 12}
    file.write_text(json.dumps({"home": "https://example.org/releases/", "wheels": {"a": wheel}}), "utf-8")

    release = read_release(file)

    assert release.home == "https://example.org/releases"
    assert release.wheels == {"a": Wheel("https://example.org/releases/a.whl", "ab" * 32, 12)}


def test_a_broken_file_is_not_hidden(tmp_path: Path) -> None:
    file = tmp_path / "release.json"
    file.write_text("{}", "utf-8")
    with pytest.raises(KeyError):
        read_release(file)
