"""The presets are well formed, and no price of a vendor is made up."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from app.advisor.cost_options import Serverless
from app.advisor.figure import RefusedFigure
from app.advisor.prices import PRICES, Kind, kind_of, prices
from app.advisor.traffic import TrafficShape
from tests.unit.advisor.cost_cases import API, CPU, GPU, OWN, SERVERLESS

SCHEMA = json.loads(PRICES.with_name("prices.schema.json").read_text(encoding="utf-8"))
DOCUMENT = json.loads(PRICES.read_text(encoding="utf-8"))


def test_it_is_what_the_schema_asks_for() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    errors = [f"{it.json_path}: {it.message}" for it in Draft202012Validator(SCHEMA).iter_errors(DOCUMENT)]
    assert errors == []


@pytest.mark.parametrize(
    "changes",
    [
        {"api": DOCUMENT["api"] | {"price_per_million_input_tokens": 1.0}},
        {"electricity": {"example_price_per_kwh": 0.3, "note": "Electricity costs this."}},
        {"machines": []},
        {"machines": [DOCUMENT["machines"][0] | {"price_per_hour": 0}]},
        {"machines": [DOCUMENT["machines"][0] | {"stated_cost_per_1000_tokens": 0.001}]},
        {"unknown": 1},
    ],
)
def test_the_schema_refuses_what_is_not_a_list_of_prices(changes: dict[str, object]) -> None:
    assert not Draft202012Validator(SCHEMA).is_valid(DOCUMENT | changes)


def test_the_machines_are_the_comparisons() -> None:
    told = {
        preset.machine.name: (preset.machine.price_per_hour, preset.machine.tokens_per_s)
        for preset in prices().presets
    }
    assert told == {"A100 80GB": (2.0, 2000), "T4 16GB": (0.35, 200), "8-core CPU": (0.10, 30)}
    assert prices().currency == "$"


def test_what_the_comparison_has_no_price_for_says_that_it_is_an_example() -> None:
    serverless = prices().serverless
    assert isinstance(serverless, Serverless)
    assert serverless.basis[0] == (
        "The comparison has no price for it: twice the hourly machine’s is an example, put in your own."
    )
    assert serverless.price_per_hour == 2 * prices().presets[0].machine.price_per_hour
    assert prices().electricity_note.startswith("An example.")
    assert DOCUMENT["api"]["price_per_million_output_tokens"] is None


def test_an_api_has_the_prices_that_a_person_gives() -> None:
    api = prices().api(1.5, 6.0)
    assert (api.price_per_million_input_tokens, api.price_per_million_output_tokens) == (1.5, 6.0)
    with pytest.raises(RefusedFigure):
        prices().api(0, 1)


def test_every_preset_is_marked_as_one_to_change() -> None:
    for option in prices().options:
        assert "your own" in " ".join(option.basis)


def test_there_is_one_recommendation_for_each_shape_of_traffic() -> None:
    assert [it.shape for it in prices().recommendations] == list(TrafficShape)
    assert {it.kind for it in prices().recommendations} == {Kind.GPU, Kind.CPU, Kind.SERVERLESS}


def test_the_ids_that_the_remark_names_are_there() -> None:
    ids = {preset.id for preset in prices().presets}
    assert {prices().remark.of, prices().remark.beside} <= ids


def test_options_are_told_apart_by_what_they_are() -> None:
    assert [kind_of(it) for it in (OWN, CPU, GPU, SERVERLESS, API)] == list(Kind)
