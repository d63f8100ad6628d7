"""Machines to rent and their prices to begin with, and what the framework comparison says of costs, read from
resources/prices.json.

The file is ours and is checked against resources/prices.schema.json by the tests: one that cannot be read is
a broken installation, and what Python raises then is let fly.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from app.advisor.cost_options import Api, HourlyMachine, Option, OwnMachine, Serverless
from app.advisor.traffic import TrafficShape

# In a frozen app, too: PyInstaller keeps a module's path relative to its folder of data.
PRICES = Path(__file__).resolve().parents[2] / "resources" / "prices.json"
"""The file."""


class Kind(StrEnum):
    """What sort of option one is."""

    OWN = "own machine"
    CPU = "hourly CPU"
    GPU = "hourly GPU"
    SERVERLESS = "serverless GPU"
    API = "API"


def kind_of(option: Option) -> Kind:
    """What sort `option` is."""
    if isinstance(option, OwnMachine):
        return Kind.OWN
    if isinstance(option, HourlyMachine):
        return Kind.GPU if option.has_gpu else Kind.CPU
    return Kind.SERVERLESS if isinstance(option, Serverless) else Kind.API


@dataclass(frozen=True, slots=True)
class Preset:
    """A machine of the comparison, and the cost of 1,000 tokens that it states, to the letter."""

    id: str
    machine: HourlyMachine
    engine: str
    source: str
    stated_cost_per_1000_tokens: str


@dataclass(frozen=True, slots=True)
class Remark:
    """What the comparison says of the costs of two presets, by their ids."""

    text: str
    of: str
    beside: str
    source: str


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What the comparison recommends for a shape of traffic."""

    shape: TrafficShape
    kind: Kind
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Prices:
    """All of it. `example_price_per_kwh` is to be shown as an example, never reckoned with unasked; an API
    has no price here at all, only the note that stands beside its empty fields."""

    note: str
    currency: str
    presets: tuple[Preset, ...]
    serverless: Serverless
    remark: Remark
    recommendations: tuple[Recommendation, ...]
    example_price_per_kwh: float
    electricity_note: str
    api_name: str
    api_note: str

    @property
    def options(self) -> tuple[HourlyMachine | Serverless, ...]:
        """Everything that has a price: what a comparison begins with."""
        return (*(preset.machine for preset in self.presets), self.serverless)

    def api(self, input_price: float, output_price: float) -> Api:
        """An API with a person's own prices of a million tokens. Raises `RefusedFigure`."""
        return Api(self.api_name, input_price, output_price, ("Its prices are yours.",))


@cache
def prices() -> Prices:
    """What the file says; it is read once."""
    values = json.loads(PRICES.read_text(encoding="utf-8"))
    electricity, api = values["electricity"], values["api"]
    return Prices(
        note=values["note"],
        currency=values["currency"],
        presets=tuple(map(_preset, values["machines"])),
        serverless=_serverless(values["serverless"]),
        remark=Remark(**values["remark"]),
        recommendations=tuple(map(_recommendation, values["recommendations"])),
        example_price_per_kwh=electricity["example_price_per_kwh"],
        electricity_note=electricity["note"],
        api_name=api["name"],
        api_note=api["note"],
    )


def _preset(values: dict[str, Any]) -> Preset:
    machine = HourlyMachine(
        name=values["name"],
        tokens_per_s=values["tokens_per_s"],
        price_per_hour=values["price_per_hour"],
        has_gpu=values["has_gpu"],
        basis=(
            f"Price and speed, with {values['engine']}, are from the {values['source']}: put in your own.",
        ),
    )
    return Preset(
        values["id"], machine, values["engine"], values["source"], values["stated_cost_per_1000_tokens"]
    )


def _serverless(values: dict[str, Any]) -> Serverless:
    without = {name: value for name, value in values.items() if name not in ("id", "basis")}
    return Serverless(**without, basis=tuple(values["basis"]))


def _recommendation(values: dict[str, Any]) -> Recommendation:
    return Recommendation(
        TrafficShape(values["shape"]), Kind(values["kind"]), values["text"], values["source"]
    )
