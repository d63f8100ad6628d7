from dataclasses import replace

import pytest

from app.advisor.advice import Fit, Goal, Need, Rung
from app.advisor.choice import Choice, Step, Why, choose, is_quick
from app.domain.quantization import known

NEED = Need(0, 0, 0, 0, 0, 0, 0)
GOAL = Goal(target_speed=15)


def step(name, *, speed: float | None = 20.0, fit=Fit.MEMORY, active=0):
    row = known(name)
    assert row is not None
    rung = Rung(name, None, NEED, fit, speed, 8192, 0, row.quality, None, row.divergence, exact=False)
    return Step(rung, row.divergence or 0.0, active or int(row.bits * 1000), 8192)


def chosen(*steps):
    choice = choose(steps, GOAL)
    return (choice.step.rung.quantization if choice.step else None), choice.why


def test_the_best_that_is_quick():
    assert chosen(step("Q8_0", speed=10), step("Q6_K"), step("Q4_K_M")) == ("Q6_K", Why.REACHES)


def test_the_best_on_the_gpu_before_what_is_slower_than_it():
    on_gpu = [step(name, speed=None, fit=Fit.GPU) for name in ("Q6_K", "Q4_K_M")]
    assert chosen(step("Q8_0", speed=None, fit=Fit.SPLIT), *on_gpu) == ("Q6_K", Why.ON_GPU)


def test_sixteen_bits_only_where_there_is_nothing_else():
    assert chosen(step("F16"), step("Q8_0")) == ("Q8_0", Why.REACHES)
    assert chosen(step("F16"), step("Q8_0", fit=Fit.NO)) == ("F16", Why.REACHES)


def test_where_all_are_slow_the_best_of_the_fast_ones():
    slow = [step(name, speed=5) for name in ("Q8_0", "Q5_K_M", "Q4_K_M", "Q4_K_S", "Q2_K")]
    assert chosen(*slow) == ("Q4_K_M", Why.SLOW)


def test_weak_ones_are_chosen_where_nothing_better_fits():
    assert chosen(step("Q4_K_M", fit=Fit.NO), step("Q3_K_M", speed=5), step("Q2_K")) == ("Q3_K_M", Why.SLOW)
    assert chosen(step("Q4_K_M", fit=Fit.SHORTER), step("Q2_K", speed=5)) == ("Q2_K", Why.SLOW)


def test_without_a_speed_the_balanced_one():
    unknown = [step(name, speed=None) for name in ("Q8_0", "Q4_K_M", "Q3_K_M")]
    assert chosen(*unknown) == ("Q4_K_M", Why.NOT_MEASURED)


def test_nothing_that_does_not_fit():
    assert choose([], GOAL) == Choice(Why.NOTHING)
    assert chosen(step("Q4_K_M", fit=Fit.NO)) == (None, Why.NOTHING)
    shorter = [step(name, fit=Fit.SHORTER) for name in ("Q8_0", "Q4_K_M", "Q2_K")]
    choice = choose(shorter, GOAL)
    assert (choice.step, choice.why, choice.shorter) == (None, Why.SHORTER, shorter[1])


@pytest.mark.parametrize(
    ("fit", "speed", "quick"),
    [
        (Fit.MEMORY, 15.0, True),
        (Fit.MEMORY, 14.9, False),
        (Fit.GPU, None, True),
        (Fit.SPLIT, None, False),
        (Fit.MEMORY, None, False),
    ],
)
def test_quick_enough(fit, speed, quick):
    assert is_quick(replace(step("Q8_0").rung, fit=fit, speed=speed), GOAL) is quick
