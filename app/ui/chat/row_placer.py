"""Which rows are in view or near it, and where each begins."""

from __future__ import annotations

from collections.abc import Callable

PAD = 24
"""Air above the first row and below the last."""

MARGIN = 240
"""Rows this far above and below the visible ones are ready, so that scrolling shows no gap."""


class RowPlacer:
    """Places rows in a window from a row that is known, in both directions.

    `ready` makes a row and gives its height. `reveal` draws what is in view of a row that begins at a
    place and tells how much it has grown above the view by that, and its height now.
    """

    def __init__(
        self,
        window: int,
        last: int,
        ready: Callable[[int], int],
        reveal: Callable[[int, int], tuple[int, int]],
    ) -> None:
        self._window = window
        self._last = last
        self._ready = ready
        self._reveal = reveal

    def from_end(self) -> dict[int, int]:
        """The end of the last row at the end of the window; short of that, all rows from its top."""
        return self._from_top_if_short(self._upwards(self._last, self._window - PAD))

    def from_anchor(self, row: int, offset: int) -> dict[int, int]:
        """`row` reaching `offset` pixels above the window, but no further than to an end of all rows."""
        tops, bottom = self._around(min(row, self._last), offset)
        if bottom + PAD < self._window and max(tops) == self._last:
            return self.from_end()
        return self._from_top_if_short(tops)

    def _from_top_if_short(self, tops: dict[int, int]) -> dict[int, int]:
        return tops if tops.get(0, 0) <= PAD else self._around(0, -PAD)[0]

    def _around(self, row: int, offset: int) -> tuple[dict[int, int], int]:
        """Rows before and after `row`, as far as they are needed, and where the last of them ends."""
        self._ready(row)
        grown, height = self._reveal(row, -offset)
        top = -offset - grown
        tops = self._upwards(row - 1, top)
        tops[row] = top
        top += height
        while row < self._last and top < self._window + MARGIN:
            row += 1
            self._ready(row)
            tops[row] = top
            top += self._reveal(row, top)[1]
        return tops, top

    def _upwards(self, row: int, bottom: int) -> dict[int, int]:
        """Rows from one that ends at `bottom` upwards, as far as they are needed."""
        tops: dict[int, int] = {}
        while row >= 0 and bottom > -MARGIN:
            before, height = -1, self._ready(row)
            while before != height:  # a row that turns out higher shows more of itself
                before = height
                height = self._reveal(row, bottom - height)[1]
            bottom -= height
            tops[row] = bottom
            row -= 1
        return tops
