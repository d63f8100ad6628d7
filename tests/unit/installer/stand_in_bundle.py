"""A few small files in the shape of dist/Edgewise, and packages made of them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from build.commands import Runner
from build.icon import PROJECT
from build.packages import make_packages

EPOCH = 1_790_000_000
"""21 September 2026."""


def make_bundle(folder: Path) -> Path:
    """`edgewise` is a real program that only waits, so that it can be found running."""
    sleep = shutil.which("sleep")
    assert sleep is not None
    internal = folder / "_internal"
    (internal / "resources").mkdir(parents=True)
    (internal / "models").mkdir()
    (internal / "licences").mkdir()
    (folder / "edgewise-data").mkdir()
    shutil.copyfile(Path(sleep).resolve(), folder / "edgewise")
    (folder / "edgewise").chmod(0o755)
    shutil.copyfile(Path(sleep).resolve(), internal / "libcarried.so.1")
    (internal / "libcarried.so.1").chmod(0o755)
    (internal / "libcarried.so").symlink_to("libcarried.so.1")
    (internal / "resources" / "release.json").write_text('{"home": "", "wheels": {}}', encoding="utf-8")
    (internal / "licences" / "Grüße.txt").write_text("Größe", encoding="utf-8")
    (internal / "models" / "old.gguf").write_bytes(b"GGUF old")
    (folder / "edgewise-data" / "edgewise.db").write_bytes(b"a person's")
    return folder


def packages_of(bundle: Path, target: Path, runtime: Path | None = None) -> dict[str, Path]:
    """The packages by the ends of their names' first parts: "edgewise…deb" and so on, in `target`."""
    model = target.parent / "starter.gguf"
    model.write_bytes(b"GGUF starter")
    runner = Runner(PROJECT, target.parent / "packages.log", os.environ)
    return {path.name: path for path in make_packages(runner, bundle, target, [None, model], EPOCH, runtime)}
