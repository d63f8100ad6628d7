"""What is carried has a licence that is known, and its text comes along; else there is no bundle."""

from __future__ import annotations

import shutil
import sys
from importlib import metadata
from pathlib import Path

import pytest

from build import licences
from build.commands import SetupFailed
from build.licences import Component


def distribution(packages: Path, name: str, said: str, *texts: str) -> metadata.Distribution:
    """One that is installed in `packages`, whose METADATA says `said`."""
    folder = packages / f"{name.replace('-', '_')}-1.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{said}\n", encoding="utf-8"
    )
    module = packages / f"{name.replace('-', '_')}.py"
    module.write_text("", encoding="utf-8")
    for text in texts:
        (folder / text).write_text("the text", encoding="utf-8")
    files = [module, *folder.iterdir()]
    (folder / "RECORD").write_text(
        "".join(f"{file.relative_to(packages).as_posix()},,\n" for file in files), encoding="utf-8"
    )
    return metadata.Distribution.at(folder)


def test_a_distribution_says_its_licence_and_brings_the_text(tmp_path: Path) -> None:
    it = licences.of_distribution(
        distribution(tmp_path, "one", "License-Expression: MIT", "LICENSE", "NOTES")
    )
    assert (it.name, it.version, it.licence) == ("one", "1.0", "MIT")
    assert [text.name for text in it.texts] == ["LICENSE"]


@pytest.mark.parametrize(
    ("said", "licence"),
    [
        ("License: BSD-3-Clause", "BSD-3-Clause"),
        ("License: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License", "MIT License"),
        ("Classifier: License :: OSI Approved :: Apache Software License", "Apache Software License"),
        ("License: " + "The whole text of a licence, which says much. " * 4, None),
        ("", None),
    ],
)
def test_a_licence_is_read_from_where_it_may_stand(tmp_path: Path, said: str, licence: str | None) -> None:
    assert licences.licence_of(distribution(tmp_path, "one", said)) == licence


@pytest.mark.parametrize(
    ("said", "texts", "reason"),
    [
        ("", ["LICENSE"], "Nobody knows the licence of one"),
        ("License-Expression: MIT", [], "brings no text"),
        ("License-Expression: GPL-3.0-only", ["LICENSE"], "must not be carried"),
        ("License: GNU General Public License v2", ["LICENSE"], "must not be carried"),
    ],
)
def test_what_must_not_be_carried_is_told(tmp_path: Path, said: str, texts: list[str], reason: str) -> None:
    with pytest.raises(SetupFailed, match=reason):
        licences.of_distribution(distribution(tmp_path, "one", said, *texts))


def test_qt_may_be_carried_and_says_how_it_is_replaced(tmp_path: Path) -> None:
    it = licences.of_distribution(
        distribution(tmp_path, "PySide6_Essentials", "License: LGPL-3.0-only OR GPL-3.0-only")
    )
    assert {text.name for text in it.texts} == {
        "Qt.txt",
        "Qt-third-parties.txt",
        "Apache-2.0.txt",
        "LGPL-3.0.txt",
        "GPL-3.0.txt",
    }
    assert "replace them" in " ".join(it.texts[0].read_text(encoding="utf-8").split())


def test_another_llama_cpp_needs_its_vendored_parts_looked_at(tmp_path: Path) -> None:
    with pytest.raises(SetupFailed, match="Look at what its vendor/ holds"):
        licences.of_distribution(distribution(tmp_path, "llama-cpp-python", "License: MIT", "LICENSE"))
    lock = (licences.PROJECT / "requirements" / "bundle.txt").read_text(encoding="utf-8")
    assert f"llama-cpp-python=={licences.LLAMA_CPP_VERSION} " in lock


def test_all_texts_that_are_named_are_there() -> None:
    for names in licences.TEXT_OF.values():
        assert all((licences.TEXTS / name).is_file() for name in names)


def test_a_file_of_unknown_origin_fails(tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    distribution(packages, "one", "License-Expression: MIT", "LICENSE")
    stray = tmp_path / "libstray.so.1"
    stray.write_bytes(b"\x7fELF")
    for name, version in (("uv", "1.0"), ("pyinstaller", "1.0"), ("llama-cpp-python", "0.3.36")):
        made = distribution(packages, name, "License-Expression: MIT", "LICENSE")
        text = (
            Path(str(made.locate_file("x"))).parent / f"{name.replace('-', '_')}-1.0.dist-info" / "METADATA"
        )
        text.write_text(text.read_text(encoding="utf-8").replace("1.0\n", f"{version}\n"), encoding="utf-8")
    known = licences.bundled([packages / "one.py"], packages)
    assert {it.name for it in known} == {"one", "uv", "pyinstaller", "llama-cpp-python"}
    with pytest.raises(SetupFailed, match=r"libstray\.so\.1"):
        licences.bundled([packages / "one.py", stray], packages)


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="asks Debian’s package manager")
def test_a_library_of_the_system_has_its_packages_licence() -> None:
    found = sorted(Path("/usr/lib").glob("*-linux-gnu/libgcc_s.so.1"))
    (it,) = licences.of_debian({"libgcc_s.so.1": found[0].resolve()})
    assert it.name == "libgcc-s1"
    assert it.texts[0] == Path("/usr/share/doc/libgcc-s1/copyright")
    assert licences.COMMON / "GPL-3" in it.texts  # which the text only names
    assert "snapshot.debian.org/package/gcc-" in it.source


def test_python_has_its_licence() -> None:
    it = licences.of_python()
    assert it.version == ".".join(map(str, sys.version_info[:3]))
    assert "PYTHON SOFTWARE FOUNDATION LICENSE" in it.texts[0].read_text(encoding="utf-8")


def test_the_index_names_everything(tmp_path: Path) -> None:
    text = tmp_path / "LICENSE"
    text.write_text("the text", encoding="utf-8")
    folder = tmp_path / "licences"
    folder.mkdir()
    licences.write(
        folder, [Component("Two", "2", "MIT", (text,)), Component("one", "", "BSD", (), "Source: there")]
    )
    index = (folder / "README.txt").read_text(encoding="utf-8")
    assert index.index("one: BSD\n    Source: there") < index.index("Two 2: MIT")
    assert (folder / "Two" / "LICENSE.txt").read_text(encoding="utf-8") == "the text"
