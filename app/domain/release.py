"""What this copy of Edgewise is: its version, and where its maker puts newer ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Wheel:
    """A Python package of ours that is fetched on demand. `size` in bytes, `sha256` in hexadecimal digits."""

    url: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Release:
    """`home` is the web address that lists the releases, without a slash at its end; empty where the copy was
    not published by anybody, as one from source. `wheels` are this release's, by the package's name."""

    version: str
    home: str = ""
    wheels: Mapping[str, Wheel] = field(default_factory=dict)
