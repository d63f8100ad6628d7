"""Where glslc and Vulkan's headers come from."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from build import vulkan_tools
from build.commands import Runner, SetupFailed

HEADER = """\
#define VK_HEADER_VERSION 309
#define VK_HEADER_VERSION_COMPLETE VK_MAKE_API_VERSION(0, 1, 4, VK_HEADER_VERSION)
"""
TARGETS = """\
https://mirror.example/debian-security/ bookworm-security
https://mirror.example/debian/ bookworm
https://mirror.example/debian/ bookworm-updates
https://packages.example/apt cloud
"""


class Debian(Runner):
    """Answers as apt and dpkg do on Debian 12, and lays the files out as the packages do."""

    def __init__(self, folder: Path, log: Path, environment: dict[str, str]) -> None:
        super().__init__(folder, log, environment)
        self.commands: list[list[str]] = []

    def run(
        self, what: str, command: Sequence[str | Path], on_line: Callable[[str], None] | None = None
    ) -> str:
        words = [str(word) for word in command]
        self.commands.append(words)
        if "indextargets" in words:
            return TARGETS
        if "download" in words:
            (self.folder / "all.deb").write_bytes(b"")
        if words[0] == "dpkg":
            root = Path(words[-1])
            libraries = root / "usr/lib/x86_64-linux-gnu"
            libraries.mkdir(parents=True)
            loader = libraries / "ld-linux-x86-64.so.2"
            # The real loader takes "--library-path FOLDER PROGRAM ARGUMENTS".
            loader.write_text('#!/bin/sh\nshift 2\nexec "$@"\n')
            loader.chmod(0o755)
            program = root / "usr/bin/glslc"
            program.parent.mkdir()
            program.write_text('#!/bin/sh\necho "glslc $*"\n')
            program.chmod(0o755)
            document = root / "usr/share/doc/libvulkan-dev/copyright"
            document.parent.mkdir(parents=True)
            document.write_text("Apache-2.0")
        return ""


@pytest.fixture
def debian(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Debian:
    monkeypatch.setattr(vulkan_tools, "_system_has_them", lambda: False)
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: {"ID": "debian"})
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(vulkan_tools, "Runner", Debian)
    return Debian(tmp_path, tmp_path / "log", {})


def test_the_version_of_headers_is_read() -> None:
    assert vulkan_tools.header_version(HEADER) == (1, 4, 309) == vulkan_tools.OLDEST_HEADERS
    assert vulkan_tools.header_version("#define VK_HEADER_VERSION 239\n") == ()


def test_an_sdk_goes_first(debian: Debian, tmp_path: Path) -> None:
    (tmp_path / "LICENSE.txt").write_text("…")
    tools = vulkan_tools.provide(debian, tmp_path / "tools", {"VULKAN_SDK": str(tmp_path)})
    assert tools.cmake_options == ()  # CMake reads VULKAN_SDK itself
    assert tools.licences == (tmp_path / "LICENSE.txt",)
    assert debian.commands == []


@pytest.mark.skipif(os.name != "posix", reason="Debian's shell script")
def test_debian_12_takes_those_of_debian_13_from_its_own_mirror(debian: Debian, tmp_path: Path) -> None:
    folder = tmp_path / "tools"
    tools = vulkan_tools.provide(debian, folder, {})
    assert (folder / "sources.list").read_text().endswith("https://mirror.example/debian/ trixie main\n")
    said = subprocess.run([folder / "glslc", "-o", "a b"], capture_output=True, text=True, check=True)
    assert said.stdout == "glslc -o a b\n"
    assert f"-DVulkan_GLSLC_EXECUTABLE={folder / 'glslc'}" in tools.cmake_options
    assert [file.read_text() for file in tools.licences] == ["Apache-2.0"]
    before = len(debian.commands)
    assert vulkan_tools.provide(debian, folder, {}) == tools
    assert len(debian.commands) == before, "it was fetched again"


def test_another_system_is_told_what_to_install(
    debian: Debian, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: {"ID": "fedora"})
    with pytest.raises(SetupFailed, match=r"Vulkan 1\.4\.309 or newer.*VULKAN_SDK"):
        vulkan_tools.provide(debian, tmp_path, {})


def test_without_a_mirror_apts_settings_are_named() -> None:
    with pytest.raises(SetupFailed, match="knows no mirror"):
        vulkan_tools.mirror_of("https://packages.example/apt cloud\n")
