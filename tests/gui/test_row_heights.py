from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.ui.chat.row_heights import RowHeights

HEIGHTS = st.lists(st.integers(1, 500), min_size=1, max_size=400)


@given(HEIGHTS, HEIGHTS, st.data())
def test_it_is_a_plain_list_of_heights(start: list[int], added: list[int], data: st.DataObject) -> None:
    heights = RowHeights(start)
    for height in added:
        heights.append(height)
    plain = start + added
    row = data.draw(st.integers(0, len(plain) - 1))
    plain[row] = heights[row] = data.draw(st.integers(1, 500))
    assert len(heights) == len(plain)
    assert heights.total == sum(plain)
    row = data.draw(st.integers(0, len(plain)))
    assert heights.top(row) == sum(plain[:row])
    row = data.draw(st.integers(0, len(plain) - 1))
    inside = data.draw(st.integers(0, plain[row] - 1))
    assert heights.row_at(sum(plain[:row]) + inside) == row


def test_places_outside_are_the_first_and_last_row() -> None:
    heights = RowHeights([10, 10])
    assert heights.row_at(-5) == 0
    assert heights.row_at(99) == 1
    assert RowHeights().total == 0
