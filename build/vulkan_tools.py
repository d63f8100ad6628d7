"""What compiling for Vulkan takes: glslc, which compiles shaders, and new headers of Vulkan and SPIR-V.

A new enough system has them, and so has the Vulkan SDK. Debian 12's are too old for this llama.cpp; there
those of Debian 13 are fetched from the mirror that apt uses already, and unpacked under .cache. Nothing is
installed.
"""

from __future__ import annotations

import platform
import re
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from build.commands import Runner, SetupFailed

OLDEST_HEADERS = (1, 4, 309)
"""Debian 13's, the oldest that were tried. Debian 12's (1.3.239) lack types that ggml-vulkan names."""

NEWER = "trixie"
PACKAGES = (
    "glslc",
    "libshaderc1",
    "libc6",
    "libstdc++6",
    "libgcc-s1",
    "libvulkan-dev",
    "libvulkan1",
    "spirv-headers",
)
"""glslc needs a newer C library than Debian 12 has: it is started through the loader of its own."""
MISSING = (
    "Compiling for Vulkan takes glslc, the headers of Vulkan {} or newer and those of SPIR-V, and this system"
    " has none. Install LunarG's Vulkan SDK and set VULKAN_SDK to where it lies, or take the packages glslc,"
    " libvulkan-dev and spirv-headers of a system as new as Debian 13 or Ubuntu 25.04, then run this again."
)


@dataclass(frozen=True)
class VulkanTools:
    """How CMake is told of them, and the licences of the headers that become part of what is compiled."""

    cmake_options: tuple[str, ...]
    licences: tuple[Path, ...]


def provide(runner: Runner, folder: Path, environment: Mapping[str, str]) -> VulkanTools:
    """The SDK that VULKAN_SDK names, the system's own, or Debian 13's in `folder`. Raises SetupFailed."""
    if sdk := environment.get("VULKAN_SDK"):
        return VulkanTools((), tuple(sorted(Path(sdk).glob("LICENSE*"))))
    if _system_has_them():
        documents = Path("/usr/share/doc")
        return VulkanTools((), _licences(documents))
    if not _debian() or shutil.which("apt-get") is None:
        raise SetupFailed(MISSING.format(".".join(map(str, OLDEST_HEADERS))))
    root = folder / "root"
    if not (folder / "glslc").is_file():
        _fetch(runner, folder)
    libraries = next((root / "usr/lib").glob("*-linux-gnu"))
    return VulkanTools(
        (
            f"-DVulkan_GLSLC_EXECUTABLE={folder / 'glslc'}",
            f"-DVulkan_INCLUDE_DIR={root / 'usr/include'}",
            f"-DVulkan_LIBRARY={libraries / 'libvulkan.so.1'}",
            f"-DSPIRV-Headers_DIR={root / 'usr/share/cmake/SPIRV-Headers'}",
        ),
        _licences(root / "usr/share/doc"),
    )


def header_version(text: str) -> tuple[int, ...]:
    """Of vulkan_core.h; empty when it says none."""
    complete = re.search(r"VK_HEADER_VERSION_COMPLETE VK_MAKE_API_VERSION\(\d+, (\d+), (\d+),", text)
    last = re.search(r"#define VK_HEADER_VERSION (\d+)", text)
    return (int(complete[1]), int(complete[2]), int(last[1])) if complete and last else ()


def mirror_of(index_targets: str) -> str:
    """The mirror that has Debian's packages, of `SITE REPO_URI RELEASE` lines. Raises SetupFailed."""
    for line in index_targets.splitlines():
        words = line.split()
        if len(words) == 2 and words[0].endswith("/debian/"):
            return words[0]
    raise SetupFailed("apt knows no mirror of Debian’s packages. Look at /etc/apt/sources.list.")


def _system_has_them() -> bool:
    header = Path("/usr/include/vulkan/vulkan_core.h")
    if shutil.which("glslc") is None or not Path("/usr/include/spirv").is_dir() or not header.is_file():
        return False
    return header_version(header.read_text(encoding="utf-8", errors="replace")) >= OLDEST_HEADERS


def _debian() -> bool:
    try:
        return platform.freedesktop_os_release().get("ID") == "debian"
    except OSError:
        return False


def _licences(documents: Path) -> tuple[Path, ...]:
    names = (documents / package / "copyright" for package in ("libvulkan-dev", "spirv-headers"))
    return tuple(file for file in names if file.is_file())


def _fetch(runner: Runner, folder: Path) -> None:
    """Unpack Debian 13's packages into `folder`, and write a `glslc` there that starts theirs."""
    print("Fetching the tools for Vulkan from Debian 13…", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("lists/partial", "cache", "packages", "root"):
        (folder / name).mkdir(parents=True)
    known = runner.run(
        "Asking apt for its mirror",
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"],
    )
    sources = folder / "sources.list"
    keys = "/usr/share/keyrings/debian-archive-keyring.gpg"
    sources.write_text(f"deb [signed-by={keys}] {mirror_of(known)} {NEWER} main\n", encoding="utf-8")
    options = [
        f"-oDir::Etc::SourceList={sources}",
        "-oDir::Etc::SourceParts=/dev/null",
        f"-oDir::State::Lists={folder / 'lists'}",
        "-oDir::State::status=/dev/null",
        f"-oDir::Cache={folder / 'cache'}",
    ]
    runner.run("Reading Debian 13's package lists", ["apt-get", *options, "update"])
    there = Runner(folder / "packages", runner.log.with_name("vulkan-tools.log"), runner.environment)
    there.run("Fetching Debian 13's packages", ["apt-get", *options, "download", *PACKAGES])
    for package in sorted((folder / "packages").glob("*.deb")):
        runner.run("Unpacking Debian 13's packages", ["dpkg", "-x", package, folder / "root"])
    libraries = next((folder / "root/usr/lib").glob("*-linux-gnu"))
    loader = next(libraries.glob("ld-linux-*.so.*"))
    program = folder / "root/usr/bin/glslc"
    glslc = folder / "glslc"
    glslc.write_text(
        f'#!/bin/sh\nexec "{loader}" --library-path "{libraries}" "{program}" "$@"\n', encoding="utf-8"
    )
    glslc.chmod(glslc.stat().st_mode | stat.S_IXUSR)
    runner.run("Trying glslc", [glslc, "--version"])
