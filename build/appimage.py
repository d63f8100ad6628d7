"""The AppImage: one file that is both a program, the runtime of the AppImage project, and a file system with
Edgewise in it, which the runtime mounts.

The runtime (type 2, MIT) is published by the AppImage project alone, in no registry of packages: whoever
builds a release brings it. The format: https://github.com/AppImage/AppImageSpec, "Type 2 image format".
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from build.commands import Runner, SetupFailed
from build.desktop_files import INSTALLER
from build.payload import Payload, put

PROGRAM = PurePosixPath("usr/lib/edgewise")


def make_app_dir(payload: Payload, share: Mapping[str, bytes], folder: Path, epoch: int) -> None:
    """Lay out in `folder` what the AppImage holds, the files' time being `epoch`."""
    files: dict[PurePosixPath, Path | bytes] = {
        PROGRAM / name: source for name, source in payload.files.items()
    }
    files |= {"usr/share" / PurePosixPath(path): content for path, content in share.items()}
    files[PurePosixPath("AppRun")] = INSTALLER / "AppRun"
    files[PurePosixPath("edgewise.desktop")] = share["applications/edgewise.desktop"]
    icon = share["icons/hicolor/256x256/apps/edgewise.png"]
    files[PurePosixPath("edgewise.png")] = icon
    files[PurePosixPath(".DirIcon")] = icon
    put(files, folder, epoch)
    (folder / "AppRun").chmod(0o755)


def make_appimage(
    runner: Runner, payload: Payload, share: Mapping[str, bytes], runtime: Path, target: Path, epoch: int
) -> None:
    """Write `target`. `runtime` is the AppImage project's for this architecture. Raises SetupFailed."""
    head = runtime.read_bytes() if runtime.is_file() else b""
    # Bytes 8 to 10 of the ELF header say AppImage, type 2.
    if head[:4] != b"\x7fELF" or head[8:11] != b"AI\x02":
        raise SetupFailed(f"{runtime} is no runtime of AppImages (type 2).")
    if shutil.which("mksquashfs") is None:
        raise SetupFailed(
            "mksquashfs is missing. On Debian and Ubuntu: sudo apt-get install -y squashfs-tools"
        )
    folder, image = target.with_suffix(".AppDir"), target.with_suffix(".squashfs")
    shutil.rmtree(folder, ignore_errors=True)
    image.unlink(missing_ok=True)
    try:
        make_app_dir(payload, share, folder, epoch)
        # The runtime reads zlib and zstd.
        runner.environment["SOURCE_DATE_EPOCH"] = str(epoch)
        runner.run(
            f"Packing {target.name}",
            [*("mksquashfs", folder, image), *("-comp", "zstd", "-Xcompression-level", "19"),
             *("-root-owned", "-no-xattrs", "-noappend", "-no-progress", "-b", "1M")],
        )  # fmt: skip
        with target.open("wb") as file, image.open("rb") as squashed:
            file.write(head)
            shutil.copyfileobj(squashed, file, 1 << 20)
        target.chmod(0o755)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        image.unlink(missing_ok=True)
