"""What a release says of itself: release.json, SHA256SUMS, and which of our wheels a bundle may fetch.

    python3 -m build.release check v0.2.0                  the tag, the version and the changelog agree
    python3 -m build.release wheels FOLDER --home ADDRESS  a JSON file for EDGEWISE_WHEELS
    python3 -m build.release manifest FOLDER --home ADDRESS
                                                           release.json and SHA256SUMS into FOLDER

`app.domain.update` reads release.json. Standard library only: the release workflow runs this before anything
is installed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from app import __version__
from build.commands import SetupFailed

PROJECT = Path(__file__).resolve().parent.parent
CHANGELOG = PROJECT / "CHANGELOG.md"
MANIFEST, CHECKSUMS = "release.json", "SHA256SUMS"

_ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}
_NAMES = {
    "deb": re.compile(r"edgewise(?:-with-model)?_(?P<version>[^_]+)_(?P<architecture>amd64|arm64)\.deb"),
    "tar.gz": re.compile(
        r"edgewise(?:-with-model)?-(?P<version>\d[^-]*)-linux-(?P<architecture>x86_64|aarch64)\.tar\.gz"
    ),
    "appimage": re.compile(
        r"edgewise(?:-with-model)?-(?P<version>\d[^-]*)-(?P<architecture>x86_64|aarch64)\.AppImage"
    ),
    "exe": re.compile(
        r"edgewise(?:-with-model)?-(?P<version>\d[^-]*)-windows-(?P<architecture>x86_64|aarch64)\.exe"
    ),
    "dmg": re.compile(
        r"edgewise(?:-with-model)?-(?P<version>\d[^-]*)-macos-(?P<architecture>x86_64|aarch64)\.dmg"
    ),
}
_SYSTEMS = {"deb": "linux", "tar.gz": "linux", "appimage": "linux", "exe": "windows", "dmg": "macos"}
_WHEEL = re.compile(
    r"(?P<name>edgewise_llama_cpp_\w+?)-(?P<version>[^-]+)-py3-none-(?P<system>manylinux|win)\w*?_"
    r"(?P<architecture>x86_64|amd64|aarch64|arm64)\.whl"
)


@dataclass(frozen=True)
class ReleaseFile:
    """A file to install from. `size` in bytes, `sha256` in hexadecimal digits."""

    name: str
    system: str
    architecture: str
    kind: str
    sha256: str
    size: int


def notes(changelog: str, version: str) -> tuple[date, str]:
    """The day and the entries of `version` in a changelog, a line for each entry.

    Its heading is `## 0.2.0 (2026-12-01)`. Raises SetupFailed where there is none, or nothing below it.
    """
    heading = rf"(?m)^## {re.escape(version)} \((\d{{4}}-\d\d-\d\d)\)\s*$"
    found = re.search(heading, changelog)
    if found is None:
        raise SetupFailed(f"CHANGELOG.md has no heading “## {version} (YYYY-MM-DD)”.")
    section = re.split(r"(?m)^## ", changelog[found.end() :], maxsplit=1)[0]
    entries = [" ".join(entry.split()) for entry in re.split(r"(?m)^- ", section) if entry.strip()]
    if not entries:
        raise SetupFailed(f"CHANGELOG.md says nothing about {version}.")
    try:
        return date.fromisoformat(found[1]), "\n".join(entry.replace("`", "") for entry in entries)
    except ValueError as error:
        raise SetupFailed(f"{found[1]} in CHANGELOG.md is no day.") from error


def check(tag: str, project: Path = PROJECT) -> None:
    """Raise SetupFailed unless the tag, the app, pyproject.toml and the changelog name one version."""
    if tag != f"v{__version__}":
        raise SetupFailed(f"The tag is {tag}, but app/__init__.py says {__version__}.")
    told = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    if told != __version__:
        raise SetupFailed(f"pyproject.toml says {told}, but app/__init__.py says {__version__}.")
    notes((project / "CHANGELOG.md").read_text(encoding="utf-8"), __version__)


def describe(file: Path, version: str) -> ReleaseFile | None:
    """What `file` is, by its name; None if nobody installs from it. Raises SetupFailed for an old one."""
    for kind, pattern in _NAMES.items():
        if found := pattern.fullmatch(file.name):
            if found["version"] != version:
                raise SetupFailed(f"{file.name} is not of version {version}.")
            return ReleaseFile(
                name=file.name,
                system=_SYSTEMS[kind],
                architecture=_ARCHITECTURES[found["architecture"]],
                kind=kind,
                sha256=_sha256(file),
                size=file.stat().st_size,
            )
    return None


def manifest(folder: Path, version: str, home: str, changelog: str) -> dict[str, object]:
    """What release.json says of the files in `folder`. `home` is the address that lists the releases.

    Raises SetupFailed where there is nothing to install from.
    """
    day, told = notes(changelog, version)
    files = [it for file in sorted(folder.iterdir()) if (it := describe(file, version)) is not None]
    if not files:
        raise SetupFailed(f"There is nothing to install from in {folder}.")
    return {
        "version": version,
        "date": day.isoformat(),
        "notes": told,
        "page": f"{_home(home)}/tag/v{version}",
        "files": [asdict(file) for file in files],
    }


def write_manifest(folder: Path, version: str, home: str, changelog: str) -> None:
    """Write release.json and then SHA256SUMS of everything that lies in `folder`. Raises SetupFailed."""
    said = manifest(folder, version, home, changelog)
    (folder / MANIFEST).write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / CHECKSUMS).write_text(checksums(folder), encoding="utf-8")


def checksums(folder: Path) -> str:
    """A line for every file in `folder`, as `sha256sum --check` reads it."""
    files = [file for file in sorted(folder.iterdir()) if file.is_file() and file.name != CHECKSUMS]
    return "".join(f"{_sha256(file)}  {file.name}\n" for file in files)


def wheels(folder: Path, version: str, home: str, system: str, architecture: str) -> dict[str, object]:
    """Our wheels in `folder` for one kind of computer, by package: their address to be, hash and size."""
    said: dict[str, object] = {}
    for file in sorted(folder.glob("*.whl")):
        found = _WHEEL.fullmatch(file.name)
        if found is None:
            raise SetupFailed(f"{file.name} is no wheel of llama.cpp’s part for GPUs.")
        made_for = (
            "linux" if found["system"] == "manylinux" else "windows",
            _ARCHITECTURES[found["architecture"]],
        )
        if made_for == (system, architecture):
            said[found["name"].replace("_", "-")] = {
                "url": f"{_home(home)}/download/v{version}/{file.name}",
                "sha256": _sha256(file),
                "size": file.stat().st_size,
            }
    return said


def _home(home: str) -> str:
    if not home.startswith("https://"):
        raise SetupFailed(f"The releases’ address must begin with https://, not {home}.")
    return home.rstrip("/")


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, and turn failures into sentences."""
    parser = argparse.ArgumentParser(
        prog="python3 -m build.release", description="Say what a release consists of."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    checking = commands.add_parser("check", help="whether tag, version and changelog agree")
    checking.add_argument("tag")
    for name, help_ in (("wheels", "describe our wheels"), ("manifest", "write release.json and SHA256SUMS")):
        command = commands.add_parser(name, help=help_)
        command.add_argument("folder", type=Path)
        command.add_argument("--home", required=True, help="the address that lists the releases")
        if name == "wheels":
            command.add_argument("--system", required=True, choices=("linux", "windows", "macos"))
            command.add_argument("--architecture", required=True, choices=("x86_64", "aarch64"))
            command.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        if options.command == "check":
            check(options.tag)
        elif options.command == "wheels":
            said = wheels(options.folder, __version__, options.home, options.system, options.architecture)
            options.out.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
        else:
            write_manifest(options.folder, __version__, options.home, CHANGELOG.read_text(encoding="utf-8"))
    except SetupFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
