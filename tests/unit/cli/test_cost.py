"""`edgewise cost` as people and programs read it."""

from __future__ import annotations

import json

import pytest

from app.cli.command_line import FAILED, OK, run
from app.domain.speed_test import Energy, Watched
from app.storage.database import Database
from app.storage.paths import Paths
from app.storage.speed_tests import SpeedTests
from tests.made_speed_tests import TRANSFORMERS, column, result, speed_test

pytestmark = pytest.mark.usefixtures("empty_home")


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["cost", *arguments]) == OK
    return capsys.readouterr().out


def described(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    return json.loads(told(capsys, *arguments, "--json"))


def measured() -> None:
    """llama.cpp with a meter, Transformers without."""
    watched = Watched(energy=Energy(320.0, 8.0, ("processor",), 10.0))
    with Database.open(Paths.find().database) as database:
        SpeedTests(database).begin(
            speed_test(column(cases=[result(1, 80, watched=watched)]), column(TRANSFORMERS, {1: 20.0}))
        ).result()


def test_nothing_measured_and_nothing_said_still_compares_what_is_rented(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = told(capsys)
    assert out.startswith("200 requests a day of 500 tokens and replies of 300, a peak of 3 times the mean.")
    rows = [line.split("  ")[0] for line in out.splitlines()[3:7]]
    assert rows == ["8-core CPU", "T4 16GB", "Serverless A100 80GB", "A100 80GB"]
    assert "This machine is left out: say what a kWh costs you with --kwh-price" in out
    assert "8-core CPU is cheaper than T4 16GB up to 8,640 requests a day." in out
    assert not Paths.find().database.exists()


def test_the_comparisons_figures_are_checked(capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(capsys).splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith("The comparison’s own figures"))
    assert [line.split()[-4:] for line in lines[start + 2 : start + 5]] == [
        ["80GB", "$0.001", "$0.00028", "wrong"],
        ["$0.0005", "$0.00049", "right,", "rounded"],
        ["$0.001", "$0.00093", "right,", "rounded"],
    ]
    assert "not $0.001: that is 3.6 times too much." in lines[start + 5]
    assert "“Similar cost but much lower throughput!”" in lines[start + 6]


def test_each_shape_of_traffic_has_its_recommendation(capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys)
    for sentence in (
        "High traffic: A100 80GB, $1,460 a month",
        "Low traffic: 8-core CPU, $73.00 a month",
        "Bursty traffic: Serverless A100 80GB, $121.67 a month",
        "The comparison says: GPU with vLLM (better $/throughput). So do these figures.",
    ):
        assert sentence in out


def test_programs_get_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    measured()
    found = described(capsys, "--kwh-price", "0.3", "--count-idle", "--api-prices", "1,2")
    assert set(found) == {
        "currency", "traffic", "options", "this_machine_left_out", "measured", "cheapest", "break_evens",
        "recommendations", "reference",
    }  # fmt: skip
    assert found["this_machine_left_out"] is None
    by_kind = {option["kind"]: option for option in found["options"]}
    assert set(by_kind) == {"own machine", "hourly CPU", "hourly GPU", "serverless GPU", "API"}
    own = by_kind["own machine"]
    assert set(own["parts"]) == {"electricity under load", "electricity when idle"}
    assert own["paid_hours_per_month"] == 730
    tokens = found["traffic"]["output_tokens_per_month"]
    for option in found["options"]:
        assert option["cost_per_1000_tokens"] * tokens / 1000 == pytest.approx(option["cost_per_month"])
    assert [it["agrees"] for it in found["reference"]] == [False, True, True, False]
    assert [it["shape"] for it in found["recommendations"]] == ["high", "low", "bursty"]
    assert found["cheapest"][0]["from_requests_per_day"] == 1
    (pace,) = next(it for it in found["measured"] if it["engine_id"] == "llama_cpp")["paces"]
    assert pace["joules_per_token"] == pytest.approx(320 / (5 * 128))
    assert pace["net_joules_per_token"] == pytest.approx(240 / (5 * 128))


def test_this_machine_is_what_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    measured()
    out = told(capsys, "--kwh-price", "0.3")
    assert "This machine: Speed measured here on" in out
    assert "40 W of processor, 10 W of it when idle" in out
    other = told(capsys, "--kwh-price", "0.3", "--model", "transformers", "--watts", "50")
    assert "in Transformers, one request at a time." in other
    assert "Its power is what you said, not measured." in other
    assert "This machine is left out. How much power" in told(
        capsys, "--kwh-price", "0.3", "--model", "transformers"
    )


def test_a_model_that_was_not_measured_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["cost", "--kwh-price", "0.3", "--model", "nothing"]) == FAILED
    assert "No speed test has measured “nothing”." in capsys.readouterr().err


def test_a_person_changes_and_adds_machines(capsys: pytest.CaptureFixture[str]) -> None:
    found = described(
        capsys, "--machine", "t4 16gb=0.5,250", "--machine", "My CPU=0.01,40", "--serverless-price", "0.001"
    )
    costs = {option["name"]: option for option in found["options"]}
    assert costs["t4 16gb"]["cost_per_month"] == pytest.approx(365)
    assert "T4 16GB" not in costs
    assert costs["My CPU"]["kind"] == "hourly CPU"
    assert found["recommendations"][1]["option"] == "Serverless A100 80GB"
    assert not any("example, put in" in it for it in costs["Serverless A100 80GB"]["assumptions"])


def test_a_persons_own_traffic_takes_the_place_of_its_shapes_example(
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ["--shape", "bursty", "--requests-per-day", "100", "--peak", "12"]
    found = described(capsys, *arguments, "--prompt-tokens", "10", "--output-tokens", "20")
    wanted = {"requests_per_day": 100, "prompt_tokens": 10, "output_tokens": 20, "peak_factor": 12}
    assert found["recommendations"][2]["traffic"] == wanted
    assert wanted.items() <= found["traffic"].items()
    assert found["recommendations"][0]["traffic"]["requests_per_day"] == 200_000


def test_what_cannot_serve_says_so_instead_of_a_price(capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "--shape", "high", "--kwh-price", "1", "--watts", "50", "--tokens-per-second", "9")
    row = next(line for line in out.splitlines() if line.startswith("This machine "))
    assert row.split()[2:] == ["–", "–", "–", "–"]
    assert "This machine cannot serve this. It makes 9 tokens a second at most" in out


def test_another_currency_is_a_label_and_says_that_nothing_was_converted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = told(capsys, "--currency", "EUR")
    assert "73.00 EUR" in out
    assert "The presets’ prices are in $: they were not converted to EUR." in out
    assert "not $0.001" in out  # the comparison's own stay in its own


@pytest.mark.parametrize(
    "arguments",
    [
        ["--requests-per-day", "nan"],
        ["--requests-per-day", "many"],
        ["--prompt-tokens", "1.5"],
        ["--prompt-tokens", "٣"],
        ["--kwh-price", "inf"],
        ["--shape", "wild"],
        ["--api-prices", "1"],
        ["--machine", "=1,2"],
        ["--machine", "x"],
        ["--machine", "x=1"],
        ["--currency", "12"],
        ["--currency", "\x1b[2J"],
    ],
)
def test_a_wrong_command_line_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(["cost", *arguments])
    assert caught.value.code == 2
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--requests-per-day", "0"],
        ["--requests-per-day", "1e300"],
        ["--output-tokens", "0"],
        ["--peak", "30"],
        ["--kwh-price", "-1"],
        ["--kwh-price", "1", "--watts", "0"],
        ["--kwh-price", "1", "--purchase-price", "1000"],
        ["--serverless-price", "0"],
        ["--api-prices", "0,1"],
        ["--machine", "x=1,-2"],
        [*["--machine", "x=1,2"] * 21],
    ],
)
def test_figures_that_cannot_be_are_refused_in_a_sentence(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["cost", *arguments]) == FAILED
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.strip().endswith(".")
    assert len(captured.err.splitlines()) == 1
