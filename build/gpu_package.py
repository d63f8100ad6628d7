"""llama.cpp's part for GPUs as a wheel: `python3 -m build.gpu_package vulkan`, from the project's folder.

The wheel holds one library, the backend of ggml for Vulkan or CUDA, compiled from the source that is pinned
for llama-server. Edgewise installs it into an environment of its own and starts the same llama-server with
GGML_BACKEND_PATH naming it. ggml's interface for backends is not stable: a library serves the llama-server of
its own version and no other, hence the wheel has that version.

Without network `--source` names the source package, or the folder it was unpacked to; then CMake and Ninja
are those on the PATH, otherwise the locked ones.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from build import bootstrap, ggml_backend, system_packages, vulkan_tools
from build.commands import Runner, SetupFailed, exit_status
from build.ggml_backend import Pin
from build.wheel_file import Wheel

PROJECT = bootstrap.PROJECT
FOLDER = bootstrap.CACHE / "gpu_package"
WHEELS = PROJECT / "dist" / "wheels"
BACKENDS = ("vulkan", "cuda")
NAMES = {"vulkan": "Vulkan", "cuda": "CUDA"}

CUDA_MAJOR = 13
"""NVIDIA's wheels of that version share one folder, and the other engines' need the same driver (580)."""
CUDA_ARCHITECTURES = "75-real;80-real;86-real;89-real;90;120a-real"
"""Turing to Blackwell as machine code, and what a driver compiles for GPUs that come later (of 90)."""
CUDA_FOLDER = f"nvidia/cu{CUDA_MAJOR}/lib"
"""Where NVIDIA's wheels for Linux put their libraries, beside our package."""

REQUIRES_PYTHON = ">=3.11"
DESCRIPTION = """\
The backend of ggml for {name}, compiled from the llama.cpp that llama-cpp-python {version} carries, whose
llama-server loads it when GGML_BACKEND_PATH names it. It serves the llama-server of that version alone.
Made for Edgewise, which installs it by itself."""


@dataclass(frozen=True)
class Kind:
    """What one backend is compiled with and what it needs."""

    options: tuple[str, ...]
    libraries: tuple[str, ...]
    """That it may ask for, beside ggml's base and the system's."""
    requires: tuple[str, ...]
    licences: tuple[Path, ...]


def vulkan(runner: Runner) -> Kind:
    """Vulkan: the loader is the system's, drivers are the GPU maker's."""
    tools = vulkan_tools.provide(runner, FOLDER / "vulkan-tools", runner.environment)
    return Kind(("-DGGML_VULKAN=ON", *tools.cmake_options), ("libvulkan.so.1",), (), tools.licences)


def cuda(runner: Runner, architectures: str) -> Kind:
    """CUDA: its runtime and cuBLAS come as NVIDIA's own wheels, which the library finds beside itself."""
    said = runner.run("Looking for CUDA's compiler", ["nvcc", "--version"])
    release = re.search(r"release (\d+)\.(\d+)", said)
    if release is None or int(release[1]) != CUDA_MAJOR:
        found = f"{release[1]}.{release[2]}" if release else "another"
        raise SetupFailed(f"CUDA {CUDA_MAJOR} is needed; nvcc here is of version {found}.")
    following = CUDA_MAJOR + 1
    return Kind(
        (
            "-DGGML_CUDA=ON",
            "-DGGML_CUDA_GRAPHS=ON",  # llama.cpp's default, ggml's own is off
            "-DGGML_CUDA_NCCL=OFF",  # one more library of 200 MB, for several GPUs alone
            f"-DCMAKE_CUDA_ARCHITECTURES={architectures}",
            f"-DCMAKE_INSTALL_RPATH=$ORIGIN/../{CUDA_FOLDER}",
        ),
        (f"libcudart.so.{CUDA_MAJOR}", f"libcublas.so.{CUDA_MAJOR}", "libcuda.so.1"),
        (
            # A library runs with the runtime it was compiled for and with later ones of its major version.
            f"nvidia-cuda-runtime>={release[1]}.{release[2]},<{following}",
            f"nvidia-cublas>={CUDA_MAJOR},<{following}",
        ),
        (),
    )


def platform_tag(library: Path, kind: Kind) -> str:
    """The wheel's, after a look at what the library asks for."""
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    if sys.platform == "win32":
        return {"x86_64": "win_amd64"}.get(machine, f"win_{machine}")
    return f"manylinux_2_{ggml_backend.check(library, kind.libraries)}_{machine}"


def pack(backend: str, version: str, library: Path, tag: str, kind: Kind, licence: Path) -> Wheel:
    """The wheel, not yet written."""
    name = NAMES[backend]
    module = f"edgewise_llama_cpp_{backend}"
    return Wheel(
        name=module.replace("_", "-"),
        version=version,
        platform=tag,
        summary=f"llama.cpp's backend for {name}, loaded by the llama-server of the same version",
        description=DESCRIPTION.format(name=name, version=version),
        licence="MIT",
        requires_python=REQUIRES_PYTHON,
        requires=kind.requires,
        files={
            f"{module}/__init__.py": f'"""llama.cpp for {name}: the library beside this file."""\n'.encode(),
            f"{module}/{ggml_backend.library_name(backend)}": library,
        },
        licences={
            "LICENSE-llama.cpp.txt": licence,
            **{f"LICENSE-{file.parent.name}.txt": file for file in kind.licences},
        },
    )


def make(backend: str, source: Path | None, architectures: str, jobs: int, out: Path) -> Path:
    """Compile `backend` and write its wheel into `out`. Raises SetupFailed."""
    if sys.platform == "darwin":
        raise SetupFailed("On macOS llama.cpp computes on the GPU by Metal, which is part of Edgewise.")
    runner = Runner(PROJECT, FOLDER / f"{backend}.log", bootstrap.setup_environment())
    pin = Pin.read(bootstrap.REQUIREMENTS / "app.txt")
    system_packages.provide_compiler(runner)
    if source is None:
        source = fetch(runner, pin)
    unpacked = (
        source if source.is_dir() else ggml_backend.unpack(source, pin, FOLDER / pin.version / "source")
    )
    kind = vulkan(runner) if backend == "vulkan" else cuda(runner, architectures)
    print(f"Compiling llama.cpp’s part for {NAMES[backend]}…", flush=True)
    library = ggml_backend.compile_backend(
        runner, unpacked, backend, kind.options, FOLDER / pin.version / backend, jobs
    )
    tag = platform_tag(library, kind)
    return pack(backend, pin.version, library, tag, kind, unpacked / ggml_backend.LICENCE).write(out)


def fetch(runner: Runner, pin: Pin) -> Path:
    """The pinned source package, and the locked CMake and Ninja on the runner's PATH."""
    environment = FOLDER / "tools"
    python = bootstrap.bin_of(environment, "python")
    uv = bootstrap.get_uv(runner)
    bootstrap.make_environment(runner, uv, environment)
    bootstrap.sync(runner, uv, environment, "build")
    (environment / bootstrap.UNFINISHED).unlink()
    runner.environment["PATH"] = os.pathsep.join(
        [str(python.parent), *filter(None, [runner.environment.get("PATH")])]
    )
    archive = FOLDER / f"{ggml_backend.PACKAGE.replace('-', '_')}-{pin.version}.tar.gz"
    if not archive.is_file():
        print("Fetching llama.cpp’s source…", flush=True)
        requirement = FOLDER / "source.txt"
        requirement.write_text(pin.requirement, encoding="utf-8")
        # pip asks a source package for its metadata: the locked tools answer, not some that pip would fetch.
        pip = bootstrap.bin_of(bootstrap.CACHE / "tools", "pip")
        runner.run(
            "Fetching llama.cpp's source",
            [
                *(pip, "--python", python, "download", "--quiet", "--disable-pip-version-check"),
                *("--no-deps", "--no-binary", ":all:", "--no-build-isolation", "--require-hashes"),
                *("--dest", FOLDER, "--requirement", requirement),
            ],
        )
    return archive


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, and turn failures into sentences."""
    parser = argparse.ArgumentParser(
        prog="python3 -m build.gpu_package", description="Make a wheel of llama.cpp's part for GPUs."
    )
    parser.add_argument("backend", choices=BACKENDS)
    parser.add_argument("--source", type=Path, help="llama-cpp-python's source package, or its folder")
    parser.add_argument(
        "--architectures", default=CUDA_ARCHITECTURES, help="of NVIDIA's GPUs, as CMake names them"
    )
    parser.add_argument("--jobs", type=int, default=bootstrap.cores(), help="compilers at once")
    parser.add_argument("--out", type=Path, default=WHEELS, help="the folder for the wheel")
    options = parser.parse_args(arguments)

    def work() -> None:
        wheel = make(
            options.backend,
            options.source.resolve() if options.source else None,
            options.architectures,
            options.jobs,
            options.out,
        )
        print(f"{wheel} ({wheel.stat().st_size / 1e6:.1f} MB)", flush=True)

    return exit_status(work)


if __name__ == "__main__":
    sys.exit(main())
