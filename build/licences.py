"""Gathers the licences of everything that a bundle carries into its folder `licences`, with an index.

Every file that was bundled is traced to what it is a part of: a Python distribution, CPython, a package of
the system that builds, or this project. One that cannot be, or whose licence nobody knows, fails the build.
Standard library only.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from app import __version__
from build import starter_model
from build.bundle_payload import Bundle
from build.commands import SetupFailed

PROJECT = Path(__file__).resolve().parent.parent
TEXTS = PROJECT / "resources" / "licences"
WORK = PROJECT / ".cache" / "bundle" / "work" / "edgewise"
"""Where PyInstaller leaves lists of what it took from where."""
COMMON = Path("/usr/share/common-licenses")
"""Where Debian keeps the licences that its packages only name."""

QT = ("pyside6-essentials", "shiboken6")
LLAMA_CPP, LLAMA_CPP_VERSION = "llama-cpp-python", "0.3.36"
"""The version whose vendored parts resources/licences/llama.cpp.txt was gathered from, by hand."""

LICENCE_OF = {
    "backports-tarfile": "MIT",
    "jaraco-classes": "MIT",
    "nvidia-ml-py": "BSD-3-Clause",
    "pyinstaller": "GPL-2.0-or-later WITH Bootloader-exception",
    "pyinstaller-hooks-contrib": "Apache-2.0",
}
"""Of distributions that do not say it in a form that can be read."""
COPYLEFT = {
    **dict.fromkeys(QT, "it is a library of its own that can be replaced"),
    "pyinstaller": "its exception lets programs that it made have any licence",
}
"""Distributions under the GPL or LGPL that may be carried, and why."""

TEXT_OF = {
    **dict.fromkeys(QT, ("Qt.txt", "Qt-third-parties.txt", "Apache-2.0.txt", "LGPL-3.0.txt", "GPL-3.0.txt")),
    "nvidia-ml-py": ("nvidia-ml-py.txt",),
    LLAMA_CPP: ("llama.cpp.txt",),
}
"""Files in resources/licences for distributions whose own package brings no text, or not all of them."""

_MICROSOFT = "Microsoft Visual C++ runtime"
_TEXT_NAMES = re.compile(r"(?i)(?:licen[cs]e|copying|notice|authors)[^/]*$")


@dataclass(frozen=True, slots=True)
class Component:
    """Something that is carried. `texts` are the files with its licence; `source` says where its source
    is."""

    name: str
    version: str
    licence: str
    texts: tuple[Path, ...]
    source: str = ""


def add(bundle: Bundle, packages: Path, *, work: Path = WORK) -> None:
    """Write `licences` into the bundle. `packages` is site-packages of the environment that was bundled,
    `work` the folder with PyInstaller's lists. Raises SetupFailed, OSError."""
    components = [ours(), *bundled(sorted(origins(work)), packages)]
    if sys.platform == "linux":
        components += of_debian({"libgomp.so.1": _library(bundle.inside / "lib" / "libgomp.so.1")})
    if sys.platform == "win32":
        components.append(
            Component(_MICROSOFT, "", "redistributable, as Visual Studio’s licence terms say", ())
        )
    if (bundle.inside / "models").is_dir():
        components.append(of_starter_model())
    write(bundle.data_folder("licences"), components)


def write(folder: Path, components: Iterable[Component]) -> None:
    """Copy the texts of `components` into `folder`, a folder for each of them, and write the index
    README.txt."""
    lines = [
        "What Edgewise carries, and under which licences. The texts lie in the folders beside this file.",
        "",
    ]
    for component in sorted(components, key=lambda it: it.name.casefold()):
        place = folder / _file_name(component.name)
        for text in component.texts:
            place.mkdir(exist_ok=True)
            shutil.copyfile(text, place / (text.name if text.suffix else f"{text.name}.txt"))
        lines.append(f"{component.name} {component.version}".rstrip() + f": {component.licence}")
        lines += [f"    {component.source}"] if component.source else []
    (folder / "README.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def origins(work: Path) -> Iterator[Path]:
    """Where the files that PyInstaller took into the bundle were. Raises OSError."""
    for name in ("PYZ-00.toc", "PKG-00.toc", "COLLECT-00.toc"):
        for entry in _entries(ast.literal_eval((work / name).read_text(encoding="utf-8"))):
            _, source, kind = entry
            if kind in ("PYMODULE", "PYSOURCE", "EXTENSION", "BINARY", "DATA") and Path(source).is_absolute():
                yield Path(source)


def bundled(files: Iterable[Path], packages: Path) -> list[Component]:
    """What `files`, which were taken into the bundle, are parts of. Raises SetupFailed for those of unknown
    origin."""
    owner, distributions = _owners(packages)
    found: dict[str, metadata.Distribution] = {}
    python = False
    of_system: dict[str, Path] = {}
    unknown: list[str] = []
    base = Path(sys.base_prefix).resolve()
    for file in files:
        path = file.resolve()
        if (name := owner.get(path)) is not None:
            found[name] = distributions[name]
        elif path.is_relative_to(WORK) or (
            path.is_relative_to(PROJECT) and not path.is_relative_to(packages)
        ):
            pass  # made on the way of what is listed itself, or ours
        elif _is_python(path, base):
            python = True
        elif sys.platform == "linux":
            of_system[file.name] = path
        else:
            unknown.append(str(file))
    if unknown:
        raise SetupFailed(
            "Nobody knows the licence of these, which are in the bundle:\n  " + "\n  ".join(unknown)
        )
    carried = [found[name] for name in found] + [
        distributions[name] for name in (LLAMA_CPP, "uv", "pyinstaller")
    ]
    components = {component.name: component for component in map(of_distribution, carried)}
    return [*components.values(), *([of_python()] if python else []), *of_debian(of_system)]


def of_distribution(distribution: metadata.Distribution) -> Component:
    """A Python distribution. Raises SetupFailed if its licence or its text is not known or not allowed."""
    name = _normal(distribution.name)
    licence = LICENCE_OF.get(name) or licence_of(distribution)
    if licence is None:
        raise SetupFailed(
            f"Nobody knows the licence of {name}, which is in the bundle: build/licences.py must."
        )
    if re.search(r"GPL|General Public", licence) and name not in COPYLEFT:
        raise SetupFailed(
            f"{name} is under {licence}: it must not be carried (build.bundle_contents leaves it out)."
        )
    if name == LLAMA_CPP and distribution.version != LLAMA_CPP_VERSION:
        raise SetupFailed(
            f"resources/licences/llama.cpp.txt is of {LLAMA_CPP} {LLAMA_CPP_VERSION};"
            f" {distribution.version} is carried. Look at what its vendor/ holds, then change both."
        )
    texts = [
        Path(str(distribution.locate_file(file)))
        for file in distribution.files or ()
        if ".dist-info/" in str(file) and _TEXT_NAMES.search(str(file))
    ]
    texts += [TEXTS / file for file in TEXT_OF.get(name, ())]
    if not texts:
        raise SetupFailed(f"{name} brings no text of its licence: build/licences.py must name one.")
    return Component(distribution.name, distribution.version, licence, tuple(texts))


def licence_of(distribution: metadata.Distribution) -> str | None:
    """What a distribution says of its licence in a few words, None if it does not."""
    said = distribution.metadata
    for field in ("License-Expression", "License"):
        words = (said.get_all(field) or [""])[0]
        if words and "\n" not in words and len(words) < 100 and words != "UNKNOWN":
            return str(words)
    classified = [
        line.rpartition(" :: ")[2] for line in said.get_all("Classifier") or [] if line.startswith("License")
    ]
    return ", ".join(classified) or None


def of_python() -> Component:
    """CPython, which this runs on and which is carried. Raises SetupFailed if its text is not found."""
    version = ".".join(map(str, sys.version_info[:3]))
    short = ".".join(map(str, sys.version_info[:2]))
    base = Path(sys.base_prefix)
    places = (
        base / "lib" / f"python{short}" / "LICENSE.txt",
        base / "LICENSE.txt",
        base / "LICENSE",
        Path(f"/usr/share/doc/libpython{short}-minimal/copyright"),
    )
    for place in places:
        if place.is_file():
            return Component(
                "Python", version, "PSF-2.0", (place,), "Source: https://www.python.org/downloads/source/"
            )
    raise SetupFailed(f"The licence of Python {version} is in none of {', '.join(map(str, places))}.")


def of_debian(libraries: dict[str, Path]) -> list[Component]:
    """The packages of Debian (or its relatives) that `libraries`, by their names, are of. Raises
    SetupFailed."""
    components: dict[str, Component] = {}
    for name, path in sorted(libraries.items()):
        package = _package(path)
        if package is None:
            raise SetupFailed(
                f"{name} is in the bundle and of no package of this system, so nobody knows its licence."
            )
        if package in components:
            continue
        text = Path("/usr/share/doc", package, "copyright")
        if not text.is_file():
            raise SetupFailed(f"{package}, whose {name} is in the bundle, has no licence in {text}.")
        words = text.read_text(encoding="utf-8", errors="replace")
        named = sorted(set(re.findall(rf"{COMMON}/([\w.-]*\w)", words)))
        licences = sorted(set(re.findall(r"(?m)^License:[ \t]*(\S.*?)\s*$", words)), key=str.casefold)
        version = (
            _asked("dpkg-query", "--show", "--showformat=${source:Package} ${source:Version}", package) or " "
        )
        source, _, number = version.partition(" ")
        components[package] = Component(
            package,
            number,
            "; ".join(licences) or "as its text says",
            (text, *(COMMON / file for file in named if (COMMON / file).is_file())),
            f"Source: https://snapshot.debian.org/package/{source}/{number}/",
        )
    return list(components.values())


def of_starter_model() -> Component:
    """The starter model."""
    model = starter_model.StarterModel.read()
    source = "https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct"
    return Component(model.file.removesuffix(".gguf"), "", "Apache-2.0", (TEXTS / "Apache-2.0.txt",), source)


def ours() -> Component:
    """Edgewise itself."""
    return Component(
        "Edgewise", __version__, "MIT", (PROJECT / "LICENSE", PROJECT / "THIRD_PARTY_NOTICES.md")
    )


def _owners(packages: Path) -> tuple[dict[Path, str], dict[str, metadata.Distribution]]:
    """For every file in `packages` the distribution it belongs to, and the distributions by their normal
    names."""
    owner, distributions = {}, {}
    for distribution in metadata.distributions(path=[str(packages)]):
        name = _normal(distribution.name)
        distributions[name] = distribution
        for file in distribution.files or ():
            owner[Path(str(distribution.locate_file(file))).resolve()] = name
    return owner, distributions


def _entries(toc: object) -> Iterator[tuple[str, str, str]]:
    """The (name, source, kind) in one of PyInstaller's lists, however deep."""
    if isinstance(toc, tuple) and len(toc) == 3 and all(isinstance(part, str) for part in toc):
        yield toc
    elif isinstance(toc, list | tuple):
        for part in toc:
            yield from _entries(part)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _is_python(path: Path, base: Path) -> bool:
    """Whether a file comes with the Python installed in `base`; in /usr it shares its folders with others."""
    if base != Path("/usr"):
        return path.is_relative_to(base)
    return re.match(r"/usr/lib/(?:python3\.\d+/|[\w-]+/libpython3)", str(path)) is not None


def _library(copy: Path) -> Path:
    """Where the library that `copy` was copied from lies on this system."""
    for folder in (*Path("/usr/lib").glob("*-linux-*"), Path("/usr/lib64"), Path("/usr/lib")):
        if (folder / copy.name).exists():
            return (folder / copy.name).resolve()
    return copy


def _package(path: Path) -> str | None:
    """The package of Debian that the file is of; None if of none, or on another system."""
    # dpkg knows libraries by the folder that their package named: /lib, which is /usr/lib today.
    for place in (str(path), str(path).removeprefix("/usr")):
        if said := _asked("dpkg", "--search", place):
            return said.partition(":")[0]
    return None


def _asked(*command: str) -> str:
    """What a program prints; empty if it is missing or fails."""
    try:
        done = subprocess.run(command, capture_output=True, check=False, text=True)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.+-]+", "-", name)
