"""Which rung of a ladder to take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from app.advisor.advice import Fit, Goal, Rung
from app.domain.quantization import QUANTIZATIONS, Quality, known, quality_of

WORTH_HAVING = QUANTIZATIONS["Q4_0"].divergence or 0.0
"""The divergence (nats a token) up to which a quantization is taken for its speed: that of the plainest one
with four bits. What is worse is taken only where nothing better fits."""
ABOUT_AS_FAST = 1.15
"""Bytes read for a token, as a share of the least, up to which the better quality is preferred: one hardly
notices the difference in speed."""


class Why(Enum):
    """What decided."""

    REACHES = auto()
    """The best quality that reaches the target speed."""
    ON_GPU = auto()
    """The best quality that fits in the GPU, whose speed is not known."""
    SLOW = auto()
    """None reaches the target speed."""
    NOT_MEASURED = auto()
    """Nothing tells how fast any would be."""
    SHORTER = auto()
    """None fits at this context length; `Choice.shorter` would with less."""
    NOTHING = auto()
    """None fits at all."""


@dataclass(frozen=True, slots=True)
class Step:
    """A rung with what it is compared by.

    `rank` as in `app.advisor.quality`; `active` are bytes read for a token early in a conversation, `context`
    the tokens of context it was reckoned with.
    """

    rung: Rung
    rank: float
    active: int
    context: int

    @property
    def is_original_size(self) -> bool:
        """Whether its weights have 16 bits or more: nobody can tell it from eight, which are half as many."""
        row = known(self.rung.quantization)
        return row is not None and row.bits >= 16.0


@dataclass(frozen=True, slots=True)
class Choice:
    """The step to take, None if none fits; and without one what would fit with a shorter context."""

    why: Why
    step: Step | None = None
    shorter: Step | None = None


def choose(steps: Sequence[Step], goal: Goal) -> Choice:
    """The step to take of `steps`, which come best quality first."""
    fitting = [step for step in steps if step.rung.fits]
    if not fitting:
        shorter = [step for step in steps if step.rung.fit is Fit.SHORTER]
        return Choice(Why.SHORTER, shorter=_balanced(shorter)) if shorter else Choice(Why.NOTHING)
    eligible = _worthy(fitting)
    reaching = [step for step in eligible if is_quick(step.rung, goal)]
    if reaching:
        best = _best(reaching)
        return Choice(Why.REACHES if best.rung.speed is not None else Why.ON_GPU, best)
    unknown = all(step.rung.speed is None for step in eligible)
    return Choice(Why.NOT_MEASURED if unknown else Why.SLOW, _balanced(eligible))


def is_quick(rung: Rung, goal: Goal) -> bool:
    """Whether it reaches the target speed. What is all on a GPU is taken to, until it was measured."""
    return rung.fit is Fit.GPU if rung.speed is None else rung.speed >= goal.target_speed


def _worthy(steps: Sequence[Step]) -> list[Step]:
    """Those worth having; without any, those that are not poor; without any, all."""
    worth_having = [step for step in steps if step.rank <= WORTH_HAVING]
    not_poor = [step for step in steps if quality_of(step.rank) is not Quality.POOR]
    return worth_having or not_poor or list(steps)


def _best(steps: Sequence[Step]) -> Step:
    """The best quality, in no more bits than one can tell."""
    return next((step for step in steps if not step.is_original_size), steps[0])


def _balanced(steps: Sequence[Step]) -> Step:
    """The best of those that are about as fast as the fastest; of what is not worth having, the best."""
    worthy = _worthy(steps)
    if worthy[0].rank > WORTH_HAVING:
        return worthy[0]
    least = min(step.active for step in worthy)
    return _best([step for step in worthy if step.active <= least * ABOUT_AS_FAST])
