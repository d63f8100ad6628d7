"""The packages under dist/, made when they are missing or old."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from app import __version__

PROJECT = Path(__file__).resolve().parents[2]
DIST = PROJECT / "dist"
HOME = Path(pwd.getpwuid(os.getuid()).pw_dir)
"""The real one: tests have one of their own."""
MADE_OF = ("app", "build", "installer", "resources", "requirements/bundle.txt", "pyproject.toml")


@dataclass(frozen=True)
class Packages:
    """What a person downloads, with the starter model inside."""

    deb: Path
    archive: Path


def packages() -> Packages:
    """The packages. Where one is missing, or older than a file it is made of, both are made anew."""
    found = Packages(
        deb=DIST / f"edgewise-with-model_{__version__}_amd64.deb",
        archive=DIST / f"edgewise-with-model-{__version__}-linux-x86_64.tar.gz",
    )
    if is_old(found):
        for step in (["build.bundle"], ["build.packages", "--with-model"]):
            done = subprocess.run(
                [sys.executable, "-m", *step],
                cwd=PROJECT,
                env=os.environ | {"HOME": str(HOME)},  # where uv keeps what it compiled
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            assert done.returncode == 0, f"{step[0]} failed:\n{done.stdout}"
    return found


def is_old(found: Packages) -> bool:
    """Whether a package is missing, or something it is made of has changed since."""
    made = (found.deb, found.archive)
    if not all(file.is_file() for file in made):
        return True
    oldest = min(file.stat().st_mtime for file in made)
    return any(changed.stat().st_mtime > oldest for changed in sources())


def sources() -> list[Path]:
    """The files that the packages are made of."""
    found = []
    for name in MADE_OF:
        place = PROJECT / name
        found += [place] if place.is_file() else [f for f in place.rglob("*") if f.is_file()]
    return [file for file in found if "__pycache__" not in file.parts]
