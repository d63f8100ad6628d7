"""The installer for Windows compiles, and its lists name exactly what is carried."""

from __future__ import annotations

import os
import shutil
import struct
from pathlib import Path, PurePosixPath

import pytest

from build import windows
from build.bootstrap import PROJECT
from build.commands import Runner, SetupFailed
from build.windows import Payload
from tests.unit.installer.icon_file import icon

FILES = {
    "Edgewise.exe": b"a program",
    "edgewise-cli.exe": b"another",
    "_internal/bin/llama-server.exe": b"the server",
    "_internal/lib/ggml.dll": b"a library",
    "_internal/resources/Grüße $HOME.txt": b"words",
    "_internal/deep/er/x.txt": b"x",
}
MODEL = "_internal/models/starter.gguf"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What stands in for the bundle."""
    for name, content in {**FILES, MODEL: b"GGUF"}.items():
        file = tmp_path / "Edgewise" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return tmp_path / "Edgewise"


def test_both_kinds_carry_everything_but_the_model(folder: Path) -> None:
    (folder / "edgewise-data").mkdir()
    (folder / "edgewise-data" / "edgewise.db").write_bytes(b"of whoever tried the folder")
    plain = Payload.of(folder, with_model=False)
    whole = Payload.of(folder, with_model=True)
    assert {str(file) for file in plain.files} == set(FILES)
    assert set(whole.files) - set(plain.files) == {PurePosixPath(MODEL)}
    assert plain.size_kb() == 1
    assert plain.longest() == len("_internal/resources/Grüße $HOME.txt")


def test_what_is_removed_is_what_was_installed(folder: Path) -> None:
    payload = Payload.of(folder, with_model=True)
    removed = windows.remove_list(payload).splitlines()
    deleted = [
        line.removeprefix('Delete "$INSTDIR\\').removesuffix('"') for line in removed if line[0] == "D"
    ]
    assert {name.replace("\\", "/").replace("$$", "$") for name in deleted} == {*FILES, MODEL}
    folders = [line for line in removed if line.startswith("RMDir")]
    assert removed == [*(line for line in removed if line[0] == "D"), *folders], "files go before folders"
    assert folders.index('RMDir "$INSTDIR\\_internal\\deep\\er"') < folders.index(
        'RMDir "$INSTDIR\\_internal\\deep"'
    )
    assert folders[-1] == 'RMDir "$INSTDIR\\_internal"'
    assert not any("/r" in line for line in removed), "nothing is removed that was not counted"

    installed = windows.install_list(payload).splitlines()
    assert sum(line.startswith("File ") for line in installed) == len(FILES) + 1
    assert 'SetOutPath "$INSTDIR"' in installed
    assert 'SetOutPath "$INSTDIR\\_internal\\deep\\er"' in installed


def test_a_folder_without_the_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupFailed, match=r"build\.bundle"):
        Payload.of(tmp_path, with_model=True)


@pytest.mark.parametrize(
    ("version", "four"), [("0.1.0", "0.1.0.0"), ("2.10", "2.10.0.0"), ("1.2.3.4", "1.2.3.4")]
)
def test_the_version_has_four_numbers_for_windows(version: str, four: str) -> None:
    assert windows.version_of_four(version) == four


@pytest.mark.parametrize("version", ["0.2.0rc1", "1.2.3.4.5", "70000", "-1"])
def test_what_windows_cannot_hold_is_refused(version: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        windows.version_of_four(version)


def test_the_identity_comes_from_the_environment() -> None:
    assert windows.signing_command({}) is None
    assert windows.signing_command({"EDGEWISE_SIGN_DLIB": "a.dll"}) is None
    store = windows.signing_command({"EDGEWISE_SIGN_THUMBPRINT": "AB12"})
    assert store is not None
    assert store[:2] == ["signtool", "sign"]
    assert store[-2:] == ["/sha1", "AB12"]
    azure = windows.signing_command({"EDGEWISE_SIGN_DLIB": "a.dll", "EDGEWISE_SIGN_METADATA": "m.json"})
    assert azure is not None
    assert azure[-4:] == ["/dlib", "a.dll", "/dmdf", "m.json"]
    for command in (store, azure):
        assert command[command.index("/fd") + 1] == "SHA256"
        assert "/tr" in command, "a signature outlives its certificate only with a time"


@pytest.mark.skipif(shutil.which("makensis") is None, reason="needs NSIS: apt-get install nsis")
def test_the_script_compiles_without_a_warning(folder: Path, tmp_path: Path) -> None:
    runner = Runner(PROJECT, tmp_path / "log", os.environ)
    out = tmp_path / "Edgewise setup.exe"
    assert windows.make(Payload.of(folder, with_model=True), out, icon(tmp_path / "e.ico"), runner) == out
    said = (tmp_path / "log").read_text(encoding="utf-8")
    assert "warning" not in said.casefold()
    assert windows.is_unsigned_program(out)
    assert "Edgewise 0." in out.read_bytes().decode("utf-16-le", "ignore"), "its version resource"


@pytest.mark.skipif(shutil.which("makensis") is None, reason="needs NSIS: apt-get install nsis")
def test_both_programs_are_signed_and_a_signature_that_fails_ends_it(folder: Path, tmp_path: Path) -> None:
    runner = Runner(PROJECT, tmp_path / "log", os.environ)
    signed = tmp_path / "signed"
    script = tmp_path / "sign"
    script.write_text(f'#!/bin/sh\necho x >> "{signed}"\n', encoding="utf-8")
    script.chmod(0o700)
    payload = Payload.of(folder, with_model=False)
    windows.make(payload, tmp_path / "edgewise.exe", icon(tmp_path / "e.ico"), runner, [str(script)])
    assert signed.read_text(encoding="utf-8") == "x\nx\n", "the uninstaller and the installer"
    with pytest.raises(SetupFailed):
        windows.make(payload, tmp_path / "edgewise.exe", icon(tmp_path / "e.ico"), runner, ["false"])


def test_only_programs_without_a_signature_are_signed(tmp_path: Path) -> None:
    text = tmp_path / "a.txt"
    text.write_text("MZ is how a program begins", encoding="utf-8")
    assert not windows.is_unsigned_program(text)
    for width, offset in ((b"\x0b\x02", 112), (b"\x0b\x01", 96)):
        head = bytearray(
            b"MZ" + bytes(0x3A) + (0x80).to_bytes(4, "little") + bytes(0x40) + b"PE\0\0" + bytes(20 + 240)
        )
        head[0x80 + 24 : 0x80 + 26] = width
        program = tmp_path / "a.exe"
        program.write_bytes(head)
        assert windows.is_unsigned_program(program)
        at = 0x80 + 24 + offset + 4 * 8
        head[at : at + 8] = struct.pack("<II", 0x4000, 0x2000)
        program.write_bytes(head)
        assert not windows.is_unsigned_program(program)
