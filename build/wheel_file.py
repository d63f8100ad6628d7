"""Write a wheel: a zip of files with metadata and a list of their hashes.

As the specification "Binary distribution format" of the Python packaging guide says. The same content makes
the same bytes, whenever and by whomever.
"""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

OLDEST_TIME = (1980, 1, 1, 0, 0, 0)
"""A zip knows no earlier one."""
MODE = 0o100644


@dataclass(frozen=True)
class Wheel:
    """A package without Python code of its own for one `platform`."""

    name: str
    """As the index knows it, with hyphens."""
    version: str
    platform: str
    summary: str
    description: str
    licence: str
    """An SPDX expression."""
    requires_python: str
    requires: Sequence[str] = ()
    files: Mapping[str, Path | bytes] = field(default_factory=dict)
    """Path in the wheel, with slashes, and what lies there."""
    licences: Mapping[str, Path | bytes] = field(default_factory=dict)
    """File name and text."""

    @property
    def module(self) -> str:
        """What it is imported as."""
        return self.name.replace("-", "_")

    @property
    def tag(self) -> str:
        """Any Python 3, no ABI of it, and the platform."""
        return f"py3-none-{self.platform}"

    @property
    def file_name(self) -> str:
        """The wheel's."""
        return f"{self.module}-{self.version}-{self.tag}.whl"

    def metadata(self) -> str:
        """METADATA, version 2.4 of the core metadata."""
        lines = [
            "Metadata-Version: 2.4",
            f"Name: {self.name}",
            f"Version: {self.version}",
            f"Summary: {self.summary}",
            f"License-Expression: {self.licence}",
            *(f"License-File: {name}" for name in sorted(self.licences)),
            f"Requires-Python: {self.requires_python}",
            *(f"Requires-Dist: {requirement}" for requirement in self.requires),
            "Description-Content-Type: text/plain",
        ]
        return "\n".join(lines) + f"\n\n{self.description}\n"

    def write(self, folder: Path) -> Path:
        """The wheel in `folder`, there either whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        info = f"{self.module}-{self.version}.dist-info"
        wheel = f"Wheel-Version: 1.0\nGenerator: edgewise\nRoot-Is-Purelib: false\nTag: {self.tag}\n"
        content: dict[str, Path | bytes] = {
            **self.files,
            **{f"{info}/licenses/{name}": text for name, text in self.licences.items()},
            f"{info}/METADATA": self.metadata().encode(),
            f"{info}/WHEEL": wheel.encode(),
        }
        target = folder / self.file_name
        unfinished = folder / f".{self.file_name}.part"
        record = ""
        try:
            with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
                for name, source in content.items():
                    data = source if isinstance(source, bytes) else source.read_bytes()
                    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
                    record += f"{name},sha256={digest},{len(data)}\n"
                    _add(archive, name, data)
                _add(archive, f"{info}/RECORD", f"{record}{info}/RECORD,,\n".encode())
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)
        return target


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, OLDEST_TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = MODE << 16
    entry.create_system = 3  # Unix, wherever it is written
    archive.writestr(entry, data)
