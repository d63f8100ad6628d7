"""Several figures in order, as far as their spreads tell them apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.benchmark.difference import can_tell, is_more
from app.domain.speed_test import Spread


@dataclass(frozen=True, slots=True)
class Contestant:
    """A figure and whose it is."""

    name: str
    spread: Spread


@dataclass(frozen=True, slots=True)
class Ranking:
    """Better ones first. `leaders` are those that nobody is better than: of several no two can be told apart.
    Each of the `rest` is behind at least one leader; `unranked` were measured too few times."""

    leaders: tuple[Contestant, ...]
    rest: tuple[Contestant, ...]
    unranked: tuple[Contestant, ...]
    less_is_better: bool

    def ahead_of(self, one: Contestant) -> tuple[Contestant, ...]:
        """The leaders that are better than `one`."""
        return tuple(it for it in self.leaders if _is_better(it, one, self.less_is_better))


def rank(contestants: Sequence[Contestant], *, less_is_better: bool) -> Ranking:
    """Put them in order by the rule of `app.benchmark.difference`."""
    ordered = sorted(contestants, key=lambda it: it.spread.median, reverse=not less_is_better)
    told = [it for it in ordered if can_tell(it.spread)]
    leaders = [it for it in told if not any(_is_better(other, it, less_is_better) for other in told)]
    return Ranking(
        tuple(leaders),
        tuple(it for it in told if it not in leaders),
        tuple(it for it in ordered if it not in told),
        less_is_better,
    )


def listed(words: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""


def _is_better(one: Contestant, other: Contestant, less_is_better: bool) -> bool:
    better, worse = (other, one) if less_is_better else (one, other)
    return is_more(better.spread, worse.spread)
