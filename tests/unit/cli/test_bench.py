"""`edgewise bench`: what it accepts, whom it chooses, what it shows. No engine runs here."""

from __future__ import annotations

import argparse
import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from app.benchmark.progress import ColumnChanged, ColumnStage, LiveRate, Stage, TestBegan, TestEnded
from app.benchmark.statistics import case_result
from app.benchmark.workload import QUICK, STANDARD, WRITE
from app.cli.command_line import FAILED, OK, USAGE, _parser, run
from app.cli.console import Console
from app.cli.speed_test import workload_of
from app.cli.speed_test_progress import ProgressLines
from app.cli.speed_test_words import lines
from app.domain.speed_test import (
    Case,
    ColumnResult,
    Contender,
    Disturbance,
    LeftOut,
    Observation,
    SpeedTest,
    TestState,
    Watched,
)
from app.storage.database import Database
from app.storage.paths import Paths
from app.storage.speed_tests import SpeedTests
from tests.unit.benchmark.stand_ins import OTHER, SHAPE, Running, StandIn, a_test, failing, fine

ONE, FOUR = Case(SHAPE, 1), Case(SHAPE, 4)


def parsed(*arguments: str) -> argparse.Namespace:
    return _parser().parse_args(["bench", *arguments])


def measured(case: Case, answer=fine, watched: Watched = Watched()):  # noqa: B008  # a frozen value
    rounds = [answer(Running(StandIn()), case.batch, case.shape.output_tokens) for _ in range(3)]
    return case_result(case, rounds, watched)


def a_column(engine="llama.cpp", *cases, **more) -> ColumnResult:
    contender = Contender(engine, engine, "SmolLM2-Q4_1", "SmolLM2", "Q4_1", 4.5)
    return ColumnResult(contender, cases=cases, **more)


def finished(*columns: ColumnResult, **more) -> SpeedTest:
    entrants = [StandIn(column.contender.engine) for column in columns]
    return replace(a_test(entrants), columns=columns, state=TestState.DONE, **more)


@pytest.fixture
def store(empty_home: Path):
    """Two tests in the history."""
    Paths.find().create()
    with Database.open(Paths.find().database) as database:
        store = SpeedTests(database)
        store.begin(finished(a_column("llama.cpp", measured(ONE), load_s=0.3))).result()
        store.begin(replace(finished(a_column("llama.cpp", measured(ONE), measured(FOUR))), at=2.0)).result()
        yield store


# --- the command line ----------------------------------------------------------------------------------


def test_without_options_the_quick_preset_with_a_seed_of_its_own() -> None:
    one, other = workload_of(parsed()), workload_of(parsed())
    assert one.seed != other.seed
    assert replace(one, seed=0) == QUICK


def test_what_is_asked_for_takes_the_place_of_the_preset() -> None:
    options = parsed(
        "--preset", "standard", "--batch", "8,1", "--shapes", "write", "--repetitions", "2", "--warmups", "0",
        "--budget", "77", "--seed", "5",
    )  # fmt: skip
    assert workload_of(options) == replace(
        STANDARD, shapes=(WRITE,), batches=(1, 8), alone=(), repetitions=2, warmups=0, budget_s=77.0, seed=5
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--batch", "0"], "“0” is no number of requests at once"),
        (["--batch", "many"], "“many” is no number"),
        (["--shapes", "poem"], "There is no shape “poem”"),
        (["--repetitions", "0"], "0 is not between 1 and 100"),
        (["--budget", "1"], "1 is not between 10 and"),
        (["--seed", "-1"], "'-1' is not a whole number"),
        (["--preset", "endless"], "invalid choice"),
        (["--json", "--csv"], "not allowed with"),
        (["--list", "--show", "1"], "not allowed with"),
        (["--compare", "1"], "expected 2 arguments"),
    ],
)
def test_a_wrong_command_line(arguments, said, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        run(["bench", *arguments])
    assert ended.value.code == USAGE
    assert said in capsys.readouterr().err


# --- who takes part --------------------------------------------------------------------------------------


def failed(capsys, *arguments: str) -> str:
    assert run(["bench", *arguments]) == FAILED
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    return told.err


def test_without_a_model(empty_home, capsys) -> None:
    assert "There is no model yet." in failed(capsys)


def test_a_model_that_there_is_not(edgewise_home, capsys) -> None:
    assert "There is no model “nonsense”" in failed(capsys, "--model", "nonsense")


def test_an_engine_that_there_is_not(edgewise_home, capsys) -> None:
    said = failed(capsys, "--engines", "llama.cpp,nonsense")
    assert "There is no engine “nonsense”. There is: llama_cpp, llama_cpp_cuda, llama_cpp_vulkan, " in said


def test_an_engine_that_is_not_installed_says_what_to_run(edgewise_home, capsys) -> None:
    said = failed(capsys, "--engines", "llama.cpp,transformers")
    assert said == "Transformers is not installed. Install it with: edgewise engines install transformers\n"


def test_a_precision_that_there_is_not(edgewise_home, capsys) -> None:
    said = failed(capsys, "--engines", "llama.cpp", "--precision", "Q8_0")
    assert "llama.cpp cannot compute SmolLM2 135M Instruct at Q8_0 here. It can at: Q4_1." in said


def test_a_precision_that_no_engine_has(edgewise_home, capsys) -> None:
    said = failed(capsys, "--precision", "Q8_0")
    assert said == "No engine that is installed computes SmolLM2 135M Instruct at Q8_0.\n"


def test_a_part_of_a_name_that_means_several_forms_of_one_model_means_the_model(
    edgewise_home: Path, starter_model: Path, capsys
) -> None:
    shutil.copyfile(starter_model, edgewise_home / "models" / "SmolLM2-135M-Instruct.Q4_1-again.gguf")
    said = failed(capsys, "--model", "smollm2", "--precision", "Q8_0")
    assert "No engine that is installed computes SmolLM2 135M Instruct at Q8_0." in said


# --- the history -----------------------------------------------------------------------------------------


def test_no_history_yet(empty_home, capsys) -> None:
    assert run(["bench", "--list"]) == OK
    assert "Nothing was tested yet." in capsys.readouterr().out
    assert not Paths.find().database.exists()


def test_a_test_that_there_is_not(empty_home, capsys) -> None:
    assert failed(capsys, "--show", "7") == "There is no speed test 7. “edgewise bench --list” lists them.\n"


def test_the_history_newest_first(store, capsys) -> None:
    assert run(["bench", "--list"]) == OK
    rows = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows[:3]] == ["ID", "2", "1"]
    assert "SmolLM2" in rows[1]
    assert rows[1].rstrip().endswith("at 4 llama.cpp")
    assert run(["bench", "--list", "--json"]) == OK
    told = json.loads(capsys.readouterr().out)
    assert [it["id"] for it in told] == [2, 1]
    assert told[0]["columns"][0]["best_batch"] == 4


def test_a_test_is_shown_in_every_form(store, tmp_path: Path, capsys) -> None:
    assert run(["bench", "--show", "2"]) == OK
    assert "chat, 4 at once" in capsys.readouterr().out
    assert run(["bench", "--show", "2", "--json"]) == OK
    assert json.loads(capsys.readouterr().out)["columns"][0]["engine"] == "llama.cpp"
    assert run(["bench", "--show", "2", "--markdown"]) == OK
    assert capsys.readouterr().out.startswith("# Speed test")
    assert run(["bench", "--show", "2", "--csv"]) == OK
    assert len(capsys.readouterr().out.splitlines()) == 3
    for ending, beginning in (
        ("md", "# Speed test"),
        ("json", "{"),
        ("csv", "test_id"),
        ("txt", "Speed test"),
    ):
        file = tmp_path / f"Ergebnis.{ending}"
        assert run(["bench", "--show", "2", "--output", str(file)]) == OK
        told = capsys.readouterr()
        assert told.out == ""
        assert str(file) in told.err
        assert file.read_text(encoding="utf-8").startswith(beginning)


def test_a_file_that_cannot_be_written(store, tmp_path: Path, capsys) -> None:
    said = failed(capsys, "--show", "2", "--output", str(tmp_path / "none" / "result.md"))
    assert "cannot be written: No such file or directory." in said


def test_two_tests_side_by_side(store, capsys) -> None:
    assert run(["bench", "--compare", "2", "1"]) == OK
    out = capsys.readouterr().out
    assert out.startswith("Before: Speed test 1")
    assert "no difference beyond the spread" in out
    assert run(["bench", "--compare", "1", "2", "--json"]) == OK
    told = json.loads(capsys.readouterr().out)
    assert (told["before"], told["after"]) == (1, 2)
    assert told["columns"][0]["figures"][0]["ratio"] == 1.0


def test_a_test_is_deleted(store, capsys, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert run(["bench", "--delete", "1"]) == USAGE
    assert store.get(1) is not None
    assert run(["bench", "--delete", "1", "--yes"]) == OK
    assert store.get(1) is None
    assert "Speed test 1 is deleted." in capsys.readouterr().out


# --- words -----------------------------------------------------------------------------------------------


def test_a_result_for_people() -> None:
    disturbed = Watched(observations=(Observation(Disturbance.OTHER_LOAD, "0.8 of 2 cores"),))
    llama = a_column(
        "llama.cpp",
        measured(ONE, watched=disturbed),
        measured(FOUR),
        load_s=0.3,
        cold_ttft_s=0.2,
        memory=10**9,
    )
    vllm = a_column("vLLM", measured(ONE, failing), failure="vLLM ended by itself.", detail="the log")
    text = "\n".join(lines(finished(llama, vllm, id=3), ["They are not the same."]))
    assert text.startswith("Speed test 3, ")
    assert "llama.cpp  chat, alone" in text
    assert "disturbed" in text
    assert "3 of 3 short" in text
    assert "1.00 GB" in text
    assert "They are not the same." in text
    assert "vLLM ended early: vLLM ended by itself." in text


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def progress_of(err: io.StringIO) -> str:
    progress = ProgressLines(Console(io.StringIO(), err))
    test = a_test([StandIn("vLLM"), StandIn()], order=(1, 0))
    column = a_column("llama.cpp")
    progress.hear(TestBegan(test))
    progress.hear(ColumnStage(1, Stage.LOADING))
    progress.hear(ColumnStage(1, Stage.LOADING, detail="reading weights"))
    progress.hear(ColumnChanged(1, column))
    progress.hear(ColumnStage(1, Stage.MEASURING, ONE, 2))
    progress.hear(LiveRate(1, ONE, 123.4))
    column = replace(column, cases=(measured(ONE),), left_out=(LeftOut(FOUR, "No time was left."),))
    progress.hear(ColumnChanged(1, column))
    progress.hear(ColumnChanged(1, replace(column, failure="It broke.")))
    progress.hear(TestEnded(test))
    return err.getvalue()


def test_progress_where_nothing_can_be_redrawn_is_a_line_each() -> None:
    assert progress_of(io.StringIO()).splitlines() == [
        "llama.cpp (1 of 2): loading the model",
        "llama.cpp: chat, alone: 92.8 tok/s, first token after 100 ms",
        "llama.cpp, chat: No time was left.",
        "llama.cpp: It broke.",
    ]


def test_progress_on_a_terminal_is_one_line_that_is_redrawn(monkeypatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    shown = progress_of(Terminal())
    assert "llama.cpp (1 of 2): loading the model, reading weights" in shown
    assert "llama.cpp (1 of 2): chat, alone, round 2 of 3, 123 tok/s" in shown
    assert shown.count("\n") == 3, "what stays has a line, what goes has none"
    assert shown.endswith("\r\x1b[K"), "nothing is left standing"


def test_progress_fits_into_a_narrow_terminal(monkeypatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "30")
    pieces = progress_of(Terminal()).split("\x1b[2m")[1:]
    assert len(pieces) > 3
    assert all(len(piece.split("\x1b[0m")[0]) < 30 for piece in pieces)


def test_a_name_from_a_stranger_cannot_obey_the_terminal() -> None:
    column = a_column("llama.cpp", measured(Case(replace(OTHER, name="a\x1b[2Jb"), 1)))
    assert "\x1b" not in "\n".join(lines(finished(column), []))
