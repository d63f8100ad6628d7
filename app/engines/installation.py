"""Making one environment: uv is run, its progress told, and the result tried."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from app.domain.environment import InstallPhase, InstallProgress
from app.domain.errors import EdgewiseError, InstallFailed, StorageError
from app.domain.generation import Cancellation
from app.domain.release import Wheel
from app.engines.installed_files import installed_versions, python_of, tree_size
from app.engines.llama_cpp_backend import backend_variables, device_names, library_in
from app.engines.llama_cpp_programs import find_program, program_environment
from app.engines.pins import Variant
from app.engines.uv_failures import explain, lacks_version, without_passwords
from app.engines.uv_program import UvLines, find_uv, own_python, source_options, uv_environment
from app.engines.watched_child import run_watched

CHECK_TIMEOUT_S = 600.0
"""vLLM's server imports for a minute on a slow machine whose disk has never seen it."""
DEVICES_TIMEOUT_S = 60.0
"""Vulkan compiles for a GPU that it has never seen, CUDA loads hundreds of megabytes from a cold disk."""
PREFERRED_PYTHON = (3, 12)
"""What is downloaded where no Python fits: every engine has wheels for it."""

Progress = Callable[[InstallProgress], None]

_CHECK = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"


@dataclass(frozen=True, slots=True)
class InstallFolders:
    """Below `root`: a folder for each engine, uv's cache, and the Pythons that uv downloaded."""

    root: Path

    @property
    def cache(self) -> Path:
        """What uv fetched; everything in it can be fetched again."""
        return self.root / ".cache"

    @property
    def pythons(self) -> Path:
        """Pythons that environments were made with. Never deleted while one is there."""
        return self.root / ".python"


class Installation:
    """One run of uv for one build of the engine called `name`; what it says goes into `log`."""

    def __init__(
        self,
        name: str,
        variant: Variant,
        folders: InstallFolders,
        log: BinaryIO | None,
        wheels: Mapping[str, Wheel] = MappingProxyType({}),
    ) -> None:
        """`wheels`, by the package's name, are fetched from their makers' address and not from an index."""
        self._name = name
        self._variant = variant
        self._folders = folders
        self._log = log
        self._wheels = wheels

    def make(self, new: Path, progress: Progress, cancellation: Cancellation, source: Path | None) -> None:
        """Make the environment `new` and check it. Raises what `Environment.install` does."""
        python = self._python(progress, cancellation, source)
        progress(InstallProgress(InstallPhase.RESOLVING, "Choosing versions"))
        status, output = self._uv(
            ["venv", "--no-project", "--python", python, new], cancellation, source=source
        )
        if status != 0:
            raise explain(self._name, output, self._folders.root, source)
        self._install(new, progress, cancellation, source)
        self._compare(new)
        done = self._variant.on_disk
        progress(InstallProgress(InstallPhase.CHECKING, f"Starting {self._name} once", done, done))
        assert self._log is not None
        try_imports(self._name, new, self._variant.check, self._log, cancellation)
        if self._variant.backend is not None:
            try_backend(self._name, new, self._variant.backend, self._log, cancellation)

    def _compare(self, folder: Path) -> None:
        """Raises InstallFailed unless what is pinned came, and what is left out did not."""
        found = installed_versions(folder)
        for package, version in self._variant.versions.items():
            if found.get(package) != version:
                raise InstallFailed(
                    f"{self._name} is not as it should be: {package} {found.get(package, 'is missing')} "
                    f"instead of {version}. Install it again."
                )
        for package in self._variant.exclude:
            if package in found:
                raise InstallFailed(
                    f"{self._name} is not as it should be: {package} came along, which breaks it."
                )

    def prune(self) -> None:
        """Drop from the cache what no later installation can use. That it fails does no harm."""
        with suppress(EdgewiseError):
            self._uv(["cache", "prune"], Cancellation())

    def python_words(self) -> tuple[str, bool]:
        """Which Python the environment will have, and whether it is to be downloaded first."""
        variant = self._variant
        if (own := own_python()) and variant.takes_python(own[1]):
            return "Python {}.{}".format(*own[1]), False
        if found := self._find_python():
            return f"the Python at {found}", False
        return "Python {}.{}".format(*self._wanted_python()), True

    def _install(
        self, new: Path, progress: Progress, cancellation: Cancellation, source: Path | None
    ) -> None:
        variant = self._variant
        command: list[str | Path] = ["pip", "install", "--python", python_of(new), "--only-binary", ":all:"]
        command += source_options(source)
        if variant.exclude:
            excludes = new / "excludes.txt"
            excludes.write_text("".join(f"{name}\n" for name in variant.exclude), encoding="utf-8")
            command += ["--excludes", excludes]
        command += variant.requirements if source is not None else map(self._wanted, variant.requirements)
        status, output = self._uv(command, cancellation, progress, source)
        if status != 0 and source is None and variant.torch_backend and self._lacks_torch(output):
            # Only their makers have it then; uv knows where.
            command += ["--torch-backend", variant.torch_backend]
            status, output = self._uv(command, cancellation, progress, source)
        if status != 0:
            raise explain(self._name, output, self._folders.root, source)

    def _wanted(self, requirement: str) -> str:
        """In pip's notation; of a wheel of ours with its address (PEP 508, "direct references")."""
        name = requirement.partition("==")[0]
        wheel = self._wheels.get(name)
        return requirement if wheel is None else f"{name} @ {wheel.url}#sha256={wheel.sha256}"

    def _lacks_torch(self, output: str) -> bool:
        torch = self._variant.versions.get("torch")
        return torch is not None and lacks_version(output, f"torch=={torch}")

    def _python(self, progress: Progress, cancellation: Cancellation, source: Path | None) -> Path:
        """A Python that fits, downloaded if need be."""
        variant = self._variant
        if (own := own_python()) and variant.takes_python(own[1]):
            return own[0]
        if found := self._find_python():
            return found
        version = "{}.{}".format(*self._wanted_python())
        if source is None and _may_download_python():
            progress(InstallProgress(InstallPhase.PYTHON, f"Downloading Python {version}"))
            command: list[str | Path] = ["python", "install", "--no-bin", version]
            status, output = self._uv(command, cancellation, downloads=True)
            if status == 0 and (found := self._find_python()):
                return found
            raise explain(self._name, output, self._folders.root, source)
        oldest, newest = (".".join(map(str, v)) for v in (variant.oldest_python, variant.newest_python))
        raise InstallFailed(
            f"{self._name} was not installed: it needs Python {oldest} to {newest}, and none is here. "
            "Install one, then try again."
        )

    def _find_python(self) -> Path | None:
        """A Python of this machine that fits, one that uv downloaded among them."""
        variant = self._variant
        oldest, newest = variant.oldest_python, (*variant.newest_python[:-1], variant.newest_python[-1] + 1)
        wanted = ">={},<{}".format(*(".".join(map(str, version)) for version in (oldest, newest)))
        environment = uv_environment(self._folders.cache, self._folders.pythons, from_folder=True)
        try:
            done = subprocess.run(
                [find_uv(), "python", "find", "--system", "--no-project", wanted],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                timeout=60,
                check=False,
                creationflags=0x08000000 if sys.platform == "win32" else 0,  # CREATE_NO_WINDOW
            )
        except (OSError, subprocess.SubprocessError, InstallFailed):  # it will be told when it is needed
            return None
        path = Path(os.fsdecode(done.stdout).strip())
        return path if done.returncode == 0 and path.is_file() else None

    def _wanted_python(self) -> tuple[int, ...]:
        variant = self._variant
        return PREFERRED_PYTHON if variant.takes_python(PREFERRED_PYTHON) else variant.newest_python

    def _uv(
        self,
        arguments: list[str | Path],
        cancellation: Cancellation,
        progress: Progress | None = None,
        source: Path | None = None,
        *,
        downloads: bool = False,
    ) -> tuple[int | None, str]:
        """Run uv; returns its status and what it said. With `progress` it installs."""
        assert self._log is not None
        environment = uv_environment(
            self._folders.cache, self._folders.pythons, from_folder=source is not None
        )
        if downloads:
            environment["UV_PYTHON_DOWNLOADS"] = "manual"
        command: list[str | Path] = [find_uv(), *arguments]
        try:
            self._log.write(without_passwords(f"$ uv {' '.join(map(str, arguments))}\n").encode())
            self._log.flush()
            if progress is None:
                return run_watched(command, environment, self._log, cancellation, clean=without_passwords)
            lines, growth = UvLines(), _Growth(self._folders.cache)
            total = self._variant.on_disk

            def tell() -> None:
                progress(InstallProgress(lines.phase, lines.words, min(growth.bytes(), total), total))

            return run_watched(
                command,
                environment,
                self._log,
                cancellation,
                on_line=lines.read,
                on_tick=tell,
                clean=without_passwords,
            )
        except OSError as error:
            raise StorageError(
                f"{self._name} was not installed: its log cannot be written ({error.strerror}). Free some "
                "space, then try again.",
                detail=str(error),
            ) from error


def _may_download_python() -> bool:
    return os.environ.get("UV_PYTHON_DOWNLOADS", "").lower() not in ("never", "false", "0")


def try_imports(
    name: str, folder: Path, modules: Sequence[str], log: BinaryIO, cancellation: Cancellation
) -> None:
    """Have the Python of the environment `folder` import `modules`. Raises InstallFailed and Cancelled."""
    command: list[str | Path] = [python_of(folder), "-I", "-c", _CHECK, *modules]
    status, output = run_watched(command, _check_environment(), log, cancellation, timeout_s=CHECK_TIMEOUT_S)
    if status != 0:
        reason = _last_error(output) or "it did not come to an end"
        raise InstallFailed(f"{name} does not start on this machine: {reason}.", detail=output[-8000:])


def try_backend(name: str, folder: Path, backend: str, log: BinaryIO, cancellation: Cancellation) -> None:
    """Have llama-server load the library of ggml's `backend` in the environment `folder`, and find a device.

    Raises EngineMissing, InstallFailed and Cancelled.
    """
    environment = program_environment() | backend_variables(library_in(folder, backend))
    command: list[str | Path] = [find_program("llama-server"), "--list-devices"]
    status, output = run_watched(command, environment, log, cancellation, timeout_s=DEVICES_TIMEOUT_S)
    if device_names(output, backend):
        return
    reason = "it finds no GPU that it can compute on. A newer driver may help"
    if status is None:
        reason = "the GPU’s driver does not answer"
    elif match := re.search(r"failed to load .*?\.(?:so|dll): (.+)", output):
        reason = match[1].strip().rstrip(".")
    raise InstallFailed(f"{name} does not start on this machine: {reason}.", detail=output[-8000:])


class _Growth:
    """How much uv's cache has grown. What is whole there never changes: only the rest is looked at again."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._known: dict[str, int] = {}
        self._before = self._total()

    def bytes(self) -> int:
        """Bytes more than at first."""
        return max(0, self._total() - self._before)

    def _total(self) -> int:
        with suppress(OSError):
            for whole in os.scandir(self._cache / "archive-v0"):
                if whole.name not in self._known:
                    self._known[whole.name] = tree_size(Path(whole.path))
        return sum(self._known.values()) + sum(map(tree_size, self._cache.glob(".tmp*")))


def _check_environment() -> dict[str, str]:
    """For trying an engine: what a person set for Python is left out, and nothing is asked of a hub."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith(("PYTHON", "VIRTUAL_ENV", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"))
    }
    return {
        **kept,
        "PYTHONUTF8": "1",
        "HF_HUB_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
    }


def _last_error(output: str) -> str:
    """The last line of a Python traceback, without its full stop."""
    for line in reversed(output.splitlines()):
        if re.match(r"[A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt|Warning)\b", line):
            return line.strip().rstrip(".")
    return ""
