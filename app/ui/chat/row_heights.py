"""Heights of thousands of rows: where one begins, which one is at a place, and changing one, all quick."""

from __future__ import annotations

from collections.abc import Iterable


class RowHeights:
    """A Fenwick tree over row heights in whole pixels."""

    def __init__(self, heights: Iterable[int] = ()) -> None:
        self._heights = list(heights)
        self._rebuild()

    def __len__(self) -> int:
        return len(self._heights)

    def __getitem__(self, row: int) -> int:
        return self._heights[row]

    def __setitem__(self, row: int, height: int) -> None:
        change = height - self._heights[row]
        if not change:
            return
        self._heights[row] = height
        self.total += change
        at = row + 1
        while at <= len(self._heights):
            self._tree[at] += change
            at += at & -at

    def append(self, height: int) -> None:
        """Add a row at the end."""
        self._heights.append(height)
        at = len(self._heights)
        self._tree.append(height)
        step = 1
        while step < at & -at:
            self._tree[at] += self._tree[at - step]
            step *= 2
        self.total += height

    def top(self, row: int) -> int:
        """Where `row` begins: the heights of all rows before it."""
        total = 0
        while row > 0:
            total += self._tree[row]
            row -= row & -row
        return total

    def row_at(self, y: int) -> int:
        """The row that covers `y`; the first or last one for a place outside."""
        row, step = 0, 1 << len(self._heights).bit_length()
        while step:
            following = row + step
            if following <= len(self._heights) and self._tree[following] <= y:
                row = following
                y -= self._tree[following]
            step >>= 1
        return max(0, min(row, len(self._heights) - 1))

    def _rebuild(self) -> None:
        self.total = sum(self._heights)
        self._tree = [0, *self._heights]
        for at in range(1, len(self._tree)):
            parent = at + (at & -at)
            if parent < len(self._tree):
                self._tree[parent] += self._tree[at]
