"""This machine's speed tests against the comparison's claims."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

import pytest

from app.advisor.guide import answer, matrix
from app.advisor.guide_answer import Certainty, Evidence, Way
from app.advisor.guide_measured import beats, compare, day, measured_words, overrules
from app.advisor.guide_pick import pick
from app.advisor.guide_questions import settled
from app.advisor.guide_rules import Say, rules
from app.domain.speed_test_history import MeasuredRate
from tests.unit.advisor.guide_machines import MACHINES, evidence

AT = datetime.datetime(2026, 11, 24, 12).timestamp()
NAMES = {"llama_cpp": "llama.cpp", "vllm": "vLLM", "transformers": "Transformers"}
SERVING = {"priority": "throughput", "people": "few"}


def rate(engine: str, speed: float, batch: int = 8, spread: float = 0.02, **changes: Any) -> MeasuredRate:
    made = MeasuredRate(
        test_id=1,
        at=AT,
        engine_id=engine,
        engine=NAMES[engine],
        model="SmolLM2 135M",
        family="SmolLM2 135M Instruct",
        precision="bf16",
        model_file="model",
        model_hash="",
        remote=False,
        shape="chat",
        prompt_tokens=512,
        output_tokens=128,
        depth=0,
        batch=batch,
        decode_rate=speed / batch,
        output_rate=speed,
        output_low=speed * (1 - spread),
        output_high=speed * (1 + spread),
        ttft_s=0.5,
        disturbed=False,
    )
    return replace(made, **changes)


def known(*rates: MeasuredRate, machine: str = "laptop") -> Evidence:
    return evidence(MACHINES[machine], rates=rates)


def test_the_measurement_wins_and_says_so_with_both_figures() -> None:
    laptop = MACHINES["laptop"]
    assert answer(rules(), laptop, SERVING, known()).framework == "llama_cpp"
    made = answer(rules(), laptop, SERVING, known(rate("llama_cpp", 151), rate("vllm", 187)))
    assert (made.framework, made.way, made.certainty) == ("vllm", Way.EXPERIMENTAL, Certainty.MEASURED)
    (contradiction,) = made.contradictions
    assert contradiction.text == (
        "By the comparison llama.cpp would be the choice. Measured here on 2026-11-24, vLLM made 187 tok/s"
        " and llama.cpp 151 tok/s with 8 at once (SmolLM2 135M Instruct): the measurement counts."
    )
    assert (contradiction.reference, contradiction.measured) == (
        "llama.cpp",
        "187 tok/s against 151 tok/s",
    )
    assert made.because[0].certainty is Certainty.MEASURED
    assert made.certainty_words == (
        "Measured here: a speed test of 2026-11-24 compares vLLM with llama.cpp on this machine."
    )


def test_the_comparisons_own_figures_stand_beside_it() -> None:
    slow, quick = rate("vllm", 100, 32), rate("transformers", 400, 32)
    made = answer(
        rules(),
        MACHINES["Linux with A100"],
        {"priority": "throughput", "people": "many"},
        known(slow, quick, machine="Linux with A100"),
    )
    assert made.framework == "transformers"
    assert made.contradictions[0].reference == "800 tok/s against 150 tok/s"
    assert (
        "(800 tok/s against 150 tok/s with 32 at once, framework comparison, Llama 2 7B on an A100)"
        in made.contradictions[0].text
    )


def test_a_measurement_that_agrees_makes_sure() -> None:
    made = answer(rules(), MACHINES["laptop"], SERVING, known(rate("llama_cpp", 200), rate("vllm", 100)))
    assert (made.framework, made.certainty, made.contradictions) == ("llama_cpp", Certainty.MEASURED, ())
    assert made.because[0].text == (
        "Measured here on 2026-11-24, llama.cpp made 200 tok/s and vLLM 100 tok/s with 8 at once (SmolLM2"
        " 135M Instruct)."
    )
    assert not any("speed test" in sentence for sentence in made.would_change)


def test_no_difference_beyond_the_spread_changes_nothing() -> None:
    close = known(rate("llama_cpp", 100, spread=0.1), rate("vllm", 110, spread=0.1))
    made = answer(rules(), MACHINES["laptop"], SERVING, close)
    assert (made.framework, made.certainty, made.contradictions) == ("llama_cpp", Certainty.MEASURED, ())


def test_where_speed_does_not_decide_it_is_not_asked() -> None:
    faster = known(rate("llama_cpp", 100, 1), rate("transformers", 10, 1))
    made = answer(rules(), MACHINES["laptop"], {"priority": "learning", "people": "one"}, faster)
    assert (made.framework, made.certainty) == ("transformers", Certainty.FORECAST)


def test_one_engine_alone_says_nothing_of_which_is_faster() -> None:
    made = answer(rules(), MACHINES["laptop"], SERVING, known(rate("llama_cpp", 100)))
    assert made.certainty is Certainty.FORECAST
    assert "If a speed test here showed that vLLM or Transformers is faster: that one." in made.would_change


def test_an_engine_that_cannot_be_followed_is_not_taken_for_its_speed() -> None:
    """Such as vLLM, measured before the disk was full."""
    full = replace(MACHINES["laptop"], disk=replace(MACHINES["laptop"].disk, free=2 * 10**9))
    fast = evidence(full, rates=[rate("llama_cpp", 100), rate("vllm", 900)])
    made = answer(rules(), full, SERVING, fast)
    assert made.framework == "llama_cpp"
    vllm = next(it for it in made.instead_of if it.id == "vllm")
    assert (vllm.possible, vllm.why) == (False, "Installing vLLM takes 3.2 GB of disk, and 2.0 GB are free.")


def test_the_matrix_says_it() -> None:
    rows = matrix(rules(), MACHINES["laptop"], known(rate("llama_cpp", 151), rate("vllm", 187)))
    row = next(it for it in rows if it.use_case.id == "production-api")
    assert row.agrees
    assert row.answer.certainty is Certainty.MEASURED


def test_the_matrix_says_where_another_one_is_faster() -> None:
    slow, quick = rate("vllm", 100, 32), rate("llama_cpp", 400, 32)
    a100 = MACHINES["Linux with A100"]
    rows = matrix(rules(), a100, known(slow, quick, machine="Linux with A100"))
    row = next(it for it in rows if it.use_case.id == "production-api")
    assert not row.agrees
    assert row.verdict == (
        "vLLM by the comparison; measured here, llama.cpp is faster, with gpt-oss 20B as MXFP4."
    )


def test_what_is_not_like_for_like_is_said() -> None:
    made = answer(
        rules(),
        MACHINES["laptop"],
        SERVING,
        known(rate("llama_cpp", 100, precision="Q4_1"), rate("vllm", 200, disturbed=True)),
    )
    assert "Not like for like: vLLM at bf16 and llama.cpp at Q4_1." in made.contradictions[0].text
    assert made.contradictions[0].text.endswith("The machine was busy with other things meanwhile.")


def test_the_same_precision_goes_before_the_fastest() -> None:
    rates = [rate("llama_cpp", 300, precision="Q4_1"), rate("llama_cpp", 90), rate("vllm", 100)]
    measured = compare(rates, ("llama_cpp", "vllm"), 8)
    assert measured is not None
    assert measured.alike
    assert [it.output_rate for it in measured.rates] == [100, 90]


def test_the_nearest_batch_then_the_newest() -> None:
    far = [rate("llama_cpp", 1, 64), rate("vllm", 2, 64)]
    near = [rate("llama_cpp", 3, 8), rate("vllm", 4, 8)]
    older = [replace(it, family="Other", at=AT - 100) for it in near]
    measured = compare([*far, *older, *near], NAMES, 10)
    assert measured is not None
    assert measured.best.output_rate == 4
    assert measured.best.family == "SmolLM2 135M Instruct"


@pytest.mark.parametrize(
    "rates",
    [
        [],
        [rate("llama_cpp", 1), rate("vllm", 1, remote=True)],
        [rate("llama_cpp", 1), rate("vllm", 1, family="Other")],
        [rate("llama_cpp", 1), rate("vllm", 1, prompt_tokens=9)],
        [rate("llama_cpp", 1), rate("vllm", 1, 4)],
        [rate("llama_cpp", 1), rate("vllm", 1, output_rate=None)],
        [rate("llama_cpp", 1, 1), rate("vllm", 1, 1)],
        [rate("llama_cpp", 1), rate("transformers", 1)],
    ],
)
def test_what_is_no_comparison(rates: list[MeasuredRate]) -> None:
    assert compare(rates, ("llama_cpp", "vllm"), 8) is None


def test_faster_is_beyond_both_spreads() -> None:
    assert beats(rate("vllm", 110, spread=0.01), rate("llama_cpp", 100, spread=0.01))
    assert not beats(rate("vllm", 110, spread=0.2), rate("llama_cpp", 100, spread=0.01))
    assert not beats(rate("vllm", 110, output_low=None), rate("llama_cpp", 100, output_high=None))


def test_words_of_a_slow_one() -> None:
    measured = compare([rate("llama_cpp", 1.23, 1), rate("vllm", 12, 1)], NAMES, 1)
    assert measured is not None
    assert measured_words(measured) == (
        f"Measured here on {day(AT)}, vLLM made 12 tok/s and llama.cpp 1.2 tok/s for one at a time (SmolLM2"
        " 135M Instruct)."
    )


LATE = Say("llama_cpp", -2, "It begins late.", "latency", {}, ttft_s=0.2)
LARGE = "Llama 3.3 70B Instruct"


def test_a_first_token_that_came_at_once_overrules_the_table() -> None:
    laptop = MACHINES["laptop"]
    answers = settled(rules(), laptop, {"priority": "edge", "latency": "at_once", "people": "one"})
    before = pick(rules(), answers, known())
    quick = known(rate("llama_cpp", 9, 1, family=LARGE, ttft_s=0.05))
    after = pick(rules(), answers, quick)
    late = "On a processor llama.cpp begins after 0.8 seconds, even when it is warm."
    assert late in [it.text for it in before.taken.arguments]
    assert late not in [it.text for it in after.taken.arguments]
    made = answer(rules(), laptop, answers, quick)
    assert made.contradictions[0].text == (
        "The comparison has llama.cpp begin after 0.8 s. Measured here on 2026-11-24 with Llama 3.3 70B"
        " Instruct, it began after 0.05 s: the measurement counts."
    )
    assert (made.contradictions[0].reference, made.contradictions[0].measured) == ("0.8 s", "0.05 s")


@pytest.mark.parametrize(
    "measured",
    [
        rate("llama_cpp", 9, 1, family=LARGE, ttft_s=0.9),
        rate("llama_cpp", 9, 1, family="SmolLM2 135M Instruct", ttft_s=0.01),
        rate("llama_cpp", 9, 1, family="Nobody knows it", ttft_s=0.01),
        rate("llama_cpp", 9, 8, family=LARGE, ttft_s=0.01),
        rate("llama_cpp", 9, 1, family=LARGE, ttft_s=0.01, remote=True),
        rate("llama_cpp", 9, 1, family=LARGE, ttft_s=None),
        rate("vllm", 9, 1, family=LARGE, ttft_s=0.01),
    ],
)
def test_a_first_token_that_proves_nothing(measured: MeasuredRate) -> None:
    """It agrees, is of a smaller model than would be taken, or of another case."""
    here = known(measured)
    suggestion = here.suggest("llama_cpp", _wish())
    assert overrules(LATE, suggestion, here) is None


def test_a_first_token_that_came_late_overrules_praise() -> None:
    praise = replace(LATE, points=1)
    here = known(rate("llama_cpp", 9, 1, family=LARGE, ttft_s=0.9))
    suggestion = here.suggest("llama_cpp", _wish())
    assert overrules(praise, suggestion, here) is not None
    assert overrules(replace(praise, ttft_s=None), suggestion, here) is None
    assert overrules(praise, None, here) is None


def _wish() -> Any:
    from app.advisor.guide_pick import wish_of

    return wish_of([])
