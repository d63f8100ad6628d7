"""uv, the program that makes environments: where it is, what it is told, and what its lines say.

It comes with Edgewise as a package (uv.find_uv_bin). Pythons that it downloads and packages that it fetched
stay in Edgewise's own folder.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from app.domain.environment import InstallPhase
from app.domain.errors import InstallFailed
from app.engines.package_sources import pip_settings, uv_options, uv_variables

# What would make uv work on another environment or project than the one it is told, and a token that is none
# of its business.
_NOT_FOR_UV = (
    *("VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "PYTHONHOME", "PYTHONPATH", "HF_TOKEN"),
    *("HUGGING_FACE_HUB_TOKEN", "UV_PYTHON", "UV_PROJECT", "UV_WORKING_DIR", "UV_OFFLINE", "UV_LINK_MODE"),
    *("UV_SYSTEM_PYTHON", "UV_BREAK_SYSTEM_PACKAGES", "UV_NO_CACHE", "UV_VENV_SEED", "UV_PRERELEASE"),
)
_SOURCES = (
    *("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"),
    "UV_TORCH_BACKEND",
)
_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def find_uv() -> Path:
    """uv's program: in the bundle, else in this environment, else on the PATH. Raises InstallFailed."""
    bundle = getattr(sys, "_MEIPASS", None)
    if bundle is not None:
        bundled = Path(bundle) / "bin" / ("uv.exe" if sys.platform == "win32" else "uv")
        if bundled.is_file():
            return bundled
    try:
        from uv import find_uv_bin  # type: ignore[import-not-found, unused-ignore]  # not at every start

        return Path(find_uv_bin())
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        raise InstallFailed(
            "Edgewise is not installed completely: uv, which installs engines, is missing. Run the set-up "
            "again."
        )
    return Path(found)


def uv_environment(
    cache: Path, pythons: Path, *, from_folder: bool, environment: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The variables uv is run with: this process's, pip's settings in uv's words, and our own folders.

    `from_folder` takes away every other source of packages, and the network.
    """
    kept = {name: value for name, value in environment.items() if name.upper() not in _NOT_FOR_UV}
    kept |= {
        "UV_CACHE_DIR": str(cache),
        "UV_PYTHON_INSTALL_DIR": str(pythons),
        "UV_PYTHON_DOWNLOADS": "never",  # only when asked in so many words
        "UV_NO_PROGRESS": "1",
        "NO_COLOR": "1",
    }
    if from_folder:
        sealed = {name: value for name, value in kept.items() if name.upper() not in _SOURCES}
        return {**sealed, "UV_OFFLINE": "1", "UV_NO_CONFIG": "1"}
    told = uv_variables(pip_settings(environment), kept)
    if "UV_INDEX" in told:  # to pip all indexes are one; uv would take the first that knows a package
        told.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    # Companies put their own certificates where the system trusts them.
    return {"UV_SYSTEM_CERTS": "1", **told, **kept}


def source_options(source: Path | None) -> list[str | Path]:
    """Arguments of uv's `pip install` that go with `uv_environment`. With a `source` it is the only one."""
    return [*uv_options(pip_settings())] if source is None else ["--no-index", "--find-links", source]


def own_python() -> tuple[Path, tuple[int, int]] | None:
    """The Python underneath Edgewise's own environment, and its version; None in a bundle, which has none."""
    if getattr(sys, "frozen", False):
        return None
    python = Path(getattr(sys, "_base_executable", None) or sys.executable)
    return (python, sys.version_info[:2]) if python.is_file() else None


class UvLines:
    """Reads uv's lines one after the other: which phase it is in, and words for it."""

    def __init__(self) -> None:
        self.phase = InstallPhase.RESOLVING
        self.words = "Choosing versions"
        self._count = 0
        self._downloads: dict[str, int] = {}

    def read(self, line: str) -> None:
        """Take one line."""
        if match := re.match(r"Resolved (\d+) packages?", line):
            self._count = int(match[1])
            self.phase, self.words = InstallPhase.DOWNLOADING, f"Fetching {_packages(self._count)}"
        elif match := re.match(r"\s*Downloading (\S+) \(([\d.]+)([KMG]?i?B)\)", line):
            self._downloads[match[1]] = round(float(match[2]) * _UNITS.get(match[3], 1))
            self._tell_downloads()
        elif match := re.match(r"\s*Downloaded (\S+)", line):
            self._downloads.pop(match[1], None)
            self._tell_downloads()
        elif re.match(r"Prepared \d+ packages?", line):
            self.phase, self.words = InstallPhase.INSTALLING, f"Installing {_packages(self._count)}"

    def _tell_downloads(self) -> None:
        if not self._downloads:
            self.words = f"Fetching {_packages(self._count)}"
            return
        largest = max(self._downloads, key=self._downloads.__getitem__)
        others = len(self._downloads) - 1
        more = f" and {others} more" if others else ""
        self.words = f"Downloading {largest} ({_size(self._downloads[largest])}){more}"


def _packages(count: int) -> str:
    return f"{count} package{'' if count == 1 else 's'}"


def _size(count: int) -> str:
    if count >= 999_500_000:
        return f"{count / 1e9:.1f} GB"
    return f"{count / 1e6:.0f} MB" if count >= 950_000 else f"{count / 1e3:.0f} kB"
