"""The installers for Windows from dist/Edgewise: `python -m build.windows`, with NSIS's makensis on the PATH.

One installer without the starter model, and another with it where the folder has it. The uninstaller gets a
list of exactly the files that were put into the installer. With an identity in the environment
(`signing_command`) every program and library that nobody has signed, the uninstaller and the installer are
signed; without one they are not, and that is said.
"""

from __future__ import annotations

import argparse
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from app import __version__
from build.bootstrap import CACHE, PROJECT
from build.commands import Runner, SetupFailed

SCRIPT = PROJECT / "installer" / "windows" / "edgewise.nsi"
PAYLOAD = PROJECT / "dist" / "Edgewise"
MODELS = PurePosixPath("_internal/models")
PERSONAL = PurePosixPath("edgewise-data")
"""Somebody tried the bundle as a portable copy: these are a person's data."""
ICON = CACHE / "bundle" / "icons" / "edgewise.ico"

PICTURE_SIZE = (164, 314)
"""Pixels that NSIS's last page has for a picture."""
PICTURE_COLOUR = (0x2F, 0x66, 0xD2)
"""Red, green, blue: the icon's."""

TIMESTAMP = "http://timestamp.acs.microsoft.com"
"""A signature without a time ends with its certificate. RFC 3161 signs its answer, so plain HTTP is usual."""


@dataclass(frozen=True)
class Payload:
    """What one installer carries: files of `folder`, by paths relative to it, in a fixed order."""

    folder: Path
    files: tuple[PurePosixPath, ...]

    @classmethod
    def of(cls, folder: Path, *, with_model: bool) -> Payload:
        """Everything in `folder`, the starter model only if it is wanted. Raises SetupFailed."""
        if not (folder / "Edgewise.exe").is_file():
            raise SetupFailed(f"There is no Edgewise.exe in {folder}. Run `python -m build.bundle` first.")
        left_out = {PERSONAL} if with_model else {PERSONAL, MODELS}
        found = (PurePosixPath(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
        return cls(folder, tuple(sorted(path for path in found if left_out.isdisjoint(path.parents))))

    def size_kb(self) -> int:
        """On the disk, in units of 1024 bytes, as Windows' list of apps wants it."""
        return -(-sum((self.folder / file).stat().st_size for file in self.files) // 1024)

    def longest(self) -> int:
        """Characters of the longest path below the folder, as Windows counts them: in UTF-16."""
        return max(len(str(file).encode("utf-16-le")) // 2 for file in self.files)

    def folders(self) -> list[PurePosixPath]:
        """Those that hold the files, deepest first, without the uppermost."""
        found = {parent for file in self.files for parent in file.parents if parent != PurePosixPath()}
        return sorted(found, key=lambda folder: (-len(folder.parts), folder))


def install_list(payload: Payload) -> str:
    """NSIS's instructions that put every file in its place below $INSTDIR."""
    lines = []
    folder = None
    for file in payload.files:
        if file.parent != folder:
            folder = file.parent
            lines.append(f'SetOutPath "{_on_windows(folder)}"')
        lines.append(f'File "/oname={_escaped(file.name)}" "{payload.folder / file}"')
    return "\n".join(lines) + "\n"


def remove_list(payload: Payload) -> str:
    """The instructions that take exactly these files away, and the folders if nothing else is in them."""
    return (
        "\n".join(
            [
                *(f'Delete "{_on_windows(file)}"' for file in payload.files),
                *(f'RMDir "{_on_windows(folder)}"' for folder in payload.folders()),
            ]
        )
        + "\n"
    )


def _on_windows(path: PurePosixPath) -> str:
    return "\\".join(["$INSTDIR", *(_escaped(part) for part in path.parts)])


def _escaped(text: str) -> str:
    if '"' in text:
        raise SetupFailed(f"{text} has a quotation mark in its name, which Windows does not allow.")
    return text.replace("$", "$$")


def version_of_four(version: str) -> str:
    """`0.2.0` as the four numbers of a Windows version resource. Raises ValueError if it is none."""
    numbers = [int(part) for part in version.split(".")]
    if not 1 <= len(numbers) <= 4 or any(not 0 <= number <= 0xFFFF for number in numbers):
        raise ValueError(f"{version} is no version of up to four numbers.")
    return ".".join(map(str, numbers + [0] * (4 - len(numbers))))


def picture(size: tuple[int, int] = PICTURE_SIZE, colour: tuple[int, int, int] = PICTURE_COLOUR) -> bytes:
    """A BMP file of one colour, which NSIS would else fill with its own drawing."""
    width, height = size
    row = bytes(reversed(colour)) * width
    pixels = (row + bytes(-len(row) % 4)) * height
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(pixels), 2835, 2835, 0, 0)
    start = 14 + len(header)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + header + pixels


def signing_command(environment: Mapping[str, str] = os.environ) -> list[str] | None:
    """signtool with the identity that the environment names, without the file; None where it names none.

    `EDGEWISE_SIGN_THUMBPRINT`: SHA-1 of a certificate in the user's store (a token, an HSM).
    `EDGEWISE_SIGN_DLIB` and `EDGEWISE_SIGN_METADATA`: Azure's signing service, by its library and the JSON
    file that names account and profile; it reads its credentials from AZURE_… variables.
    """
    signtool = environment.get("EDGEWISE_SIGNTOOL", "signtool")
    common = [
        "sign",
        "/fd",
        "SHA256",
        "/td",
        "SHA256",
        "/tr",
        environment.get("EDGEWISE_SIGN_TIMESTAMP", TIMESTAMP),
    ]
    if thumbprint := environment.get("EDGEWISE_SIGN_THUMBPRINT"):
        return [signtool, *common, "/sha1", thumbprint]
    dlib, metadata = environment.get("EDGEWISE_SIGN_DLIB"), environment.get("EDGEWISE_SIGN_METADATA")
    if dlib and metadata:
        return [signtool, *common, "/dlib", dlib, "/dmdf", metadata]
    return None


def is_unsigned_program(file: Path) -> bool:
    """Whether `file` is a program or library of Windows (PE) without an entry for a signature.

    Microsoft's PE format: the optional header's fifth data directory is the certificate table.
    """
    with file.open("rb") as stream:
        if stream.read(2) != b"MZ":
            return False
        stream.seek(0x3C)
        stream.seek(int.from_bytes(stream.read(4), "little"))
        head = stream.read(24 + 240)
    if head[:4] != b"PE\0\0" or len(head) < 26:
        return False
    directories = 24 + (112 if head[24:26] == b"\x0b\x02" else 96)  # PE32+ has wider fields
    size = head[directories + 4 * 8 + 4 : directories + 4 * 8 + 8]
    return len(size) == 4 and not any(size)


def sign(files: Iterable[Path], command: Sequence[str], runner: Runner) -> None:
    """Sign what nobody signed, in batches that a command line holds. Raises SetupFailed."""
    unsigned = [file for file in files if is_unsigned_program(file)]
    for start in range(0, len(unsigned), 50):
        runner.run("Signing", [*command, *unsigned[start : start + 50]])


def make(
    payload: Payload,
    out: Path,
    icon: Path,
    runner: Runner,
    signing: Sequence[str] | None = None,
    target: str = "",
) -> Path:
    """Compile the installer `out`. Raises SetupFailed with what makensis said.

    As a rule the installer itself is a 32-bit program (NSIS's default), so that it can say on every Windows
    why it does not install; `target` is another of NSIS's kinds.
    """
    if not icon.is_file():
        raise SetupFailed(f"The icon {icon} is missing. `python -m build.bundle` draws it.")
    if shutil.which("makensis", path=runner.environment.get("PATH")) is None:
        raise SetupFailed("NSIS is missing. On Debian: apt-get install nsis. On Windows: choco install nsis.")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="edgewise-nsis-") as work:
        lists = {name: Path(work) / name for name in ("INSTALL_LIST", "REMOVE_LIST", "PICTURE")}
        lists["INSTALL_LIST"].write_text(install_list(payload), encoding="utf-8")
        lists["REMOVE_LIST"].write_text(remove_list(payload), encoding="utf-8")
        lists["PICTURE"].write_bytes(picture())
        given = {
            "VERSION": __version__,
            "VERSION_OF_FOUR": version_of_four(__version__),
            "OUT": out,
            "ICON": icon,
            "SIZE_KB": payload.size_kb(),
            "LONGEST": payload.longest(),
            **lists,
            **({"SIGN": subprocess.list2cmdline(signing)} if signing else {}),
        }
        runner.run(
            "Compiling the installer",
            [
                *("makensis", "-V2", "-WX", "-INPUTCHARSET", "UTF8"),
                *(f"-D{name}={value}" for name, value in given.items()),
                *((f"-XTarget {target}",) if target else ()),
                SCRIPT,
            ],
        )
    return out


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, and turn failures into sentences."""
    parser = argparse.ArgumentParser(
        prog="python3 -m build.windows", description="Make installers for Windows."
    )
    parser.add_argument("--payload", type=Path, default=PAYLOAD, help="the folder that build.bundle made")
    parser.add_argument("--icon", type=Path, default=ICON)
    parser.add_argument("--out", type=Path, default=PROJECT / "dist", help="the folder for the installers")
    parser.add_argument("--architecture", default="x86_64", help="of the payload, for the file's name")
    options = parser.parse_args(arguments)
    runner = Runner(PROJECT, CACHE / "windows.log", os.environ)
    command = signing_command()
    try:
        whole = Payload.of(options.payload.resolve(), with_model=True)
        if command is None:
            print("Unsigned: the environment names no identity (docs/release.md).", flush=True)
        else:
            sign((whole.folder / file for file in whole.files), command, runner)
        plain = Payload.of(whole.folder, with_model=False)
        kinds = {"edgewise": plain} | ({"edgewise-with-model": whole} if whole != plain else {})
        for name, payload in kinds.items():
            out = options.out.resolve() / f"{name}-{__version__}-windows-{options.architecture}.exe"
            make(payload, out, options.icon.resolve(), runner, command)
            print(f"{out.name} ({out.stat().st_size / 1e6:.1f} MB)", flush=True)
    except SetupFailed as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
