"""This machine's tokens: what was measured, what was said, and which of the two counts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from app.advisor.cost import cost_line
from app.advisor.cost_options import Wear
from app.advisor.figure import RefusedFigure
from app.advisor.traffic import Traffic
from app.domain.speed_test import CaseResult, Contender, Disturbance, Energy, Observation, Shape, Watched
from app.services.costs import NotMeasured, OwnFigures, measured_forms, proposed, this_machine
from app.storage.database import Database
from app.storage.speed_tests import SpeedTests
from tests.made_speed_tests import CHAT, LLAMA_CPP, TRANSFORMERS, column, result, speed_test

OFFICE = Traffic(200, 128, 128, 3.0)
QUARTER = replace(LLAMA_CPP, precision="Q4_K_M", bits=4.9)
PRICE = OwnFigures(price_per_kwh=0.3)


def metered(batch: int, rate: float, watts: float, idle: float | None = 10.0, **fields: object) -> CaseResult:
    """A case whose five rounds of 128 tokens took `watts`."""
    seconds = 5 * batch * 128 / rate
    energy = Energy(watts * seconds, seconds, ("processor", "GPU"), idle)
    return result(batch, rate, watched=Watched(energy=energy), **fields)  # type: ignore[arg-type]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database.open(tmp_path / "a.db") as database:
        yield database


@pytest.fixture
def tests(database: Database) -> SpeedTests:
    return SpeedTests(database)


def test_energy_of_each_batch_is_told_by_the_token_with_idle_and_without(tests: SpeedTests) -> None:
    cases = [metered(1, 100, 40), metered(8, 400, 60)]
    test_id = tests.begin(speed_test(column(cases=cases))).result()
    (form,) = measured_forms(tests)
    assert form.name == "SmolLM2 135M Instruct bf16 in llama.cpp"
    alone, together = sorted(form.paces, key=lambda pace: pace.batch)
    assert (alone.test_id, alone.batch, alone.tokens_per_s) == (test_id, 1, 100)
    assert alone.load_watts == pytest.approx(40)
    assert alone.idle_watts == 10
    assert alone.joules_per_token == pytest.approx(40 / 100)
    assert alone.net_joules_per_token == pytest.approx(30 / 100)
    assert together.joules_per_token == pytest.approx(60 / 400)
    assert together.net_joules_per_token == pytest.approx(50 / 400)
    assert together.sources == ("processor", "GPU")


def test_without_an_idle_reading_there_is_no_net_energy(tests: SpeedTests) -> None:
    tests.begin(speed_test(column(cases=[metered(1, 100, 40, idle=None)]))).result()
    (pace,) = measured_forms(tests)[0].paces
    assert pace.joules_per_token == pytest.approx(0.4)
    assert (pace.idle_watts, pace.net_joules_per_token) == (None, None)


def test_energy_of_rounds_that_fell_short_is_of_nobody_knows_how_many_tokens(tests: SpeedTests) -> None:
    tests.begin(speed_test(column(cases=[metered(1, 100, 40, short_rounds=1)]))).result()
    (pace,) = measured_forms(tests)[0].paces
    assert pace.load_watts == pytest.approx(40)  # a power is one all the same
    assert (pace.joules_per_token, pace.net_joules_per_token) == (None, None)


def test_what_was_not_metered_is_none_not_zero(tests: SpeedTests) -> None:
    tests.begin(speed_test(column(rates={1: 100.0}))).result()
    (pace,) = measured_forms(tests)[0].paces
    assert (pace.load_watts, pace.joules_per_token, pace.net_joules_per_token) == (None, None, None)
    assert pace.sources == ()


def test_the_newest_of_each_case_counts_and_other_computers_do_not(tests: SpeedTests) -> None:
    attached = Contender("attached", "far", "SmolLM2", "SmolLM2 135M", "bf16", remote=True)
    tests.begin(speed_test(column(cases=[metered(1, 90, 40), metered(8, 300, 70)]), at=1.0)).result()
    tests.begin(
        speed_test(column(cases=[metered(1, 100, 50)]), column(attached, {1: 900.0}), at=2.0)
    ).result()
    (form,) = measured_forms(tests)
    assert {pace.batch: pace.tokens_per_s for pace in form.paces} == {1: 100, 8: 300}
    assert {pace.batch: pace.load_watts for pace in form.paces} == pytest.approx({1: 50, 8: 70})
    assert form.at == 2.0


def test_energy_is_that_of_the_very_column(tests: SpeedTests) -> None:
    columns = [
        column(LLAMA_CPP, cases=[metered(1, 100, 40)]),
        column(QUARTER, cases=[metered(1, 200, 50)]),
        column(TRANSFORMERS, cases=[metered(1, 20, 60)]),
    ]
    tests.begin(speed_test(*columns)).result()
    found = {form.name: form.paces[0].load_watts for form in measured_forms(tests)}
    assert found == {
        "SmolLM2 135M Instruct bf16 in llama.cpp": pytest.approx(40),
        "SmolLM2 135M Instruct Q4_K_M in llama.cpp": pytest.approx(50),
        "SmolLM2 135M Instruct bf16 in Transformers": pytest.approx(60),
    }


def test_a_damaged_record_gives_its_speeds_alone(tests: SpeedTests, database: Database) -> None:
    test_id = tests.begin(speed_test(column(cases=[metered(1, 100, 40)]))).result()
    with closing(sqlite3.connect(database.path)) as connection, connection:
        connection.execute("UPDATE speed_tests SET test = '{' WHERE id = ?", (test_id,))
    (pace,) = measured_forms(tests)[0].paces
    assert (pace.tokens_per_s, pace.load_watts) == (100, None)


def test_the_fastest_of_the_newest_test_is_proposed(tests: SpeedTests) -> None:
    assert proposed((), OFFICE) is None
    tests.begin(speed_test(column(QUARTER, {1: 500.0}))).result()
    tests.begin(speed_test(column(rates={1: 100.0, 8: 300.0}), column(TRANSFORMERS, {1: 20.0}))).result()
    found = proposed(measured_forms(tests), OFFICE)
    assert found is not None
    assert (found.engine, found.precision) == ("llama.cpp", "bf16")


def test_the_case_that_is_the_most_like_the_traffic_counts(tests: SpeedTests) -> None:
    long = Shape("summarise", 2000, 100)
    tests.begin(
        speed_test(column(cases=[metered(1, 100, 40), metered(8, 400, 60), metered(1, 30, 45, shape=long)]))
    ).result()
    (form,) = measured_forms(tests)
    assert [pace.batch for pace in form.nearest(OFFICE)] == [1, 8]
    assert [pace.tokens_per_s for pace in form.nearest(Traffic(10, 5000, 200))] == [30]
    machine = this_machine(form, Traffic(10, 5000, 200), PRICE)
    assert machine.tokens_per_s == 30
    assert any("prompts of 2,000 tokens and replies of 100" in it for it in machine.basis)


def test_what_was_measured_is_said_to_be(tests: SpeedTests) -> None:
    tests.begin(speed_test(column(cases=[metered(1, 100, 40), metered(8, 400, 60)]))).result()
    (form,) = measured_forms(tests)
    machine = this_machine(form, OFFICE, PRICE)
    assert (machine.tokens_per_s, machine.single_tokens_per_s) == (400, 100)
    assert machine.load_watts == pytest.approx(40)  # replies one after another are enough
    assert machine.idle_watts == 10
    speed, models, power = machine.basis
    assert "Llama 2 7B" in models
    assert speed.startswith("Speed measured here on 20")
    assert speed.endswith("SmolLM2 135M Instruct bf16 in llama.cpp, 8 requests at once.")
    assert power == (
        "Power measured here with one request at a time: 40 W of processor and GPU, 10 W of it when idle; "
        "what else the machine takes was not counted."
    )
    busy = this_machine(form, replace(OFFICE, requests_per_day=40_000), PRICE)
    assert busy.load_watts == pytest.approx(60)
    assert all(it.endswith(".") for it in (*machine.basis, *busy.basis))


def test_a_month_costs_what_its_tokens_took_when_they_were_measured(tests: SpeedTests) -> None:
    """By the joules of a token, and by the formula over hours and watts."""
    tests.begin(speed_test(column(cases=[metered(1, 100, 40)]))).result()
    (form,) = measured_forms(tests)
    (pace,) = form.paces
    traffic = Traffic(100 * 86_400 / 128, 128, 128)  # so many that it is never idle
    line = cost_line(this_machine(form, traffic, PRICE), traffic)
    assert pace.joules_per_token is not None
    kwh = traffic.output_tokens_per_month * pace.joules_per_token / 3.6e6
    assert line.cost_per_month == pytest.approx(kwh * 0.3)


def test_what_a_person_says_counts_more_and_is_said_to_be_no_measurement(tests: SpeedTests) -> None:
    tests.begin(speed_test(column(cases=[metered(1, 100, 40)]))).result()
    (form,) = measured_forms(tests)
    wear = Wear(1000, 20_000)
    said = OwnFigures(0.3, load_watts=90, idle_watts=15, idle_is_counted=True, hours_per_day=10, wear=wear)
    machine = this_machine(form, OFFICE, said)
    assert (machine.load_watts, machine.idle_watts, machine.hours_per_day, machine.wear) == (90, 15, 10, wear)
    assert "Its power is what you said, not measured." in machine.basis
    both = this_machine(form, OFFICE, OwnFigures(0.3, tokens_per_s=7, load_watts=90))
    assert (both.tokens_per_s, both.single_tokens_per_s) == (7, None)
    assert both.basis[0].startswith("Its speed is what you said, not measured")
    assert not any("measured here" in it for it in both.basis)


def test_without_a_measurement_a_persons_own_figures_do() -> None:
    machine = this_machine(None, OFFICE, OwnFigures(0.3, tokens_per_s=25, load_watts=65))
    assert (machine.tokens_per_s, machine.load_watts) == (25, 65)


def test_what_nobody_measured_or_said_is_asked_for(tests: SpeedTests) -> None:
    with pytest.raises(NotMeasured, match="How fast this machine is was not measured yet"):
        this_machine(None, OFFICE, PRICE)
    with pytest.raises(NotMeasured, match="How much power this machine takes was not measured"):
        this_machine(None, OFFICE, OwnFigures(0.3, tokens_per_s=25))
    tests.begin(speed_test(column(cases=[metered(1, 100, 40, idle=None)]))).result()
    (form,) = measured_forms(tests)
    with pytest.raises(NotMeasured, match="when idle was not measured"):
        this_machine(form, OFFICE, replace(PRICE, idle_is_counted=True))
    with pytest.raises(NotMeasured, match="How much power"):  # that was another speed's
        this_machine(form, OFFICE, OwnFigures(0.3, tokens_per_s=25))


def test_figures_that_cannot_be_are_refused_before_anything_is_looked_up() -> None:
    for fields in (
        {"price_per_kwh": -1},
        {"load_watts": 0},
        {"tokens_per_s": float("nan")},
        {"hours_per_day": 30},
    ):
        with pytest.raises(RefusedFigure) as caught:
            OwnFigures(**{"price_per_kwh": 0.3, **fields})  # type: ignore[arg-type]
        assert not isinstance(caught.value, NotMeasured)


def test_doubts_and_strange_names_are_told_in_one_line(tests: SpeedTests) -> None:
    seen = Watched(observations=(Observation(Disturbance.OTHER_LOAD, "0.8 cores"),))
    strange = replace(LLAMA_CPP, model="a\u202eb\nc" + "x" * 500)
    tests.begin(speed_test(column(strange, cases=[result(1, 100, watched=seen, shape=CHAT)]))).result()
    (form,) = measured_forms(tests)
    machine = this_machine(form, OFFICE, replace(PRICE, load_watts=50))
    assert "while something disturbed it" in machine.basis[0]
    assert "\n" not in machine.basis[0]
    assert "\u202e" not in machine.basis[0]
    assert len(machine.basis[0]) < 250
