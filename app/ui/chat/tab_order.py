"""Tab reads a page downwards, whichever widget stands for a row at the moment."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, takewhile

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QWidget


class TabOrder:
    """Keeps the focus chain in reading order, and touches it only when it changed."""

    def __init__(self) -> None:
        self._chain: Sequence[QWidget] = ()
        self.stale = True
        """Set it when a part came or went: asking every row for its parts is not free."""

    def arrange(self, chain: Sequence[QWidget]) -> None:
        """Have Tab go through `chain`."""
        self.stale = False
        same = sum(
            1 for _ in takewhile(lambda pair: pair[0] is pair[1], zip(self._chain, chain, strict=False))
        )
        self._chain = chain
        for before, after in pairwise(chain[max(0, same - 1) :]):
            QWidget.setTabOrder(before, after)


def distance_into_view(part: QWidget, page: QWidget, air: int) -> int:
    """How far `page` must scroll down to show `part`, which has the focus now, with some `air`.

    0 if it is in view, or is higher than the page and partly in view.
    """
    top = part.mapTo(page, QPoint(0, 0)).y()
    bottom, window = top + part.height(), page.height()
    fits = part.height() < window
    if bottom <= 0 or (top < 0 and fits):
        return top - air
    if top >= window or (bottom > window and fits):
        return min(top - air, bottom - window + air)
    return 0
