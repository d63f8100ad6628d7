"""Amounts and what they rest on, in words."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.advisor.cost_words import (
    MOST_CURRENCY,
    assumptions,
    check_currency,
    count,
    figure,
    in_sentence,
    money,
    percent,
    traffic_words,
)
from app.advisor.figure import RefusedFigure
from app.advisor.traffic import Traffic
from tests.unit.advisor.cost_cases import API, CPU, GPU, OWN, SERVERLESS

OFFICE = Traffic(2400, 500, 300, 3.0)


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (1460.4, "$1,460"),
        (999.996, "$1,000"),
        (73.0, "$73.00"),
        (0.30, "$0.30"),
        (0.01, "$0.01"),
        (0.00997, "$0.01"),
        (0.0009259, "$0.00093"),
        (0.00027777, "$0.00028"),
        (0.0005, "$0.00050"),
        (0.0, "$0.00"),
        (1.234e-15, "$1.2e-15"),
    ],
)
def test_amounts_have_the_digits_that_count(amount: float, words: str) -> None:
    assert money(amount, "$") == words


def test_a_sign_stands_before_an_amount_and_a_code_behind_it() -> None:
    assert money(2.5, "€") == "€2.50"
    assert money(2.5, "EUR") == "2.50 EUR"
    assert money(2.5, "") == "2.50"


@given(st.floats(1e-12, 1e15))
def test_an_amount_is_said_to_within_its_last_digit(amount: float) -> None:
    said = float(money(amount, "").replace(",", ""))
    assert math.isclose(said, amount, rel_tol=0.06) or abs(said - amount) <= 0.005


@pytest.mark.parametrize("label", ["$", "€", "EUR", " CHF ", "R$", "zł"])
def test_a_currency_is_a_plain_label(label: str) -> None:
    assert check_currency(label) == label.strip()


@pytest.mark.parametrize(
    "label", ["", "  ", "12", "kr.", "US$1", "a\nb", "\u202e$", "x" * (MOST_CURRENCY + 1), "-$"]
)
def test_what_would_pass_for_an_amount_or_cannot_be_seen_is_no_currency(label: str) -> None:
    with pytest.raises(RefusedFigure, match=r"\.$"):
        check_currency(label)


def test_shares_figures_and_counts_have_three_digits_at_most() -> None:
    assert [percent(it) for it in (1.0, 0.347, 0.0232, 0.00099)] == ["100 %", "35 %", "2.3 %", "under 0.1 %"]
    assert [figure(it) for it in (12_345.6, 99.96, 41.66, 0.4167)] == ["12,346", "100", "41.7", "0.417"]
    assert [count(it) for it in (999.0, 45_625_000, 999_999_999, 2e12)] == [
        "999",
        "45.6 million",
        "1.0 billion",
        "2.0 trillion",
    ]


def test_this_machine_has_a_capital_at_the_beginning_alone() -> None:
    assert [in_sentence(it) for it in (OWN, CPU)] == ["mine", "CPU"]


def test_a_traffic_is_said_in_two_sentences() -> None:
    assert traffic_words(OFFICE) == (
        "2,400 requests a day of 500 tokens and replies of 300, a peak of 3 times the mean. The busiest hour "
        "needs 25 tokens a second; a month has 21.9 million tokens of replies."
    )
    assert "spread evenly over the day" in traffic_words(Traffic(1, 1, 1))


def test_what_is_counted_and_what_is_not_is_said() -> None:
    said = {option.name: " ".join(assumptions(option, OFFICE, "$")) for option in (OWN, CPU, SERVERLESS, API)}
    assert "60 W under load, $0.30 per kWh" in said["Mine"]
    assert "is not counted" in said["Mine"]
    assert "day and night whether used or not" in said["CPU"]
    assert "72 s for its start" in said["Serverless"]
    assert "5 requests a minute is assumed" in said["API"]
    by_the_day = assumptions(
        type(GPU)("GPU", 2000, 2.0, True, hours_per_day=8.0, billed_unit_s=1800), OFFICE, "$"
    )
    assert "paid for 8 hours a day" in by_the_day[0]
    assert by_the_day[1] == "Begun units of 30 min are paid whole."
