"""Order as far as spreads tell it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.benchmark.difference import LEAST_N, is_more
from app.benchmark.ranking import Contestant, listed, rank
from app.domain.speed_test import Spread


@st.composite
def contestants(draw: st.DrawFn) -> list[Contestant]:
    found = []
    for number in range(draw(st.integers(1, 5))):
        low, median, high = sorted(draw(st.integers(1, 40)) * 1.0 for _ in range(3))
        found.append(Contestant(f"e{number}", Spread(median, low, high, draw(st.integers(1, 6)))))
    return found


@given(contestants(), st.booleans())
def test_everybody_has_one_place_and_nobody_leads_over_whom_it_cannot_be_told_from(
    found: list[Contestant], less: bool
) -> None:
    ranking = rank(found, less_is_better=less)
    assert sorted(it.name for it in (*ranking.leaders, *ranking.rest, *ranking.unranked)) == sorted(
        it.name for it in found
    )
    assert all(it.spread.n < LEAST_N for it in ranking.unranked)
    for one in ranking.leaders:
        for other in ranking.leaders:
            assert not is_more(one.spread, other.spread)
    for behind in ranking.rest:
        assert ranking.ahead_of(behind)
        for better in ranking.ahead_of(behind):
            first, second = (behind, better) if less else (better, behind)
            assert first.spread.p5 > second.spread.p95
    if len(ranking.leaders) == 1:  # then it is better than each, not than some
        for behind in ranking.rest:
            assert ranking.ahead_of(behind) == ranking.leaders


def test_the_better_ones_come_first() -> None:
    a, b, c = (
        Contestant(name, Spread(at, at - 1, at + 1, 5))
        for name, at in (("a", 10.0), ("b", 30.0), ("c", 20.0))
    )
    high = rank([a, b, c], less_is_better=False)
    assert ([it.name for it in high.leaders], [it.name for it in high.rest]) == (["b"], ["c", "a"])
    low = rank([a, b, c], less_is_better=True)
    assert ([it.name for it in low.leaders], [it.name for it in low.rest]) == (["a"], ["c", "b"])


@pytest.mark.parametrize(
    ("words", "said"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_a_list_in_words(words: list[str], said: str) -> None:
    assert listed(words) == said
