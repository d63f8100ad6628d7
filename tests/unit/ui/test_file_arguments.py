"""Files as command lines and desktops name them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.__main__ import _files_among
from app.ui.file_arguments import named_files


def test_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert named_files(["a.gguf", "./b/../c d.gguf", str(tmp_path / "a.gguf"), ""]) == [
        tmp_path / "a.gguf",
        tmp_path / "c d.gguf",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="paths of POSIX")
def test_addresses_of_this_computer_are_paths() -> None:
    assert named_files(
        [
            "file:///m/Zo%C3%AB%20%E5%AE%B6.gguf",
            "FILE://localhost/m/b.gguf",
            "file:/m/c.gguf",
            "file:///m/%FF.gguf",
        ]
    ) == [Path("/m/Zoë 家.gguf"), Path("/m/b.gguf"), Path("/m/c.gguf"), Path(os.fsdecode(b"/m/\xff.gguf"))]


@pytest.mark.parametrize(
    "address",
    [
        "file://server/share/a.gguf",
        "file:",
        "file:///a%00b.gguf",
        "file:a.gguf",
        "file://[/a.gguf",
        "/a\0.gguf",
    ],
)
def test_what_names_no_file_here_is_left_out(address: str) -> None:
    assert named_files([address]) == []


@given(st.lists(st.text(max_size=40), max_size=4))
def test_whatever_is_named_is_absolute(arguments: list[str]) -> None:
    assert all(path.is_absolute() for path in named_files([f"file:{text}" for text in arguments]))


@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        ([], []),
        (["model.gguf"], ["model.gguf"]),
        (["MODEL.GGUF", "notes"], ["MODEL.GGUF", "notes"]),
        (["file:///m/a"], ["file:///m/a"]),
        (["/m/without-ending"], ["/m/without-ending"]),
        (["chat"], []),
        (["chat", "model.gguf"], []),
        (["models", "import", "/m/a.gguf"], []),
        (["--version"], []),
        (["--json=/m/a.gguf"], []),
        (["-platform", "offscreen", "a.gguf", "-stylesheet", "/m/x.qss"], ["a.gguf"]),
    ],
)
def test_commands_go_before_files(arguments: list[str], files: list[str]) -> None:
    assert _files_among(arguments) == files
