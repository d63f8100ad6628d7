"""What is recommended by traffic, beside what the comparison says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.advisor.cost import compare, cost_per_month
from app.advisor.cost_advice import example_traffics, recommend
from app.advisor.figure import RefusedFigure
from app.advisor.prices import prices
from app.advisor.traffic import EXAMPLES, Traffic, TrafficShape
from tests.unit.advisor.cost_cases import API, CPU, GPU, OWN, SERVERLESS, SMALL_GPU

RENTED = (GPU, SMALL_GPU, CPU, SERVERLESS)


def test_the_recommendation_is_the_cheapest_of_the_comparison_of_costs() -> None:
    for advice in recommend(RENTED):
        lines = compare(advice.traffic, RENTED)
        assert advice.best == lines[0]
        assert advice.rented == lines[0]
        assert f": {lines[0].name}, " in advice.sentence
        assert f"next is {lines[1].name} with " in advice.sentence


def test_with_the_comparisons_machines_its_advice_holds_for_the_examples() -> None:
    """Nothing quoted: the figures give it, with its prices and speeds and our example traffics."""
    found = {it.shape: it for it in recommend(prices().options)}
    assert {shape: it.best.name for shape, it in found.items() if it.best} == {
        TrafficShape.HIGH: "A100 80GB",
        TrafficShape.LOW: "8-core CPU",
        TrafficShape.BURSTY: "Serverless A100 80GB",
    }
    assert all(it.agrees for it in found.values())
    assert all(it.comparison.endswith("So do these figures.") for it in found.values())


def test_where_the_figures_say_otherwise_they_count() -> None:
    free = replace(CPU, price_per_hour=0.0001)
    high = recommend((GPU, free, SERVERLESS))[0]
    assert high.best is not None
    assert high.best.option == free
    assert high.agrees is False
    assert high.comparison.endswith("These figures say otherwise.")


def test_an_own_machine_and_an_api_are_beside_what_the_comparison_knows() -> None:
    high, low, _ = recommend((*RENTED, OWN, API))
    assert low.best is not None
    assert low.best.name == "Mine"
    assert low.rented is not None
    assert low.rented.name == "CPU"
    assert low.agrees is True
    assert low.comparison.endswith("Of what is rented that is the cheapest, CPU with $73.00 a month.")
    assert high.best is not None
    assert high.best.name == "GPU"


def test_without_a_rival_there_is_nothing_to_hold_against_the_comparison() -> None:
    for options in ((OWN,), (OWN, API), (CPU,), (CPU, OWN)):
        for advice in recommend(options):
            assert advice.agrees is None
            assert advice.comparison.endswith("That cannot be held against these options.")


def test_what_nothing_can_serve_is_said() -> None:
    for options in ((), (replace(OWN, tokens_per_s=0.01),)):
        high = recommend(options)[0]
        assert high.sentence == "High traffic: none of these can serve it."
        assert (high.best, high.rented, high.would_change) == (None, None, ())


def test_what_would_change_is_true() -> None:
    """At the price that is said, and at the number of requests, another one is the cheapest."""
    bursty = recommend(RENTED)[2]
    assert (
        "Serverless stays the cheapest up to $25.20 an hour; beyond it is Small GPU." in bursty.would_change
    )
    dearer = replace(SERVERLESS, price_per_hour=25.3)
    assert compare(bursty.traffic, (*RENTED[:3], dearer))[0].name == "Small GPU"
    assert (
        compare(bursty.traffic, (*RENTED[:3], replace(dearer, price_per_hour=25.1)))[0].name == "Serverless"
    )
    assert "Below 360 requests a day: CPU." in bursty.would_change
    fewer = replace(bursty.traffic, requests_per_day=359)
    assert compare(fewer, RENTED)[0].name == "CPU"


def test_every_text_is_a_sentence_in_the_currency_that_was_asked_for() -> None:
    for advice in recommend((*RENTED, OWN, API), currency="EUR"):
        for sentence in (advice.sentence, advice.comparison, *advice.would_change):
            assert sentence.endswith(".")
            assert "$2" not in sentence
        assert "EUR" in advice.sentence


def test_the_shapes_take_a_persons_own_lengths_and_traffic() -> None:
    mine = example_traffics(10, 20)
    assert {(it.prompt_tokens, it.output_tokens) for it in mine.values()} == {(10, 20)}
    assert [it.requests_per_day for it in mine.values()] == [it.requests_per_day for it in EXAMPLES.values()]
    with pytest.raises(RefusedFigure):
        example_traffics(0, 20)
    only = recommend(RENTED, {TrafficShape.LOW: Traffic(5, 10, 10)})
    assert [it.shape for it in only] == [TrafficShape.LOW]
    assert only[0].best is not None
    assert only[0].best.cost_per_month == cost_per_month(only[0].best.option, Traffic(5, 10, 10))
