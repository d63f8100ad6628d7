"""What can be known of the macOS app without a Mac: its property lists, and in which order it is signed."""

from __future__ import annotations

import os
import plistlib
import struct
from pathlib import Path
from typing import Any

import pytest

from build import macos
from build.bootstrap import PROJECT
from build.commands import Runner, SetupFailed

PROGRAM, LIBRARY = 2, 6


def thin(kind: int) -> bytes:
    return struct.pack("<IIIIIIII", 0xFEEDFACF, 0x0100000C, 0, kind, 0, 0, 0, 0)


def fat(kind: int) -> bytes:
    return struct.pack(">IIIIIII", 0xCAFEBABE, 1, 0x0100000C, 0, 64, 32, 0).ljust(64, b"\0") + thin(kind)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """What PyInstaller and the build make, in small."""
    folder = tmp_path / "Edgewise.app"
    contents = folder / "Contents"
    qt = contents / "Frameworks/PySide6/Qt/lib/QtCore.framework/Versions/A"
    for file, content in {
        contents / "Info.plist": plistlib.dumps({"CFBundleExecutable": "edgewise"}),
        contents / "MacOS/edgewise": thin(PROGRAM),
        contents / "Frameworks/bin/llama-server": thin(PROGRAM),
        contents / "Frameworks/lib/libllama.dylib": fat(LIBRARY),
        qt / "QtCore": fat(LIBRARY),
        qt / "Resources/Info.plist": b"<plist/>",
        contents / "Resources/models/starter.gguf": b"GGUF",
        contents / "Resources/Some.class": struct.pack(">IHH", 0xCAFEBABE, 0, 65),
        contents / "Resources/short": b"\xca\xfe",
    }.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    (qt.parent / "Current").symlink_to("A")
    (qt.parent.parent / "QtCore").symlink_to("Versions/Current/QtCore")
    (contents / "Frameworks/models").symlink_to("../Resources/models")
    return folder


def test_a_double_click_offers_a_model_and_steals_it_from_nobody() -> None:
    said = plistlib.loads((macos.FOLDER / "info.plist").read_bytes())
    [document] = said["CFBundleDocumentTypes"]
    [kind] = said["UTImportedTypeDeclarations"]
    assert document["LSItemContentTypes"] == [kind["UTTypeIdentifier"]]
    assert document["LSHandlerRank"] == "Alternate"
    assert kind["UTTypeTagSpecification"]["public.filename-extension"] == ["gguf"]
    assert said["LSMinimumSystemVersion"] == "13.0"
    assert said["NSHighResolutionCapable"] is True
    assert "NSAppTransportSecurity" not in said


def test_the_hardened_runtime_gives_up_one_protection_only() -> None:
    said = plistlib.loads(macos.ENTITLEMENTS.read_bytes())
    assert said == {"com.apple.security.cs.allow-unsigned-executable-memory": True}


def test_the_disk_image_shows_the_app_and_where_to_drag_it() -> None:
    # dmgbuild runs the file so, and takes every name in it as a setting.
    settings: dict[str, Any] = {"defines": {"app": "/x/Edgewise.app", "icon": "/x/edgewise.icns"}}
    file = macos.FOLDER / "dmg_settings.py"
    exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), settings, settings)
    names = {path if isinstance(path, str) else path[1] for path in settings["files"]}
    assert set(settings["icon_locations"]) == names | set(settings["symlinks"])
    assert settings["symlinks"] == {"Applications": "/Applications"}
    width, height = settings["window_rect"][1]
    for x, y in settings["icon_locations"].values():
        assert settings["icon_size"] // 2 <= x <= width - settings["icon_size"] // 2
        assert settings["icon_size"] // 2 <= y <= height - settings["icon_size"] // 2


def test_programs_and_libraries_are_told_from_other_files(tmp_path: Path) -> None:
    for content, expected in {
        thin(PROGRAM): True,
        fat(LIBRARY): True,
        struct.pack(">IHH", 0xCAFEBABE, 0, 65): False,
        b"": False,
        b"\xca\xfe\xba\xbe": False,
        b"#!/bin/sh\n": False,
    }.items():
        (tmp_path / "file").write_bytes(content)
        assert macos.is_mach_o(tmp_path / "file") is expected, content


def test_what_lies_inside_is_signed_first(app: Path) -> None:
    names = [str(code.relative_to(app.parent)) for code in macos.code_to_sign(app)]
    assert names == [
        "Edgewise.app/Contents/Frameworks/PySide6/Qt/lib/QtCore.framework/Versions/A",
        "Edgewise.app/Contents/Frameworks/bin/llama-server",
        "Edgewise.app/Contents/Frameworks/lib/libllama.dylib",
        "Edgewise.app",
    ]


def test_the_app_alone_gets_entitlements_and_all_get_the_hardened_runtime(
    app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = _stand_in(tmp_path, monkeypatch, "codesign")
    macos.sign(app, "Developer ID Application: X", Runner(PROJECT, tmp_path / "log", os.environ))
    *signed, checked = commands()
    assert len(signed) == len(macos.code_to_sign(app))
    for command in signed:
        assert "--options runtime" in command
        assert "--timestamp" in command
        assert "--deep" not in command, "Apple advises against it"
    assert ["--entitlements" in command for command in signed] == [False, False, False, True]
    assert "--verify --deep --strict" in checked


def test_a_copy_without_the_model_has_neither_file_nor_link(app: Path, tmp_path: Path) -> None:
    plain = macos.variant(app, tmp_path / "plain/Edgewise.app", with_model=False)
    whole = macos.variant(app, tmp_path / "whole/Edgewise.app", with_model=True)
    assert not any("models" in path.name for path in plain.rglob("*"))
    assert (whole / "Contents/Frameworks/models/starter.gguf").read_bytes() == b"GGUF"
    assert (whole / "Contents/Frameworks/models").is_symlink()
    assert plistlib.loads((plain / "Contents/Info.plist").read_bytes())["CFBundleVersion"]


def test_the_account_comes_from_the_environment() -> None:
    three = {f"EDGEWISE_NOTARY_{name}": name for name in ("APPLE_ID", "TEAM_ID", "PASSWORD")}
    assert macos.notary_account({}) is None
    assert macos.notary_account({"EDGEWISE_NOTARY_TEAM_ID": "X"}) is None
    assert macos.notary_account({"EDGEWISE_NOTARY_PROFILE": "p"}) == ["--keychain-profile", "p"]
    assert macos.notary_account({"EDGEWISE_NOTARY_PROFILE": "p", "EDGEWISE_NOTARY_KEYCHAIN": "k"}) == [
        *("--keychain-profile", "p", "--keychain", "k")
    ]
    assert macos.notary_account(three) == [
        *("--apple-id", "APPLE_ID", "--team-id", "TEAM_ID", "--password", "PASSWORD")
    ]


def test_what_apple_does_not_accept_fails_and_no_log_has_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(macos, "WORK", tmp_path / "work")
    _stand_in(tmp_path, monkeypatch, "xcrun", says="  status: Invalid")
    runner = Runner(PROJECT, tmp_path / "log", os.environ)
    with pytest.raises(SetupFailed, match="Invalid"):
        macos.notarise(tmp_path / "a.dmg", ["--password", "geheim"], runner)
    assert not any(
        "geheim" in file.read_text(encoding="utf-8")
        for file in (tmp_path / "log", *(tmp_path / "work").glob("*"))
    )


def _stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, says: str = "") -> Any:
    """A program of that name on the PATH that notes how it was called; returns what reads that."""
    noted = folder / f"{name}.said"
    programs = folder / "programs"
    programs.mkdir()
    (programs / name).write_text(f'#!/bin/sh\necho "$*" >> "{noted}"\necho "{says}"\n', encoding="utf-8")
    (programs / name).chmod(0o700)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return lambda: noted.read_text(encoding="utf-8").splitlines()
