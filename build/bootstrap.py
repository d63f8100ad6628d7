"""Set the project up in .venv: `python3 -m build.bootstrap setup [--dev]`, from the project's folder.

Only the standard library is used, because nothing is installed yet. When nothing has changed since the
last time it returns at once. `lock` resolves the versions anew.

llama.cpp is compiled on the way, which takes minutes. uv keeps the wheel it built in its own cache,
outside the project, under the package's version, its hash and [tool.uv.config-settings-package]; so
every later clone gets it in a second, whichever supported Python it runs. Two things would lose it:
installing without --require-hashes (uv then fetches the source anew, as another revision), and
resolving with that same cache, which does the same; hence the cache of its own in `lock`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from app.engines import package_sources
from build import compiler, starter_model, system_packages
from build.commands import Runner, exit_status

PROJECT = Path(__file__).resolve().parent.parent
CACHE = PROJECT / ".cache"
VENV = PROJECT / ".venv"
STAMP = VENV / "edgewise-setup.json"
UNFINISHED = "edgewise-unfinished"
"""The file in an environment that is not whole yet."""
REQUIREMENTS = PROJECT / "requirements"
SETS = ("app", "dev")
"""What can be installed; each contains the ones before it."""

OLDEST, NEWEST = (3, 11), (3, 14)
BUILD_CORE_MINUTES = 20
"""Processor minutes that llama.cpp's compile takes, to tell a person how long they will wait."""

PIP_INSTALL = [
    "install",
    "--quiet",
    "--disable-pip-version-check",
    "--require-hashes",
    "--only-binary",
    ":all:",
]
UV_INSTALL = [
    "--require-hashes",
    # Several indexes may offer a file; the hash decides which is right, so all of them may be asked.
    *("--index-strategy", "unsafe-best-match"),
    *("--build-constraints", str(REQUIREMENTS / "build.txt")),
]
UV_COMPILE = [
    *("pip", "compile", "--quiet", "--upgrade"),
    *("--universal", "--python-version", "3.11"),
    *("--generate-hashes", "--no-emit-index-url", "--no-emit-find-links"),
    *("--custom-compile-command", "make lock"),
    *("--cache-dir", str(CACHE / "lock")),
]


def bin_of(environment: Path, program: str) -> Path:
    """Where `program` lies in a virtual environment."""
    if sys.platform == "win32":
        return environment / "Scripts" / f"{program}.exe"
    return environment / "bin" / program


def cores() -> int:
    """The cores a compile may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def fingerprint(*files: Path) -> str:
    """Changes when one of `files`, this Python or the project's place changes."""
    digest = hashlib.sha256(f"{sys.version}\n{PROJECT}\n".encode())
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def environment_fingerprint() -> str:
    """Of everything that decides what .venv holds."""
    names = ("app", "dev", "build", "tools")
    return fingerprint(PROJECT / "pyproject.toml", *(REQUIREMENTS / f"{name}.txt" for name in names))


def is_current(stamp: Path, wanted: str, needed: str) -> bool:
    """Whether `stamp` tells of a finished setup with that fingerprint and at least the set `needed`."""
    try:
        done = json.loads(stamp.read_text(encoding="utf-8"))
        return done["fingerprint"] == wanted and SETS.index(done["set"]) >= SETS.index(needed)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def get_uv(runner: Runner) -> Path:
    """uv of the pinned version, in an environment of its own in .cache."""
    tools = CACHE / "tools"
    uv, pip = bin_of(tools, "uv"), bin_of(tools, "pip")
    stamp = tools / "edgewise-tools"
    wanted = fingerprint(REQUIREMENTS / "tools.txt")
    if not (uv.is_file() and stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted):
        system_packages.provide_venv(runner)
        shutil.rmtree(tools, ignore_errors=True)
        runner.run("Making an environment for uv", [base_python(), "-m", "venv", tools])
        runner.run(
            "Installing uv",
            [pip, *PIP_INSTALL, "-r", REQUIREMENTS / "tools.txt"],
        )
        stamp.write_text(wanted, encoding="utf-8")
    settings = package_sources.pip_settings(runner.environment)
    runner.environment.update(package_sources.uv_variables(settings, runner.environment))
    return uv


def base_python() -> Path:
    """The Python that runs this; its base, should this run inside a virtual environment."""
    return Path(getattr(sys, "_base_executable", None) or sys.executable)


def make_environment(runner: Runner, uv: Path, environment: Path) -> None:
    """`environment` with this Python; one that is whole and of the same Python is kept and brought up to
    date.

    It counts as cut off until `UNFINISHED` is gone from it: whatever stops its filling, it is made afresh.
    """
    try:
        settings = dict(
            line.split(" = ", 1)
            for line in (environment / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
        )
    except (OSError, ValueError):
        settings = {}
    version = settings.get("version_info", "").split(".")[:2]
    same = version == [str(part) for part in sys.version_info[:2]] and bin_of(environment, "python").is_file()
    unfinished = environment / UNFINISHED
    if not same or unfinished.exists():
        runner.run(
            f"Making {environment.name}",
            [uv, "venv", "--clear", "--no-project", "--python", base_python(), environment],
        )
    unfinished.touch()


def sync(
    runner: Runner,
    uv: Path,
    environment: Path,
    lock: str,
    *,
    options: Sequence[str] = (),
    core_minutes: int = BUILD_CORE_MINUTES,
) -> None:
    """Bring `environment` to exactly what requirements/`lock`.txt says, with more `options` of uv's.

    With these llama.cpp takes `core_minutes` to build.
    """
    python = bin_of(environment, "python")
    sources = package_sources.uv_options(package_sources.pip_settings(runner.environment))
    building = 0.0

    def watch(line: str) -> None:
        nonlocal building
        if "Building llama-cpp-python" in line:
            building = time.monotonic()
            count = cores()
            minutes = max(1, round(core_minutes / count))
            print(
                f"Building llama.cpp, about {minutes} min on {count} cores, once on this machine…", flush=True
            )
        elif building and "Built llama-cpp-python" in line:
            print(f"  done in {(time.monotonic() - building) / 60:.1f} min", flush=True)

    runner.run(
        "Installing the packages",
        [
            uv,
            "pip",
            "sync",
            "--python",
            python,
            *UV_INSTALL,
            *options,
            *sources,
            REQUIREMENTS / f"{lock}.txt",
        ],
        watch,
    )


def install(runner: Runner, uv: Path, which: str) -> None:
    """Bring .venv to exactly what the lock says, and put the `edgewise` command into it."""
    print("Installing packages…", flush=True)
    started = time.monotonic()
    sync(runner, uv, VENV, which)
    # uv brings the build backend named in pyproject.toml itself: nothing is fetched.
    python = bin_of(VENV, "python")
    runner.run(
        "Installing edgewise", [uv, "pip", "install", "--python", python, "--no-deps", "--editable", PROJECT]
    )
    print(f"  done in {time.monotonic() - started:.0f} s", flush=True)


def setup_environment() -> dict[str, str]:
    """The variables that programs are run with while an environment is made."""
    environment = os.environ | {
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_NO_PROGRESS": "1",
        # Without Ninja the build falls back to make, which would use one core.
        "CMAKE_BUILD_PARALLEL_LEVEL": os.environ.get("CMAKE_BUILD_PARALLEL_LEVEL", str(cores())),
    }
    environment.pop("VIRTUAL_ENV", None)
    return environment


def set_up(which: str) -> None:
    """Everything, or nothing when nothing has changed."""
    wanted = environment_fingerprint()
    current = is_current(STAMP, wanted, which)
    model = starter_model.StarterModel.read()
    if current and model.is_at(starter_model.CACHE / model.file):
        return
    runner = Runner(PROJECT, CACHE / "setup.log", setup_environment())
    print("Setting up Edgewise.", flush=True)
    uv = get_uv(runner)
    if not current:
        STAMP.unlink(missing_ok=True)
        system_packages.provide_compiler(runner)
        runner.environment = compiler.with_flags(runner.environment)
        make_environment(runner, uv, VENV)
        install(runner, uv, which)
        packages = next(VENV.glob("lib/python*/site-packages"), VENV / "Lib" / "site-packages")
        (VENV / UNFINISHED).unlink()
        system_packages.provide_qt_libraries(runner, packages / "PySide6" / "Qt")
        STAMP.write_text(json.dumps({"fingerprint": wanted, "set": which}), encoding="utf-8")
    starter_model.fetch(runner, uv, bin_of(VENV, "python"))


def lock() -> None:
    """Resolve pyproject.toml into requirements/*.txt, for every supported Python and system."""
    runner = Runner(PROJECT, CACHE / "lock.log", os.environ)
    uv = get_uv(runner)
    for source in ("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"):
        runner.environment.pop(source, None)  # a lock is the same whoever made it
    dev = ["pyproject.toml", "--group", "dev", "--constraints", "requirements/app.txt"]
    inputs = {
        "app": ["pyproject.toml"],
        "dev": dev,
        "bundle": ["pyproject.toml", "--group", "bundle", "--constraints", "requirements/app.txt"],
        "build": ["--group", "build"],
        "tools": ["--group", "tools"],
    }
    for name, arguments in inputs.items():
        runner.run(
            f"Locking {name}",
            [uv, *UV_COMPILE, "--output-file", f"requirements/{name}.txt", *arguments],
        )
        print(f"requirements/{name}.txt", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, and turn failures into sentences."""
    parser = argparse.ArgumentParser(description="Set Edgewise up in .venv.")
    commands = parser.add_subparsers(dest="command", required=True)
    setup = commands.add_parser("setup", help="install what the app needs, and fetch the starter model")
    setup.add_argument("--dev", action="store_true", help="also what tests and checks need")
    commands.add_parser("lock", help="resolve the versions anew")
    options = parser.parse_args(arguments)
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        version = ".".join(map(str, sys.version_info[:3]))
        print(f"Edgewise needs Python 3.11 to 3.14; this is Python {version}.", file=sys.stderr)
        return 1
    if options.command == "lock":
        return exit_status(lock)
    return exit_status(lambda: set_up("dev" if options.dev else "app"))


if __name__ == "__main__":
    sys.exit(main())
