from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.errors import HubError
from app.models.hub_paths import (
    is_repository,
    is_safe_path,
    repository_in,
    safe_path,
    safe_repository,
    safe_revision,
    same_file,
)

GOOD = [
    "model.gguf",
    "Qwen3-8B-UD-Q4_K_XL-00001-of-00002.gguf",
    "Q4_K_M/model (copy), v1.5 + more.gguf",
    "家/Zoë’s Modell.gguf",
    "config.json",
    "console.gguf",
    "COM10.gguf",
    "nul_.gguf",
    "a" * 250 + ".gguf",
    "a/b/c/d/e/f/g/h",
]

HOSTILE = [
    "", "/", ".", "..", "../model.gguf", "a/../b", "a/..", "a/./b", "/etc/passwd", "a//b", "a/",
    "\\\\host\\x", "..\\model.gguf", "a\\b", "C:", "C:model.gguf", "C:/model.gguf", "model.gguf:stream",
    "~\0", "a\0.gguf", "a\nb", "a\xa0b", "a\x7f", "a\x85b", "nul", "NUL.gguf", "con.tar.gz", "sub/AUX",
    "com1.gguf", "LPT\u00b9.gguf", "CONIN$", "nul .gguf", ".hidden", ".cache/huggingface/x",
    "a/.git/config", "trailing.", "trailing ", " leading", "a?b", "a*b", 'a"b', "a|b", "<a>",
    "fdp.\u202efugg", "zero\u200bwidth", "\ud800", "a\u2028b", "a" * 256, "é" * 128, "a/" * 8 + "a",
    "a" * 600, None, 7, b"model.gguf", ["model.gguf"], True,
]  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_names_that_are_taken(name: str) -> None:
    assert safe_path(name) == name


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_names_that_are_refused(name: object) -> None:
    assert not is_safe_path(name)
    with pytest.raises(HubError, match="could overwrite others"):
        safe_path(name)


@given(st.text(alphabet=st.sampled_from("./\\:aN~ \0\u202e*é"), max_size=12) | st.text())
@example("a/b")
def test_what_is_taken_stays_in_its_folder_on_every_system(name: str) -> None:
    if not is_safe_path(name):
        return
    windows, posix = PureWindowsPath(name), PurePosixPath(name)
    assert not windows.is_absolute()
    assert not windows.drive
    assert not windows.root
    assert windows.parts == posix.parts == tuple(name.split("/"))
    assert ".." not in posix.parts
    assert name.isprintable()


@pytest.mark.parametrize(
    ("one", "other"),
    [("Model.gguf", "MODEL.GGUF"), ("Zoë", "Zoe\u0308"), ("straße", "STRASSE"), ("\ufb01t", "fit")],
)
def test_one_file_under_two_names(one: str, other: str) -> None:
    assert same_file(one) == same_file(other)
    assert same_file(one) != same_file(one + "2")


@pytest.mark.parametrize("name", ["Qwen/Qwen3-4B-GGUF", "gpt2", "a/b", "unsloth/Qwen3_0.6B", "0/1"])
def test_repositories(name: str) -> None:
    assert safe_repository(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "/", "a/b/c", "a/", "/a", "../a", "a/..", "a--b/c", "a/.b", "-a/b", "a/b.git", "a b", "ä/b", "a/b?c",
     "a#b", "a%2fb", "a/b\n", "x" * 97, None, 3, ["a/b"]],
)  # fmt: skip
def test_what_is_no_repository(name: object) -> None:
    assert not is_repository(name)
    with pytest.raises(HubError, match="not the name of a repository"):
        safe_repository(name)


@pytest.mark.parametrize("name", ["main", "refs/pr/1", "v1.0", "0123456789abcdef" * 2 + "01234567"])
def test_revisions(name: str) -> None:
    assert safe_revision(name) == name


@pytest.mark.parametrize("name", ["", "../x", "a..b", "-x", "a b", "a?b", "/a", "a/", None, 1])
def test_what_is_no_revision(name: object) -> None:
    with pytest.raises(HubError, match="not the name of a revision"):
        safe_revision(name)


@pytest.mark.parametrize(
    ("text", "repository"),
    [
        ("https://huggingface.co/Qwen/Qwen3-4B-GGUF", "Qwen/Qwen3-4B-GGUF"),
        (" http://mirror.example:8080/a/b/tree/main?x#y ", "a/b"),
        ("hf.co/a/b/", "a/b"),
        ("HuggingFace.co/a/b?show_file_info=m.gguf", "a/b"),
        ("a/b", "a/b"),
        ("qwen 3", "qwen 3"),
        ("https://huggingface.co/a", "https://huggingface.co/a"),
        ("https://huggingface.co/../b", "https://huggingface.co/../b"),
        ("", ""),
    ],
)
def test_pasted_addresses(text: str, repository: str) -> None:
    assert repository_in(text) == repository
