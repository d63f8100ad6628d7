"""Costs in words: amounts of money, shares, and what a cost rests on."""

from __future__ import annotations

from app.advisor.cost_options import Api, HourlyMachine, Option, OwnMachine, Serverless
from app.advisor.figure import RefusedFigure
from app.advisor.traffic import HOURS_PER_DAY, SECONDS_PER_HOUR, Traffic

MOST_CURRENCY = 8
"""Characters of a currency's label."""


def check_currency(label: str) -> str:
    """`label` as it stands beside amounts. Raises `RefusedFigure` for what would pass for an amount, cannot
    be seen, or is too long."""
    label = label.strip()
    if (
        not label
        or len(label) > MOST_CURRENCY
        or not label.isprintable()
        or any(it.isdigit() or it in ".,-+" for it in label)
    ):
        raise RefusedFigure(
            f"A currency is a sign or a word of at most {MOST_CURRENCY} characters without digits, such as $ "
            "or EUR."
        )
    return label


def money(amount: float, currency: str) -> str:
    """Such as "$1,460", "$73.00", "$0.00028", "1,460 EUR": a sign stands before, a code or a word behind.

    From 0.01 on with two places, without any from 1,000 on; below with two digits that count.
    """
    if amount >= 999.995:
        figure = f"{amount:,.0f}"
    elif amount >= 0.00995 or amount <= 0:
        figure = f"{amount:.2f}"
    else:
        digits = f"{amount:.1e}"  # "2.8e-04"
        figure = f"{amount:.{1 - int(digits[digits.index('e') + 1 :])}f}"
        if len(figure) > 14:
            figure = digits
    if not currency:
        return figure
    return f"{figure} {currency}" if currency.isalpha() else f"{currency}{figure}"


def in_sentence(option: Option) -> str:
    """An option's name within a sentence: "this machine" has a capital only at its beginning."""
    name = option.name
    return name[:1].lower() + name[1:] if isinstance(option, OwnMachine) else name


def percent(share: float) -> str:
    """A share: "35 %", "0.4 %"; below a thousandth "under 0.1 %"."""
    of_100 = share * 100
    if of_100 >= 9.95:
        return f"{of_100:.0f} %"
    return f"{of_100:.1f} %" if of_100 >= 0.1 else "under 0.1 %"


def rate(tokens_per_s: float) -> str:
    """Such as "2,000 tokens a second"."""
    return f"{figure(tokens_per_s)} tokens a second"


def figure(value: float) -> str:
    """With three digits that count, more from 1,000 on: "1,234", "41.7", "0.35"."""
    if value >= 99.95:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def count(amount: float) -> str:
    """Large counts: "61", "1,500", "45.6 million", "2.1 billion"."""
    for of, name in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if amount >= of * 0.99995:
            return f"{amount / of:,.1f} {name}"
    return figure(amount)


def traffic_words(traffic: Traffic) -> str:
    """A traffic in two sentences."""
    day = count(traffic.requests_per_day)
    peak = figure(traffic.peak_factor)
    even = "spread evenly over the day" if traffic.peak_factor == 1 else f"a peak of {peak} times the mean"
    return (
        f"{day} requests a day of {traffic.prompt_tokens:,} tokens and replies of {traffic.output_tokens:,}, "
        f"{even}. The busiest hour needs {rate(traffic.peak_tokens_per_s)}; a month has "
        f"{count(traffic.output_tokens_per_month)} tokens of replies."
    )


def cannot_keep_up(machine: OwnMachine, traffic: Traffic) -> str:
    """Why a machine cannot serve a traffic."""
    return (
        f"It makes {rate(machine.tokens_per_s)} at most; the busiest hour needs "
        f"{figure(traffic.peak_tokens_per_s)}."
    )


def is_off_too_long(hours_per_day: float, traffic: Traffic) -> str:
    """Why a machine that is switched off meanwhile cannot serve a traffic."""
    return (
        f"It is up for {figure(hours_per_day)} hours a day; the requests come over "
        f"{figure(traffic.busy_hours_per_day)} hours."
    )


def assumptions(option: Option, traffic: Traffic, currency: str) -> tuple[str, ...]:
    """What a cost rests on, in sentences: first what is known of the option, then how it was reckoned."""
    if isinstance(option, OwnMachine):
        said = _of_own(option, currency)
    elif isinstance(option, HourlyMachine):
        said = _of_hourly(option, currency)
    elif isinstance(option, Serverless):
        said = _of_serverless(option, currency)
    else:
        said = _of_api(option, traffic, currency)
    return (*option.basis, *said)


def _of_own(machine: OwnMachine, currency: str) -> list[str]:
    said = [
        f"{rate(machine.tokens_per_s)} of all replies together, "
        f"{figure(machine.load_watts)} W under load, {money(machine.price_per_kwh, currency)} per kWh."
    ]
    if machine.idle_is_counted:
        said.append(
            f"It is on for {figure(machine.hours_per_day)} hours a day for this alone, with "
            f"{figure(machine.idle_watts or 0.0)} W when idle."
        )
    else:
        said.append("It is on anyway: the time in which no reply is made is not counted.")
    if machine.wear is None:
        said.append("Its purchase is not counted.")
    else:
        wear = machine.wear
        said.append(
            f"It wears by {money(wear.price_per_hour, currency)} in an hour of use "
            f"({money(wear.purchase_price, currency)} over {wear.lifetime_hours:,.0f} hours)."
        )
    return said


def _of_hourly(machine: HourlyMachine, currency: str) -> list[str]:
    whole = machine.hours_per_day >= HOURS_PER_DAY
    paid = "day and night" if whole else f"for {figure(machine.hours_per_day)} hours a day"
    said = (
        f"{money(machine.price_per_hour, currency)} an hour, paid {paid} whether used or not; "
        f"{rate(machine.tokens_per_s)} of all replies together."
    )
    if whole or machine.billed_unit_s <= 1:
        return [said]
    unit = machine.billed_unit_s
    words = (
        f"{figure(unit / SECONDS_PER_HOUR)} hours" if unit > SECONDS_PER_HOUR else f"{figure(unit / 60)} min"
    )
    return [said, f"Begun units of {words} are paid whole."]


def _of_serverless(machine: Serverless, currency: str) -> list[str]:
    alone = machine.single_tokens_per_s
    pace = rate(machine.tokens_per_s) + (f", {figure(alone)} of a request that is alone" if alone else "")
    return [
        f"{money(machine.price_per_hour, currency)} an hour, paid by the second while it is up; {pace}.",
        f"A request that finds it down waits {figure(machine.cold_start_s)} s for its start, which are paid, "
        f"as are {figure(machine.kept_warm_s)} s after the last reply.",
    ]


def _of_api(api: Api, traffic: Traffic, currency: str) -> list[str]:
    return [
        f"{money(api.price_per_million_input_tokens, currency)} for a million tokens of prompts, "
        f"{money(api.price_per_million_output_tokens, currency)} for a million of replies.",
        f"That it takes {figure(traffic.peak_requests_per_s * 60)} requests a minute is assumed: its limits "
        "are not known here.",
    ]
