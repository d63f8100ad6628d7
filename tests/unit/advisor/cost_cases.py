"""Options and traffics for the tests of costs, by hand and drawn."""

from __future__ import annotations

from hypothesis import strategies as st

from app.advisor.cost_options import Api, HourlyMachine, Option, OwnMachine, Serverless, Wear
from app.advisor.traffic import Traffic

GPU = HourlyMachine("GPU", tokens_per_s=2000, price_per_hour=2.0, has_gpu=True)
SMALL_GPU = HourlyMachine("Small GPU", tokens_per_s=200, price_per_hour=0.35, has_gpu=True)
CPU = HourlyMachine("CPU", tokens_per_s=30, price_per_hour=0.1, has_gpu=False)
SERVERLESS = Serverless(
    "Serverless",
    tokens_per_s=2000,
    price_per_hour=4.0,
    single_tokens_per_s=50,
    cold_start_s=72,
    kept_warm_s=60,
)
OWN = OwnMachine("Mine", tokens_per_s=150, load_watts=60, price_per_kwh=0.3)
API = Api("API", price_per_million_input_tokens=1.0, price_per_million_output_tokens=2.0)

_prices = st.floats(0.01, 100)
_rates = st.floats(1, 10_000)


@st.composite
def own_machines(draw: st.DrawFn) -> OwnMachine:
    counted = draw(st.booleans())
    rate = draw(_rates)
    return OwnMachine(
        "Mine",
        tokens_per_s=rate,
        load_watts=draw(st.floats(50, 1000)),
        price_per_kwh=draw(st.floats(0.01, 2)),
        single_tokens_per_s=draw(st.none() | st.floats(rate / 64, rate)),
        idle_watts=draw(st.floats(0, 50)),
        idle_is_counted=counted,
        wear=draw(st.none() | st.builds(Wear, st.floats(100, 10_000), st.floats(1000, 100_000))),
    )


@st.composite
def serverless(draw: st.DrawFn) -> Serverless:
    rate = draw(_rates)
    return Serverless(
        "Serverless",
        tokens_per_s=rate,
        price_per_hour=draw(_prices),
        single_tokens_per_s=draw(st.none() | st.floats(rate / 64, rate)),
        cold_start_s=draw(st.floats(0, 300)),
        kept_warm_s=draw(st.floats(0, 900)),
    )


hourly = st.builds(HourlyMachine, st.just("Hourly"), _rates, _prices, st.booleans())
apis = st.builds(Api, st.just("API"), _prices, _prices)
options: st.SearchStrategy[Option] = own_machines() | serverless() | hourly | apis
traffics = st.builds(
    Traffic, st.floats(1, 1e6), st.integers(1, 20_000), st.integers(1, 5_000), st.floats(1, 24)
)
