"""The models that Edgewise knows by name, read from resources/catalog.json, and finding some among them.

The file is ours and is checked against resources/catalog.schema.json by the tests: one that cannot be read is
a broken installation, and what Python raises then is let fly.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from app.domain.catalog import CatalogModel, Dimensions, Purpose
from app.models.language_names import is_language

# In a frozen app, too: PyInstaller keeps a module's path relative to its folder of data.
CATALOG = Path(__file__).resolve().parents[2] / "resources" / "catalog.json"
"""The file."""


@cache
def catalog() -> tuple[CatalogModel, ...]:
    """All models: the starter model, then the others from small to large. Read once, in a millisecond."""
    return read(CATALOG.read_text(encoding="utf-8"))


def read(text: str) -> tuple[CatalogModel, ...]:
    """The models in a catalog's text. Raises KeyError, TypeError or ValueError for a text that is not one."""
    return tuple(_model(entry) for entry in json.loads(text)["models"])


def find(words: str, models: Iterable[CatalogModel] | None = None) -> CatalogModel | None:
    """The model that a person means by an id, a name, a repository or the beginning of one of the first two.

    Capitals do not matter, and neither does what stands between the words: "Qwen3 4B" is "qwen3-4b". None
    when no model or more than one is meant.
    """
    wanted = _plain(words)
    if not wanted:
        return None
    every = catalog() if models is None else tuple(models)
    for model in every:
        if wanted in (_plain(model.id), *map(_plain, (model.name, model.repository, model.original))):
            return model
    begun = [m for m in every if _plain(m.id).startswith(wanted) or _plain(m.name).startswith(wanted)]
    return begun[0] if len(begun) == 1 else None


def matching(
    models: Iterable[CatalogModel],
    *,
    purpose: Purpose | None = None,
    licence: str | None = None,
    largest: int | None = None,
    words: str = "",
) -> tuple[CatalogModel, ...]:
    """Those of `models` that meet every wish, in their order. None and "" wish nothing.

    `licence` is a model's own, to the letter; `largest` counts parameters. Each of `words` has to occur in
    a model's name, maker, repositories, purposes, licence or in what it is good for, or to name one of its
    languages: by its code, in English, or in itself.
    """
    wanted = words.casefold().split()
    return tuple(
        model
        for model in models
        if (purpose is None or purpose in model.purposes)
        and (licence is None or licence == model.licence)
        and (largest is None or model.parameters <= largest)
        and all(_speaks(model, word) or word in _text(model) for word in wanted)
    )


def licences(models: Iterable[CatalogModel]) -> tuple[str, ...]:
    """Every licence among `models` once, the most frequent first."""
    counts: dict[str, int] = {}
    for model in models:
        counts[model.licence] = counts.get(model.licence, 0) + 1
    return tuple(sorted(counts, key=lambda licence: (-counts[licence], licence)))


def _model(entry: dict[str, Any]) -> CatalogModel:
    purposes = tuple(map(Purpose, entry["purposes"]))
    lists = {name: tuple(entry[name]) for name in ("languages", "quantizations")}
    return CatalogModel(
        **{**entry, **lists, "purposes": purposes, "dimensions": _dimensions(entry["dimensions"])}
    )


def _dimensions(entry: dict[str, Any]) -> Dimensions:
    kv_heads = entry["kv_heads"]
    return Dimensions(**{**entry, "kv_heads": (kv_heads,) if isinstance(kv_heads, int) else tuple(kv_heads)})


def _plain(words: str) -> str:
    return re.sub(r"[\s_/-]+", "-", words.strip().casefold())


def _speaks(model: CatalogModel, word: str) -> bool:
    return any(is_language(word, code) for code in model.languages)


def _text(model: CatalogModel) -> str:
    """All that `matching` looks for words in."""
    parts = (
        *(model.id, model.name, model.maker, model.good_for, model.licence),
        *(model.repository, model.original, *model.purposes),
    )
    return "\n".join(parts).casefold()
