"""The archive that a person unpacks: Edgewise runs from it, or install.sh puts it into their home."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from build.desktop_files import filled
from build.payload import Payload, mode_of

FOLDER = "Edgewise"


def make_archive(
    payload: Payload, share: Mapping[str, bytes], installer: Mapping[str, str], target: Path, epoch: int
) -> None:
    """Write `target`, a tar.gz with one folder of the same name. `share` is what goes to ~/.local/share, by
    its path there, `installer` the values in install.sh, `epoch` the time of every file."""
    top = PurePosixPath(target.name.removesuffix(".tar.gz"))
    with (
        target.open("wb") as file,
        gzip.GzipFile("", "wb", compresslevel=9, fileobj=file, mtime=epoch) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):

        def add(name: PurePosixPath, content: bytes, mode: int) -> None:
            entry = _entry(top / name, epoch)
            entry.size, entry.mode = len(content), mode
            archive.addfile(entry, io.BytesIO(content))

        add(PurePosixPath("install.sh"), filled("install.sh", installer), 0o755)
        for path in sorted(share):
            add("share" / PurePosixPath(path), share[path], 0o644)
        for name, source in payload.files.items():
            entry = _entry(top / FOLDER / name, epoch)
            if source.is_symlink():
                entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, str(source.readlink()), 0o777
                archive.addfile(entry)
            else:
                entry.size, entry.mode = source.stat().st_size, mode_of(source)
                with source.open("rb") as content:
                    archive.addfile(entry, content)


def _entry(name: PurePosixPath, epoch: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(str(name))
    entry.mtime = epoch
    entry.uname = entry.gname = "root"
    return entry
