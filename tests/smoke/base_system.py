"""A minimal Debian, made once a month and kept as an archive outside the project.

`debootstrap --variant=minbase`: the packages marked essential, and apt. There is no Python in it, no font, no
library of a desktop.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import psutil

from tests.smoke import built

CACHE = built.HOME / ".cache" / "edgewise-smoke"
OLDEST_S = 30 * 24 * 3600.0
"""After this long the archive is made anew: a person installs on a system that is up to date."""


def archive(suite: str) -> Path:
    """The archive of Debian `suite` ("bookworm"), made in about a minute where there is none."""
    kept = CACHE / f"{suite}.tar"
    if not kept.is_file() or time.time() - kept.stat().st_mtime > OLDEST_S:
        CACHE.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{suite}-new-", dir=CACHE))
        try:
            command = ["debootstrap", "--variant=minbase", suite, str(folder / "root")]
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            assert done.returncode == 0, f"debootstrap failed:\n{done.stdout[-4000:]}"
            new = folder / "new.tar"
            subprocess.run(["tar", "--numeric-owner", "-cf", new, "-C", folder / "root", "."], check=True)
            new.replace(kept)
        finally:
            shutil.rmtree(folder)
    return kept


def unpack(suite: str) -> Path:
    """A fresh system of that suite in a folder of its own. Who asked for it removes the folder."""
    folder = archive(suite).parent
    for old in folder.glob("run-*"):
        if not psutil.pid_exists(int(old.name.split("-")[1])):  # of a run that was killed
            shutil.rmtree(old)
    root = Path(tempfile.mkdtemp(prefix=f"run-{os.getpid()}-{suite}-", dir=folder))
    root.chmod(0o755)
    subprocess.run(["tar", "--numeric-owner", "-xpf", archive(suite), "-C", root], check=True)
    return root
