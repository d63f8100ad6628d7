"""`make packages`: what people install on Linux, made of dist/Edgewise.

For each of the two variants, without a model and with the starter model: a Debian package and an archive with
an installer for a home directory; with --appimage-runtime an AppImage, too. SHA256SUMS lies beside them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from app import __version__
from build import shared_libraries
from build.appimage import make_appimage
from build.archive import make_archive
from build.bootstrap import CACHE, PROJECT, bin_of
from build.commands import Runner, SetupFailed, exit_status
from build.deb import ARCHITECTURES, make_deb, packages_of
from build.desktop_files import desktop_files
from build.icon import SIZES
from build.payload import Payload, payload
from build.starter_model import StarterModel

DIST = PROJECT / "dist"
LIMITS = {"edgewise": 150, "edgewise-with-model": 240}
"""What a download may weigh, in MB of a million bytes: a promise to people with slow lines."""

OPTIONAL = ("plugins/platformthemes/libqgtk3.so", "plugins/printsupport/libcupsprintersupport.so")
"""Plugins that Qt does without where a desktop lacks what they speak with; what they need is suggested."""

PYTHONS = (CACHE / "bundle" / "venv", PROJECT / ".venv")
"""Environments with Qt, which draws the icon."""


def build_time(environment: os._Environ[str] | dict[str, str], project: Path = PROJECT) -> int:
    """Seconds since 1970 that everything in the packages is dated: SOURCE_DATE_EPOCH, or the last commit."""
    if said := environment.get("SOURCE_DATE_EPOCH"):
        if not said.isdecimal():
            raise SetupFailed(f"SOURCE_DATE_EPOCH is {said!r}; it has to be seconds since 1970.")
        return int(said)
    try:
        commit = subprocess.run(
            ["git", "log", "-1", "--format=%ct"], cwd=project, capture_output=True, text=True, check=True
        )
        return int(commit.stdout)
    except (OSError, subprocess.CalledProcessError, ValueError):
        return int((project / "app" / "__init__.py").stat().st_mtime)  # an archive of the source


def draw_icons(runner: Runner, folder: Path) -> None:
    """The icon in every size, in `folder`."""
    python = next((bin_of(path, "python") for path in PYTHONS if bin_of(path, "python").is_file()), None)
    if python is None:
        raise SetupFailed("There is no environment with Qt to draw the icon. Run `make bundle` first.")
    runner.run("Drawing the icon", [python, "-m", "build.icon", folder, *map(str, SIZES)])


def needs_of(runner: Runner, bundle: Path) -> tuple[shared_libraries.Needs, frozenset[str]]:
    """What the bundle needs of the system, and the libraries that only its optional plugins want."""
    linked = shared_libraries.read(runner, shared_libraries.elf_files(bundle))
    carried = [path.name for path in bundle.rglob("*")]
    always = {path: file for path, file in linked.items() if not str(path).endswith(OPTIONAL)}
    needed = shared_libraries.needs(always, carried)
    everything = shared_libraries.needs(linked, carried)
    versions = everything.versions  # an optional plugin that is loaded may ask for the newest symbol
    return shared_libraries.Needs(needed.libraries, versions), everything.libraries - needed.libraries


def make_packages(
    runner: Runner,
    bundle: Path,
    target: Path,
    models: Sequence[Path | None],
    epoch: int,
    runtime: Path | None = None,
) -> list[Path]:
    """All packages of `bundle`, in the folder `target`. `models` has None for those without a model, and the
    starter model's file for those with it; `runtime` is the one of AppImages. Raises SetupFailed, for a
    package above its limit, too."""
    variants = [payload(bundle, model) for model in models]
    target.mkdir(parents=True, exist_ok=True)
    icons = CACHE / "packages" / "icons"
    draw_icons(runner, icons)
    share = desktop_files(__version__, epoch, icons)
    needs, optional = needs_of(runner, bundle)
    said = json.loads((bundle / "_internal" / "resources" / "release.json").read_text(encoding="utf-8"))
    machine = platform.machine()
    glibc = ".".join(map(str, needs.versions.get("GLIBC", (2, 36))))
    installer = {
        "ARCHITECTURE": machine,
        "GLIBC": glibc,
        "LIBRARIES": " ".join(sorted(needs.libraries)),
        "PACKAGES": " ".join(sorted(packages_of(needs.libraries))),
    }
    made = []
    for variant in variants:
        name = f"{variant.name}-{__version__}"

        def deb(unfinished: Path, variant: Payload = variant) -> None:
            home = str(said["home"])
            make_deb(runner, variant, share, needs, optional, unfinished, __version__, epoch, home)

        def archive(unfinished: Path, variant: Payload = variant) -> None:
            make_archive(variant, share, installer, unfinished, epoch)

        makers = {
            f"{variant.name}_{__version__}_{ARCHITECTURES[machine]}.deb": deb,
            f"{name}-linux-{machine}.tar.gz": archive,
        }
        if runtime is not None:

            def appimage(unfinished: Path, variant: Payload = variant, runtime: Path = runtime) -> None:
                make_appimage(runner, variant, share, runtime, unfinished, epoch)

            makers[f"{name}-{machine}.AppImage"] = appimage
        for file, make in makers.items():
            started = time.monotonic()
            # Of the final name, because the archive's folder has it, too.
            unfinished = CACHE / "packages" / file
            make(unfinished)
            size = unfinished.stat().st_size / 1e6
            unfinished.replace(target / file)
            made.append(target / file)
            print(
                f"  {file}  {size:.1f} MB, unpacked {variant.size / 1e6:.0f} MB,"
                f" {time.monotonic() - started:.0f} s",
                flush=True,
            )
            if size > LIMITS[variant.name]:
                raise SetupFailed(f"{file} is {size:.1f} MB; {LIMITS[variant.name]} MB are promised at most.")
    write_checksums(target, made)
    return made


def write_checksums(target: Path, files: Sequence[Path]) -> None:
    """SHA256SUMS of `files` in `target`, as `sha256sum --check` reads it."""
    lines = []
    for path in sorted(files):
        with path.open("rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path.name}\n")
    (target / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, and turn failures into sentences."""
    parser = argparse.ArgumentParser(description="Make Edgewise's packages for Linux of dist/Edgewise.")
    parser.add_argument(
        "--appimage-runtime",
        type=Path,
        metavar="FILE",
        help="make AppImages too, with this runtime of the AppImage project (type 2)",
    )
    parser.add_argument(
        "--with-model",
        action="store_true",
        help="only those that have the starter model inside: half the time",
    )
    options = parser.parse_args(arguments)

    def work() -> None:
        if not sys.platform.startswith("linux"):
            raise SetupFailed("Packages for Linux are made on Linux.")
        if platform.machine() not in ARCHITECTURES:
            raise SetupFailed(f"There are no packages for {platform.machine()} processors.")
        runner = Runner(PROJECT, CACHE / "packages.log", os.environ)
        model = CACHE / "models" / StarterModel.read().file
        print("Making packages…", flush=True)
        epoch = build_time(os.environ)
        models = [model] if options.with_model else [None, model]
        make_packages(runner, DIST / "Edgewise", DIST, models, epoch, options.appimage_runtime)
        if options.appimage_runtime is None:
            print("  no AppImage: that takes the AppImage project's runtime (--appimage-runtime FILE)")

    return exit_status(work)


if __name__ == "__main__":
    sys.exit(main())
