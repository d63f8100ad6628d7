"""Ways to have tokens made, with what each costs. Prices are in one currency, whichever it is.

Rates are in tokens of replies a second. `tokens_per_s` is of all requests together, as many at once as the
machine does best with; `single_tokens_per_s` of a request that is alone, None where nobody measured it: then
requests are taken to be served one after another. All raise `RefusedFigure`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from app.advisor.figure import RefusedFigure, check
from app.advisor.traffic import HOURS_PER_DAY, SECONDS_PER_HOUR

LEAST_PRICE = 1e-6
MOST_PRICE = 1e9
"""Currencies differ by a factor of a hundred thousand."""
LEAST_RATE, MOST_RATE = 0.001, 1e9
LEAST_WATTS, MOST_WATTS = 0.1, 1e6
MOST_LIFETIME_HOURS = 1e6
"""A century, day and night."""
MOST_START_S = 24 * 3600.0
DAY_S = HOURS_PER_DAY * SECONDS_PER_HOUR


@dataclass(frozen=True, slots=True)
class Wear:
    """What using up a machine costs: its purchase price over its lifetime in hours of use."""

    purchase_price: float
    lifetime_hours: float

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        check("The purchase price", self.purchase_price, LEAST_PRICE, MOST_PRICE)
        check("The lifetime", self.lifetime_hours, 1, MOST_LIFETIME_HOURS, "hours of use")

    @property
    def price_per_hour(self) -> float:
        """Of use."""
        return self.purchase_price / self.lifetime_hours


@dataclass(frozen=True, slots=True)
class OwnMachine:
    """A machine that a person has: it costs its electricity and, if that is wanted, its wear.

    `load_watts` while it makes tokens. With `idle_is_counted` it is on for this alone: all `hours_per_day`
    cost `idle_watts` when no reply is made, and wear it. Without, it is on anyway: only the time in which
    replies are made counts, with all of `load_watts`. `basis` says what was measured and what assumed, in
    sentences.
    """

    name: str
    tokens_per_s: float
    load_watts: float
    price_per_kwh: float
    single_tokens_per_s: float | None = None
    idle_watts: float | None = None
    idle_is_counted: bool = False
    hours_per_day: float = HOURS_PER_DAY
    wear: Wear | None = None
    basis: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        _check_rates(self.tokens_per_s, self.single_tokens_per_s)
        check("The power under load", self.load_watts, LEAST_WATTS, MOST_WATTS, "watts")
        check("The price of electricity", self.price_per_kwh, LEAST_PRICE, MOST_PRICE, "per kWh")
        check("The hours that it is on", self.hours_per_day, 0.01, HOURS_PER_DAY, "a day")
        if self.idle_watts is not None:
            check("The power when idle", self.idle_watts, 0, MOST_WATTS, "watts")
        elif self.idle_is_counted:
            raise RefusedFigure("Idle hours can be counted once the power when idle is known, in watts.")


@dataclass(frozen=True, slots=True)
class HourlyMachine:
    """A machine that is rented by the hour, as many of them as the peak needs.

    Each is paid for `hours_per_day`, rounded up to whole units of `billed_unit_s`, used or not.
    """

    name: str
    tokens_per_s: float
    price_per_hour: float
    has_gpu: bool
    hours_per_day: float = HOURS_PER_DAY
    billed_unit_s: float = SECONDS_PER_HOUR
    basis: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        _check_rates(self.tokens_per_s, None)
        check("The price of an hour", self.price_per_hour, LEAST_PRICE, MOST_PRICE)
        check("The hours that are paid", self.hours_per_day, 0.01, HOURS_PER_DAY, "a day")
        check("The smallest time that is billed", self.billed_unit_s, 0.001, DAY_S, "seconds")


@dataclass(frozen=True, slots=True)
class Serverless:
    """A GPU that is paid by the second while it is up, and up only when it is wanted.

    A request that finds it down waits for `cold_start_s`, which are paid; it goes down when nothing was
    asked of it for `kept_warm_s` after a reply, which are paid too.
    """

    name: str
    tokens_per_s: float
    price_per_hour: float
    single_tokens_per_s: float | None = None
    cold_start_s: float = 0.0
    kept_warm_s: float = 0.0
    basis: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        _check_rates(self.tokens_per_s, self.single_tokens_per_s)
        check("The price of an hour", self.price_per_hour, LEAST_PRICE, MOST_PRICE)
        check("The cold start", self.cold_start_s, 0, MOST_START_S, "seconds")
        check("The time that it is kept warm", self.kept_warm_s, 0, MOST_START_S, "seconds")


@dataclass(frozen=True, slots=True)
class Api:
    """Somebody else's model, paid by the token. Prices are of a million tokens of prompts and of replies."""

    name: str
    price_per_million_input_tokens: float
    price_per_million_output_tokens: float
    basis: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        check(
            "The price of a million tokens of prompts",
            self.price_per_million_input_tokens,
            LEAST_PRICE,
            MOST_PRICE,
        )
        check(
            "The price of a million tokens of replies",
            self.price_per_million_output_tokens,
            LEAST_PRICE,
            MOST_PRICE,
        )


Option: TypeAlias = OwnMachine | HourlyMachine | Serverless | Api


def _check_rates(tokens_per_s: float, single_tokens_per_s: float | None) -> None:
    check("The speed", tokens_per_s, LEAST_RATE, MOST_RATE, "tokens a second")
    if single_tokens_per_s is not None:
        check("The speed of a single request", single_tokens_per_s, LEAST_RATE, MOST_RATE, "tokens a second")
