"""Figures that a person types, held against what they can be."""

from __future__ import annotations

import math

from app.domain.errors import EdgewiseError


class RefusedFigure(EdgewiseError):
    """A figure that nothing can be reckoned with: no number, zero, below zero, or beyond what there is."""


def check(what: str, value: float, least: float, most: float, unit: str = "") -> None:
    """Raise `RefusedFigure` unless `value` lies from `least` to `most`. `what` begins the sentence."""
    if not (math.isfinite(value) and least <= value <= most):
        of = f" {unit}" if unit else ""
        shown = f"{value:g}" if math.isfinite(value) else "no number"
        raise RefusedFigure(f"{what} has to be from {_plain(least)} to {_plain(most)}{of}; it is {shown}.")


def _plain(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:.10f}".rstrip("0")
