"""Make the folder that people install, dist/Edgewise: `python3 -m build.bundle [--with-model]`.

It is built in an environment of its own, .cache/bundle/venv, with a llama.cpp that runs on every processor of
this architecture. That llama.cpp is compiled once on a machine, which takes twice as long as the one of `make
setup`; uv keeps it under its settings. Only the standard library is used: PyInstaller runs in that
environment.

The bundle is put together beside dist/ and takes its place there once it has passed all checks.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import sysconfig
import time
from collections.abc import Sequence
from pathlib import Path

from build import bundle_payload, bundle_report, licences, starter_model, system_packages
from build.bootstrap import (
    CACHE,
    PROJECT,
    REQUIREMENTS,
    UNFINISHED,
    bin_of,
    cores,
    fingerprint,
    get_uv,
    make_environment,
    setup_environment,
    sync,
)
from build.bundle_payload import Bundle
from build.commands import Runner, SetupFailed, exit_status

FOLDER = CACHE / "bundle"
VENV = FOLDER / "venv"
STAMP = VENV / "edgewise-bundle.txt"
TARGET = PROJECT / "dist" / ("Edgewise.app" if sys.platform == "darwin" else "Edgewise")

LLAMA_SETTINGS = ("GGML_NATIVE=OFF", "GGML_BACKEND_DL=ON", "GGML_CPU_ALL_VARIANTS=ON")
"""llama.cpp's CMake settings for what ships, on top of pyproject.toml's: its part for the processor is a
library for each generation of processors, and the best that runs is chosen at the start."""
CORE_MINUTES = 32
"""Processor minutes that this build of llama.cpp takes."""


def packages_of(environment: Path) -> Path:
    """The environment's site-packages."""
    return next(environment.glob("lib/python*/site-packages"), environment / "Lib" / "site-packages")


def program_of(bundle: Bundle) -> Path:
    """The program that a terminal starts."""
    if sys.platform == "darwin":
        return bundle.root / "Contents" / "MacOS" / "edgewise"
    return bundle.root / ("edgewise-cli.exe" if sys.platform == "win32" else "edgewise")


def make(*, with_model: bool) -> Bundle:
    """Make TARGET. Raises SetupFailed, OSError."""
    runner = Runner(PROJECT, CACHE / "bundle.log", setup_environment())
    uv = get_uv(runner)
    runner.environment["UV_CACHE_DIR"] = str(own_cache(runner, uv))
    provide_environment(runner, uv)
    made = freeze(runner)
    packages = packages_of(VENV)
    print("Adding llama.cpp, uv, resources and licences…", flush=True)
    bundle_payload.add_all(made, packages, bin_of(VENV, "uv"), os.environ)
    if sys.platform == "linux":
        bundle_payload.strip(made)
        bundle_payload.seal(made)
    if with_model:
        model = starter_model.fetch(runner, uv, bin_of(VENV, "python"))
        bundle_payload.add_starter_model(made, model)
    licences.add(made, packages)
    bundle_report.check(made)
    runner.run("Starting what was made", [program_of(made), "--version"])
    if sys.platform == "darwin":  # PyInstaller's signature did not know what came later
        runner.run("Signing", ["codesign", "--force", "--deep", "--sign", "-", made.root])
    TARGET.parent.mkdir(exist_ok=True)
    shutil.rmtree(TARGET, ignore_errors=True)
    made.root.rename(TARGET)
    return Bundle(TARGET)


def own_cache(runner: Runner, uv: Path) -> Path:
    """A cache of uv's beside the usual one.

    uv keeps one fetched source of a version. Other settings make it fetch that anew, and what had been
    built of the earlier one is then not found any more. Each of the two builds would forget the other.
    """
    usual = Path(runner.run("Asking for uv’s cache", [uv, "cache", "dir"]).strip())
    return usual.with_name(f"{usual.name}-edgewise-bundle")


def provide_environment(runner: Runner, uv: Path) -> None:
    """VENV with everything that is bundled and PyInstaller; nothing when nothing has changed."""
    locks = (REQUIREMENTS / f"{name}.txt" for name in ("bundle", "build", "tools"))
    wanted = fingerprint(PROJECT / "pyproject.toml", *locks) + " ".join(LLAMA_SETTINGS)
    if STAMP.is_file() and STAMP.read_text(encoding="utf-8") == wanted:
        return
    system_packages.provide_compiler(runner)
    provide_shared_python(runner)
    print("Making the environment that is bundled…", flush=True)
    started = time.monotonic()
    STAMP.unlink(missing_ok=True)
    make_environment(runner, uv, VENV)
    options = [
        word
        for setting in LLAMA_SETTINGS
        for word in ("--config-settings-package", f"llama-cpp-python:cmake.define.{setting}")
    ]
    sync(runner, uv, VENV, "bundle", options=options, core_minutes=CORE_MINUTES)
    (VENV / UNFINISHED).unlink()
    STAMP.write_text(wanted, encoding="utf-8")
    print(f"  done in {time.monotonic() - started:.0f} s", flush=True)


def provide_shared_python(runner: Runner) -> None:
    """PyInstaller carries Python as a library (Linux), which Debian keeps in a package of its own.

    Raises SetupFailed for a Python that was built without it.
    """
    if sys.platform != "linux":
        return
    said = sysconfig.get_config_var
    if not said("Py_ENABLE_SHARED"):
        raise SetupFailed(
            "This Python was built without its shared library, so it cannot be bundled. Take another one, "
            "Debian’s for example: make bundle PYTHON=/usr/bin/python3"
        )
    name = str(said("INSTSONAME"))
    folders = [Path(str(said("LIBDIR"))), Path(str(said("LIBDIR"))) / str(said("MULTIARCH"))]
    if not any((folder / name).exists() for folder in folders):
        package = f"libpython{sys.version_info.major}.{sys.version_info.minor}"
        system_packages.provide(runner, "Python’s shared library is missing", [package], [name])


def freeze(runner: Runner) -> Bundle:
    """Run PyInstaller; returns what it made, in FOLDER."""
    python = bin_of(VENV, "python")
    if sys.platform != "linux":
        runner.run("Drawing the icon", [python, "-m", "build.bundle_icons", FOLDER / "icons"])
    print("Gathering Python and Qt…", flush=True)
    started = time.monotonic()
    # Else the order of sets, and with it the program's bytes, would differ from build to build.
    runner.environment["PYTHONHASHSEED"] = "0"
    runner.run(
        "PyInstaller",
        [
            *(python, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"),
            *("--distpath", FOLDER / "dist", "--workpath", FOLDER / "work"),
            PROJECT / "build" / "edgewise.spec",
        ],
    )
    print(f"  done in {time.monotonic() - started:.0f} s", flush=True)
    return Bundle(FOLDER / "dist" / TARGET.name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, and turn failures into sentences."""
    parser = argparse.ArgumentParser(description="Make dist/Edgewise, the folder that people install.")
    parser.add_argument("--with-model", action="store_true", help="carry the starter model, too")
    options = parser.parse_args(arguments)
    print(f"Making {TARGET.relative_to(PROJECT)} on {cores()} cores.", flush=True)

    def work() -> None:
        try:
            made = make(with_model=options.with_model)
            bundle_report.tell(made, with_model=options.with_model)
        except OSError as error:
            raise SetupFailed(str(error)) from error

    return exit_status(work)


if __name__ == "__main__":
    sys.exit(main())
