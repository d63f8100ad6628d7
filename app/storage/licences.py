"""Where the licences lie of what this copy of Edgewise carries."""

from __future__ import annotations

import sys
from pathlib import Path


def licences() -> Path:
    """A bundle's folder with a text for each of its parts; from source the file that names them."""
    bundle = getattr(sys, "_MEIPASS", None)
    if bundle is not None:
        return Path(bundle) / "licences"
    return Path(__file__).resolve().parents[2] / "THIRD_PARTY_NOTICES.md"
