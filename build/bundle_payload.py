"""Puts into the bundle what is no Python of ours: llama.cpp's programs, uv, resources, engines' servers, a
model.

`sys._MEIPASS` of the frozen app is the folder that all of it lies in (`Bundle.inside`). Standard library
only.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from build import starter_model
from build.commands import SetupFailed
from build.elf import is_elf, keep_own_folders

PROJECT = Path(__file__).resolve().parent.parent

PROGRAMS = (
    "llama-bench",
    "llama-imatrix",
    "llama-perplexity",
    "llama-quantize",
    "llama-server",
    "llama-tokenize",
)
"""The programs of llama.cpp that the app starts."""

LEFT_OUT = ("libggml-cpu-sapphirerapids.so",)
"""Variants of llama.cpp that are built and not carried. The one for AMX ends with SIGILL at its first matrix
product (tried on a Xeon with AMX): GCC 12 believes that `_tile_loadconfig` reads 8 of its 64 bytes,
so the others are never written (GCC bug 114098; llama.cpp pull request 26954). Processors with AMX
take the next best, with AVX-512 and bfloat16."""

RELEASES, WHEELS = "EDGEWISE_RELEASES", "EDGEWISE_WHEELS"
"""Variables of a release's build: the address that lists the releases, and a JSON file that describes our
wheels (package name → url, sha256, size)."""

NO_BYTECODE = "Python writes no compiled files into a folder of this name as long as this is a file.\n"

_MSVC = ("msvcp140.dll", "vcomp140.dll", "vcruntime140.dll", "vcruntime140_1.dll")
"""Microsoft's libraries that llama.cpp's programs are linked with, OpenMP among them. Windows brings none of
it."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """`root` is what people get: the folder, or on macOS the .app. `inside` is the app's `sys._MEIPASS`."""

    root: Path

    @property
    def inside(self) -> Path:
        """Where the frozen app finds its files."""
        return self.root / ("Contents/Frameworks" if sys.platform == "darwin" else "_internal")

    def data_folder(self, name: str) -> Path:
        """The new folder `name` in `inside`, for files that no loader runs.

        Apple wants these in Resources, or the signature does not hold; a link leads there.
        """
        if sys.platform != "darwin":
            folder = self.inside / name
            folder.mkdir(parents=True)
            return folder
        folder = self.root / "Contents" / "Resources" / name
        folder.mkdir(parents=True)
        (self.inside / name).symlink_to(Path("..", "Resources", name))
        return folder


def add_all(bundle: Bundle, packages: Path, uv: Path, variables: Mapping[str, str]) -> None:
    """Add everything but licences and models. `packages` is site-packages of the environment that was
    bundled.

    Raises SetupFailed, OSError.
    """
    add_llama_cpp(bundle, packages)
    shutil.copy2(uv, bundle.inside / "bin" / uv.name)
    add_resources(bundle, variables)
    add_engine_servers(bundle)


def add_llama_cpp(bundle: Bundle, packages: Path) -> None:
    """llama.cpp's programs, its variants for processors, and the libraries that these are linked with."""
    programs, libraries = bundle.inside / "bin", bundle.inside / "lib"
    programs.mkdir()
    end = ".exe" if sys.platform == "win32" else ""
    for name in PROGRAMS:
        shutil.copy2(packages / "bin" / f"{name}{end}", programs / f"{name}{end}")
    if sys.platform == "win32":  # a program looks for libraries beside itself
        for file in packages.glob("bin/*.dll"):
            if _is_wanted(file.name):
                shutil.copy2(file, programs / file.name)
        for name in _MSVC:
            shutil.copy2(Path(os.environ["SYSTEMROOT"]) / "System32" / name, programs / name)
        return
    libraries.mkdir()
    for file in packages.glob("bin/lib*.*"):
        if file.name not in LEFT_OUT:
            shutil.copy2(file, programs / file.name)
    for name in linked_names(file.name for file in packages.glob("lib/lib*.*")):
        if _is_wanted(name):
            shutil.copy2(packages / "lib" / name, libraries / name)
    if not any(programs.glob("libggml-cpu-*")):
        raise SetupFailed("llama.cpp was built for this machine’s processor alone: its variants are missing.")
    if sys.platform == "linux":
        # Desktops do not bring OpenMP: GCC's comes along.
        library = _found_by_loader("libgomp.so.1", next(programs.glob("libggml-cpu-*")))
        shutil.copy2(library, libraries / "libgomp.so.1")


def linked_names(names: Iterable[str]) -> list[str]:
    """Of a library's names (`libx.so`, `libx.so.0`, `libx.so.0.25.3`) the one that others are linked with.

    Wheels hold no links: each name is a whole copy. llama.cpp's libraries have the first number of their
    version in that name, or none at all.
    """
    chosen: dict[str, str] = {}
    for name in sorted(names):
        match = re.fullmatch(r"(lib[\w-]+)(?:\.so((?:\.\d+)*)|((?:\.\d+)*)\.dylib)", name)
        if match is not None and (match[2] or match[3] or "").count(".") <= 1:
            chosen[match[1]] = max(chosen.get(match[1], ""), name, key=len)
    return sorted(chosen.values())


def _is_wanted(library: str) -> bool:
    """Whether a library of llama.cpp is none of a program that is not carried."""
    match = re.match(r"(?:lib)?(llama-[\w-]+)-impl\.", library)
    return match is None or match[1] in PROGRAMS


def _found_by_loader(library: str, program: Path) -> Path:
    """Where the system's loader finds `library` for `program` (Linux). Raises SetupFailed."""
    said = subprocess.run(["ldd", program], capture_output=True, check=True, text=True).stdout
    match = re.search(rf"^\s*{re.escape(library)} => (\S+)", said, re.MULTILINE)
    if match is None or match[1] == "not":
        raise SetupFailed(f"{library} is not on this system. On Debian: apt-get install -y libgomp1")
    return Path(match[1]).resolve()


def add_resources(bundle: Bundle, variables: Mapping[str, str]) -> None:
    """Our own resources, and what this copy knows of its release."""
    folder = bundle.data_folder("resources")
    shutil.copytree(PROJECT / "resources", folder, dirs_exist_ok=True)
    (folder / "release.json").write_text(
        json.dumps(release(variables), indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def release(variables: Mapping[str, str]) -> dict[str, object]:
    """What stands in resources/release.json (app.storage.release reads it). Raises SetupFailed."""
    said = json.loads((PROJECT / "resources" / "release.json").read_text(encoding="utf-8"))
    home = variables.get(RELEASES, "").rstrip("/")
    if home:
        if not home.startswith("https://"):
            raise SetupFailed(f"{RELEASES} must be an address that begins with https://, not {home}.")
        said["home"] = home
    if wheels := variables.get(WHEELS):
        try:
            described = json.loads(Path(wheels).read_text(encoding="utf-8"))
            said["wheels"] = {
                str(name): {"url": str(it["url"]), "sha256": str(it["sha256"]), "size": int(it["size"])}
                for name, it in described.items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise SetupFailed(f"{WHEELS} names no file that describes wheels ({wheels}): {error}.") from error
    return dict(said)


def add_engine_servers(bundle: Bundle) -> None:
    """What runs in engines' environments, as files in a folder of its own: nothing else of the bundle must be
    found by these environments' Pythons (app.engines.isolation.SOURCES)."""
    sources = bundle.data_folder("sources")
    servers = sources / "app" / "engine_servers"
    servers.mkdir(parents=True)
    shutil.copy2(PROJECT / "app" / "__init__.py", sources / "app" / "__init__.py")
    for file in (PROJECT / "app" / "engine_servers").glob("*.py"):
        shutil.copy2(file, servers / file.name)
    # Nothing is written into an installed folder, or what removes it would leave something behind.
    for folder in (sources / "app", servers):
        (folder / "__pycache__").write_text(NO_BYTECODE, encoding="utf-8")


def add_starter_model(bundle: Bundle, model: Path) -> None:
    """The starter model, checked on the way."""
    starter_model.StarterModel.read().put(model, bundle.data_folder("models") / model.name)


def seal(bundle: Bundle) -> None:
    """Have every library looked for in the bundle or where the system keeps its own, nowhere else (Linux)."""
    for path in bundle.inside.rglob("*"):
        if is_elf(path):
            keep_own_folders(path)


def strip(bundle: Bundle) -> None:
    """Take debugging information out of Python's own files (Linux): some Pythons carry 18 MB of it."""
    files = [*bundle.inside.glob("libpython*.so*"), *bundle.inside.glob("python*/lib-dynload/*.so")]
    subprocess.run(["strip", "--strip-debug", *files], check=True)
