"""`edgewise cost`: what tokens cost on this machine, on rented ones and from an API."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.advisor.cost_options import HourlyMachine, Option
    from app.advisor.traffic import Traffic
    from app.services.costs import MeasuredForm

SHAPES = ("high", "low", "bursty")
MOST_NAME = 60
"""Characters of a machine's name."""
MOST_MACHINES = 20


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], *parents: argparse.ArgumentParser
) -> None:
    """Add the command; `parents` have the options that every one takes."""
    cost = commands.add_parser(
        "cost",
        parents=list(parents),
        help="compare what tokens cost here, on rented machines and from an API",
        description="Compares costs by 1,000 tokens and by the month. Prices are the framework comparison’s"
        " until you say yours; Edgewise asks nobody for them.",
    )
    traffic = cost.add_argument_group("traffic")
    traffic.add_argument(
        "--shape",
        choices=SHAPES,
        default="low",
        help="what the traffic is like, and what is taken where nothing is said below (low)",
    )
    traffic.add_argument("--requests-per-day", type=_number, metavar="N", help="requests a day")
    traffic.add_argument("--prompt-tokens", type=_whole, metavar="N", help="tokens of each prompt (500)")
    traffic.add_argument("--output-tokens", type=_whole, metavar="N", help="tokens of each reply (300)")
    traffic.add_argument(
        "--peak", type=_number, metavar="X", help="requests in the busiest hour over those of a mean hour"
    )
    own = cost.add_argument_group("this machine")
    own.add_argument(
        "--kwh-price", type=_number, metavar="P", help="what a kWh costs you; 0.30 is an example"
    )
    own.add_argument("--watts", type=_number, metavar="W", help="its power under load; without: as measured")
    own.add_argument("--idle-watts", type=_number, metavar="W", help="its power when idle; likewise")
    own.add_argument(
        "--count-idle", action="store_true", help="it is on for this alone: count its idle hours, too"
    )
    own.add_argument("--hours-on", type=_number, metavar="H", help="hours a day that it is on (24)")
    own.add_argument("--purchase-price", type=_number, metavar="P", help="count its wear, too")
    own.add_argument("--lifetime-hours", type=_number, metavar="H", help="hours of use that it lasts")
    own.add_argument("--model", metavar="NAME", help="which measured model, or part of its name")
    own.add_argument(
        "--tokens-per-second",
        type=_number,
        metavar="X",
        help="its speed; without: as the speed tests measured",
    )
    others = cost.add_argument_group("other machines and an API")
    others.add_argument(
        "--machine",
        type=_machine,
        action="append",
        default=[],
        metavar="NAME=PRICE,SPEED",
        help="a machine with its price of an hour and its tokens a second, such as “T4 16GB=0.40,250”; one"
        " of the same name is replaced, one with CPU in its name has no GPU",
    )
    others.add_argument(
        "--serverless-price", type=_number, metavar="P", help="price of an hour of the serverless GPU"
    )
    others.add_argument(
        "--api-prices", type=_pair, metavar="IN,OUT", help="of a million tokens of prompts, and of replies"
    )
    cost.add_argument(
        "--currency", type=_currency, default="$", metavar="SIGN", help="what amounts are in ($)"
    )
    cost.add_argument("--json", action="store_true", help="as one JSON object")


def run(options: argparse.Namespace) -> int:
    """Run the command; returns the exit status. Raises RefusedFigure and StorageError."""
    from app.advisor.cost_advice import example_traffics, recommend
    from app.advisor.traffic import TrafficShape
    from app.cli.command_line import OK
    from app.cli.console import Console
    from app.cli.cost_result import Result, described, lines

    console = Console()
    traffic = _traffic(options)
    forms = _measured()
    ways: list[Option] = list(_rented(options))
    left_out = _add_own(ways, options, traffic, forms)
    shapes = example_traffics(traffic.prompt_tokens, traffic.output_tokens)
    shapes[TrafficShape(options.shape)] = traffic
    result = Result.of(
        traffic,
        ways,
        recommend(ways, shapes, options.currency),
        currency=options.currency,
        left_out=left_out,
        measured=forms,
    )
    if options.json:
        console.write(json.dumps(described(result), indent=2, ensure_ascii=False) + "\n")
    else:
        for line in lines(result):
            console.line(line)
    return OK


def _traffic(options: argparse.Namespace) -> Traffic:
    from app.advisor.traffic import EXAMPLES, Traffic, TrafficShape

    usual = EXAMPLES[TrafficShape(options.shape)]
    return Traffic(
        usual.requests_per_day if options.requests_per_day is None else options.requests_per_day,
        usual.prompt_tokens if options.prompt_tokens is None else options.prompt_tokens,
        usual.output_tokens if options.output_tokens is None else options.output_tokens,
        usual.peak_factor if options.peak is None else options.peak,
    )


def _measured() -> tuple[MeasuredForm, ...]:
    from app.services.costs import measured_forms
    from app.storage.database import Database
    from app.storage.paths import Paths
    from app.storage.speed_tests import SpeedTests

    paths = Paths.find()
    if not paths.database.exists():  # a command that only reads shall not begin a database
        return ()
    with Database.open(paths.database) as database:
        return measured_forms(SpeedTests(database))


def _rented(options: argparse.Namespace) -> list[Option]:
    """The presets, with what a person says of them."""
    from dataclasses import replace

    from app.advisor.figure import RefusedFigure
    from app.advisor.prices import prices

    known = prices()
    machines = {preset.machine.name.casefold(): preset.machine for preset in known.presets}
    if len(options.machine) > MOST_MACHINES:
        raise RefusedFigure(f"{MOST_MACHINES} machines at most are compared.")
    for name, price, speed in options.machine:
        machines[name.casefold()] = _said(machines.get(name.casefold()), name, price, speed)
    serverless = known.serverless
    if options.serverless_price is not None:
        speeds = serverless.basis[1:]  # the first is of its price
        serverless = replace(serverless, price_per_hour=options.serverless_price, basis=speeds)
    ways: list[Option] = [*machines.values(), serverless]
    if options.api_prices is not None:
        ways.append(known.api(*options.api_prices))
    return ways


def _said(preset: HourlyMachine | None, name: str, price: float, speed: float) -> HourlyMachine:
    from app.advisor.cost_options import HourlyMachine

    has_gpu = preset.has_gpu if preset is not None else "cpu" not in name.casefold()
    return HourlyMachine(name, speed, price, has_gpu, basis=("Its price and speed are what you said.",))


def _add_own(
    ways: list[Option], options: argparse.Namespace, traffic: Traffic, forms: Sequence[MeasuredForm]
) -> str:
    """Add this machine; returns in a sentence why it is left out, if it is."""
    from app.advisor.cost_options import Wear
    from app.advisor.figure import RefusedFigure
    from app.services.costs import NotMeasured, OwnFigures, proposed, this_machine

    if options.kwh_price is None:
        return "This machine is left out: say what a kWh costs you with --kwh-price, such as 0.30."
    if (options.purchase_price is None) is not (options.lifetime_hours is None):
        raise RefusedFigure("Wear is reckoned from both --purchase-price and --lifetime-hours.")
    wear = None
    if options.purchase_price is not None:
        wear = Wear(options.purchase_price, options.lifetime_hours)
    if options.model is not None:
        forms = [form for form in forms if options.model.casefold() in form.name.casefold()]
        if not forms:
            raise RefusedFigure(
                f"No speed test has measured “{options.model}”. “edgewise bench --list” lists what was."
            )
    figures = OwnFigures(
        price_per_kwh=options.kwh_price,
        tokens_per_s=options.tokens_per_second,
        load_watts=options.watts,
        idle_watts=options.idle_watts,
        idle_is_counted=options.count_idle,
        **({} if options.hours_on is None else {"hours_per_day": options.hours_on}),
        wear=wear,
    )
    try:
        ways.append(this_machine(proposed(forms, traffic), traffic, figures))
    except NotMeasured as error:
        return f"This machine is left out. {error.message}"
    return ""


def _number(text: str) -> float:
    import math

    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or len(text) > 24:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a number")
    return value


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number")
    return int(text)


def _pair(text: str) -> tuple[float, float]:
    parts = text.split(",")
    if len(parts) != 2:
        raise argparse.ArgumentTypeError(
            f"{text[:40]!r} is not two numbers with a comma between, such as 1.5,6"
        )
    return _number(parts[0]), _number(parts[1])


def _machine(text: str) -> tuple[str, float, float]:
    from app.models.one_line import one_line

    name, equals, figures = text.rpartition("=")
    name = one_line(name, MOST_NAME)
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not NAME=PRICE,SPEED")
    return (name, *_pair(figures))


def _currency(text: str) -> str:
    from app.advisor.cost_words import check_currency

    return _refusing(check_currency, text)


def _refusing(read: Callable[[str], str], text: str) -> str:
    from app.advisor.figure import RefusedFigure

    try:
        return read(text)
    except RefusedFigure as error:
        raise argparse.ArgumentTypeError(error.message) from None
