"""The models that a bundle of Edgewise carries. Every user of the machine has them where they lie.

They belong to the installation: nothing is written beside them, and they are neither copied nor deleted.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from app.domain.model import Place
from app.models.model_files import FoundModel, models_under

_SHA256 = re.compile(r"[0-9a-f]{64}")


def bundled_models(own: Iterable[FoundModel]) -> list[FoundModel]:
    """Those of the bundle; none from source.

    One of which `own`, the models of the model folder, have a copy (of the same name and size) is left out.
    """
    bundle = getattr(sys, "_MEIPASS", None)
    if bundle is None:
        return []
    copies = {(model.path.name, model.size) for model in own}
    found = models_under(Path(bundle) / "models", Place.BUNDLED)
    return [model for model in found if (model.path.name, model.size) not in copies]


def starter_sha256(file_name: str) -> str | None:
    """The SHA-256 that the starter model must have; None if `file_name` is not its name or nothing tells."""
    # In a frozen app, too: PyInstaller keeps a module's path relative to its folder of data.
    pin = Path(__file__).resolve().parents[2] / "resources" / "starter_model.json"
    try:
        said = json.loads(pin.read_text(encoding="utf-8"))
    except FileNotFoundError:  # a bundle without the model need not bring it
        return None
    sha256 = str(said["sha256"])
    return sha256 if said["file"] == file_name and _SHA256.fullmatch(sha256) else None
