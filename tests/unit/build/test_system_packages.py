"""Missing system libraries are found, named with one command, and installed as root."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from build import system_packages
from build.commands import Runner, SetupFailed

LDD = """\
/x/plugins/platforms/libqxcb.so:
\tlinux-vdso.so.1 (0x00007ffd)
\tlibQt6Gui.so.6 => not found
\tlibxcb-icccm.so.4 => not found
\tlibEGL.so.1 => /lib/x86_64-linux-gnu/libEGL.so.1 (0x00007f1)
/x/lib/libQt6Gui.so.6:
\tlibxcb-icccm.so.4 => not found
\tlibunheard.so.9 => not found
"""


class FakeRunner(Runner):
    """Answers ldd with LDD and remembers what was run."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, folder / "log", {})
        self.commands: list[list[str]] = []

    def run(self, what: str, command: Sequence[str | Path], on_line: object = None) -> str:
        self.commands.append([str(word) for word in command])
        return LDD if command[0] == "ldd" else ""


@pytest.fixture
def runner(tmp_path: Path) -> FakeRunner:
    return FakeRunner(tmp_path)


@pytest.fixture(autouse=True)
def debian(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Linux with apt-get and ldd, a font, and an ordinary user."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
    monkeypatch.setattr(system_packages, "has_font", lambda _folders: True)


def test_libraries_not_found_are_told_once_and_qts_own_are_not() -> None:
    assert system_packages.missing_libraries(LDD) == ["libunheard.so.9", "libxcb-icccm.so.4"]


def test_an_ordinary_user_is_given_the_one_command(runner: FakeRunner, tmp_path: Path) -> None:
    with pytest.raises(SetupFailed) as failure:
        system_packages.provide_qt_libraries(runner, tmp_path)
    assert "sudo apt-get install -y libunheard.so.9 libxcb-icccm4\n" in str(failure.value)


def test_root_has_them_installed(
    runner: FakeRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    monkeypatch.setattr(system_packages, "has_font", lambda _folders: False)
    system_packages.provide_qt_libraries(runner, tmp_path)
    assert runner.commands[1] == ["apt-get", "update"]
    assert runner.commands[2][-3:] == ["fonts-dejavu-core", "libunheard.so.9", "libxcb-icccm4"]
    assert runner.environment["DEBIAN_FRONTEND"] == "noninteractive"
    assert "apt-get install -y fonts-dejavu-core" in capsys.readouterr().out


def test_elsewhere_the_libraries_are_named(
    runner: FakeRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "apt-get" else f"/usr/bin/{name}")
    with pytest.raises(SetupFailed, match=r"libxcb-icccm\.so\.4\.\n.*package manager"):
        system_packages.provide_qt_libraries(runner, tmp_path)


def test_a_missing_compiler_is_named(runner: FakeRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXX", raising=False)
    system_packages.provide_compiler(runner)
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/apt-get" if name == "apt-get" else None)
    with pytest.raises(SetupFailed, match=r"apt-get install -y g\+\+"):
        system_packages.provide_compiler(runner)


def test_a_missing_venv_module_is_named_for_this_python(
    runner: FakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    system_packages.provide_venv(runner)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(SetupFailed, match=r"apt-get install -y python3\.\d+-venv"):
        system_packages.provide_venv(runner)


def test_fonts_are_looked_for_in_every_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert not system_packages.has_font((tmp_path / "none", tmp_path))
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "Sans.TTF").touch()
    assert system_packages.has_font((tmp_path / "none", tmp_path))


def test_every_debian_name_is_a_package_name() -> None:
    assert all(
        library.startswith("lib") and ".so" not in package
        for library, package in system_packages.DEBIAN_PACKAGE_OF.items()
    )
