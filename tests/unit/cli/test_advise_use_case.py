"""`edgewise advise --use-case` and `--matrix` as people and programs read them, on this machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.advisor.guide import answer, matrix
from app.advisor.guide_rules import rules
from app.cli.advise_use_case import WIDTH, described, lines, matrix_lines
from app.cli.command_line import OK, USAGE, USE_CASES, run
from app.domain.machine import Bandwidth
from app.hardware.probe import probe
from app.storage.bandwidth import load_bandwidth, save_bandwidth
from app.storage.paths import Paths
from app.storage.settings import Settings, save_settings
from tests.unit.advisor.guide_machines import MACHINES, evidence
from tests.unit.advisor.test_guide_measured import SERVING, rate

KEYS = {
    "framework", "name", "layer", "way", "headline", "answers", "model", "model_words", "because",
    "runners_up", "instead_of", "certainty", "certainty_words", "contradictions", "would_change", "cautions",
    "steps", "reference",
}  # fmt: skip
LAPTOP = MACHINES["laptop"]


@pytest.fixture
def home(edgewise_home: Path) -> Path:
    """Offline, and the memory's bandwidth measured: 40 GB/s."""
    paths = Paths.find()
    model = probe(paths.models, "").cpu.model
    save_bandwidth(paths.bandwidth, Bandwidth(2 * 10**10, 4 * 10**10, 2, model, "2026-01-01"))
    save_settings(paths.settings, Settings(offline=True))
    return edgewise_home


def test_the_use_cases_are_those_of_the_rules() -> None:
    assert tuple(it.id for it in rules().use_cases) == USE_CASES


def test_a_use_case_in_json(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["advise", "--use-case", "local-chatbot", "--json"]) == OK
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"use_case", *KEYS}
    assert (told["use_case"], told["framework"], told["way"]) == (
        "local-chatbot",
        "llama_cpp",
        "on this machine",
    )
    assert told["certainty"] == "forecast"
    assert set(told["model"]) == {
        "id", "name", "precision", "format", "repository", "parameters", "size", "tokens_per_second",
        "verdict", "path",
    }  # fmt: skip
    assert {step["kind"] for step in told["steps"]} == {"download", "start", "chat"}
    assert [set(step) for step in told["steps"]] == [
        {"kind", "words", "engine", "repository", "precision", "server", "done", "blocked"}
    ] * 3


def test_a_use_case_for_people(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["advise", "--use-case", "learning"]) == OK
    out = capsys.readouterr().out
    for heading in ("Because", "Instead of", "How sure: forecast", "What would change it", "What to do"):
        assert f"\n{heading}\n" in out
    assert "(framework comparison, Quick Decision Guide)" in " ".join(out.split())
    assert all(len(line) <= WIDTH for line in out.splitlines())


def test_the_whole_matrix(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["advise", "--matrix", "--json"]) == OK
    told = json.loads(capsys.readouterr().out)
    assert [row["use_case"] for row in told] == list(USE_CASES)
    for row in told:
        assert set(row) == {
            "use_case", "label", "recommended", "recommended_words", "why", "source", "agrees", "verdict",
            "here",
        }  # fmt: skip
        assert set(row["here"]) == KEYS
    assert run(["advise", "--matrix"]) == OK
    out = capsys.readouterr().out
    assert out.count("The comparison: ") == out.count("This machine: ") == 8


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        ["smollm2-135m", "--matrix"],
        ["smollm2-135m", "--use-case", "learning"],
        ["--use-case", "learning", "--matrix"],
        ["--use-case", "games"],
    ],
)
def test_exactly_one_thing_is_asked(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(["advise", *wrong])
    assert ended.value.code == USAGE
    assert capsys.readouterr().err


def test_the_bandwidth_is_measured_the_first_time(
    edgewise_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_settings(Paths.find().settings, Settings(offline=True))
    assert run(["advise", "--use-case", "local-chatbot", "--json"]) == OK
    assert load_bandwidth(Paths.find().bandwidth) is not None
    assert json.loads(capsys.readouterr().out)["model"]["tokens_per_second"] > 0
    assert not Paths.find().database.exists()


def test_what_was_measured_is_told_to_both() -> None:
    known = evidence(LAPTOP, rates=[rate("llama_cpp", 151), rate("vllm", 187)])
    made = answer(rules(), LAPTOP, SERVING, known)
    told = described(made)
    assert told["certainty"] == "measured here"
    (contradiction,) = json.loads(json.dumps(told))["contradictions"]
    assert contradiction["measured"] == "187 tok/s against 151 tok/s"
    said = list(lines(made))
    assert "Measured otherwise than the comparison says" in said
    assert any("151 tok/s" in line for line in said)


def test_a_library_and_what_is_nearly_as_good_are_told() -> None:
    windows = MACHINES["Windows with RTX"]
    made = answer(rules(), windows, rules().use_case("structured-output").answers, evidence(windows))
    assert "Nearly as good" in list(lines(made))
    pipeline = answer(rules(), LAPTOP, rules().use_case("pipeline").answers, evidence(LAPTOP))
    assert described(pipeline)["layer"] == "langchain"


def test_nothing_fits_is_told() -> None:
    full = MACHINES["full"]
    rows = matrix(rules(), full, evidence(full))
    assert described(rows[0].answer)["model"] is None
    assert any("once there is room" in line for line in matrix_lines(rows))


def test_it_needs_no_qt(home: Path) -> None:
    code = (
        "import sys; from app.cli.command_line import run; run(['advise', '--matrix', '--json']);"
        "sys.exit(any(name.startswith('PySide6') for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
