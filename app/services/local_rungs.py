"""Which rungs of a ladder are on this machine. No Qt here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from app.advisor.ladder import Ladder, Rung
from app.domain.catalog import CatalogModel
from app.domain.hub import Format
from app.domain.model import LocalModel
from app.models.presence import holds, is_of, quantization_of


def with_local(ladder: Ladder, model: CatalogModel | None, local: Sequence[LocalModel]) -> Ladder:
    """`ladder`, of `model` or of a repository, with the paths of those rungs that are on this machine."""
    here = [each for each in local if each.format is Format.GGUF and each.size > 0]
    named = {quantization_of(each): each.path for each in here if model is not None and is_of(each, model)}

    def path_of(rung: Rung) -> Path | None:
        variant = rung.variant
        if rung.quantization in named or variant is None:
            return named.get(rung.quantization, rung.path)
        return next((each.path for each in here if holds(each, variant)), rung.path)

    rungs = tuple(replace(rung, path=path_of(rung)) for rung in ladder.rungs)
    at = next((n for n, rung in enumerate(ladder.rungs) if rung is ladder.recommended), None)
    return replace(ladder, rungs=rungs, recommended=None if at is None else rungs[at])
