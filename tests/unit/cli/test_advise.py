"""`edgewise advise` as people and programs read it, with the real starter model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.advisor.correction import UNCORRECTED
from app.advisor.ladder import Goal, climb
from app.cli.advise import advise, described, lines
from app.cli.command_line import FAILED, OK, USAGE, run
from app.domain.ledger import LedgerEntry
from app.domain.machine import Bandwidth
from app.hardware.probe import probe
from app.models.footprint import RunOptions, active_bytes, forecast
from app.models.gguf_header import read_header
from app.storage.bandwidth import load_bandwidth, save_bandwidth
from app.storage.database import Database
from app.storage.ledger import Ledger
from app.storage.paths import Paths
from app.storage.settings import Settings, save_settings
from tests.hub_server import HubServer
from tests.unit.advisor.cases import LLAMA_70B, NVIDIA, machine, subject
from tests.unit.models.gguf_writer import GgufWriter, llama


@pytest.fixture
def home(edgewise_home: Path) -> Path:
    """Offline, and the memory's bandwidth measured: 20 GB/s."""
    paths = Paths.find()
    model = probe(paths.models, "").cpu.model
    save_bandwidth(paths.bandwidth, Bandwidth(10**10, 2 * 10**10, 2, model, "2026-01-01"))
    save_settings(paths.settings, Settings(offline=True))
    return edgewise_home


def test_a_file_in_json(home: Path, starter_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = run(["advise", str(starter_model), "--context", "4096", "--speed", "20", "--json"])
    assert status == OK
    told = json.loads(capsys.readouterr().out)
    assert told["goal"] == {"context_length": 4096, "target_speed": 20.0, "cache_type": "f16"}
    assert told["recommended"] == "Q4_1"
    (rung,) = told["rungs"]
    need = forecast(read_header(starter_model), RunOptions(4096))
    memory = rung["memory"]
    assert memory["total"] == memory["host"] == need.total
    parts = ("tensors", "cache", "compute", "projector", "runtime", "correction")
    assert sum(memory[part] for part in parts) == need.total
    assert memory["cache"] == need.host.cache
    assert rung["path"] == str(starter_model)
    assert rung["exact"]
    assert rung["fits"]
    assert told["verdict"]["level"] == "runs well"
    assert told["bandwidth"] == 2e10


def test_a_library_name_for_people(
    home: Path, starter_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["advise", starter_model.stem]) == OK
    out = capsys.readouterr().out
    assert "SmolLM2 135M Instruct, 8,192 tokens of context. This machine: " in out
    assert "★  Q4_1          fits in memory  good" in out
    assert "98 MB" in out
    assert "Q4_1 fits and makes about " in out
    assert "with half of the context filled" in out
    assert "the hub has not told" not in out


def test_a_model_of_the_catalog_offline(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["advise", "qwen3-4b", "--speed", "2"]) == OK
    out = capsys.readouterr().out
    assert out.startswith("Qwen3 4B")
    assert "Q4_K_M" in out
    assert "the hub has not told" in out


def test_a_repository_offline_says_why_not(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["advise", "owner/name"]) == FAILED
    assert "Edgewise is offline" in capsys.readouterr().err


def test_a_repository_of_the_hub(
    home: Path, starter_model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    save_settings(Paths.find().settings, Settings())
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with HubServer() as hub:
        # No more than the beginning is asked for.
        hub.add("maker/Tiny-GGUF", {"tiny-Q8_0.gguf": llama(GgufWriter()).header() + bytes(40_000)})
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        assert run(["advise", "maker/Tiny-GGUF", "--json"]) == OK
    (rung,) = json.loads(capsys.readouterr().out)["rungs"]
    assert (rung["repository"], rung["files"]) == ("maker/Tiny-GGUF", ["tiny-Q8_0.gguf"])
    assert (rung["quantization"], rung["exact"]) == ("Q8_0", True)


def test_no_such_model(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["advise", "no such thing"]) == FAILED
    assert "There is no model “no such thing” in the catalog or in your library." in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong", [["--context", "0"], ["--context", "many"], ["--speed", "0"], ["--speed", "nan"]]
)
def test_a_wrong_command_line(home: Path, wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(["advise", "smollm2-135m", *wrong])
    assert ended.value.code == USAGE


def test_earlier_loads_correct_it(
    home: Path, starter_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = forecast(read_header(starter_model), RunOptions(8192)).total
    entry = LedgerEntry(
        id=0, at=1e9, model="SmolLM2", engine="llama_cpp", architecture="llama", quantization="Q4_1",
        context_length=8192, threads=2, gpu_layers=0, raw_memory=raw, forecast_memory=raw,
        measured_memory=int(raw * 1.1), raw_speed=200.0, forecast_speed=120.0, measured_speed=100.0,
    )  # fmt: skip
    paths = Paths.find()
    with Database.open(paths.database) as database:
        for _ in range(3):
            Ledger(database).record(entry).result()
    advise(str(starter_model), context=None, speed=None, as_json=True)
    (rung,) = json.loads(capsys.readouterr().out)["rungs"]
    assert rung["memory"]["total"] == pytest.approx(1.1 * raw, rel=0.001)
    assert rung["memory"]["correction"] > 0
    uncorrected = 2e10 / active_bytes(read_header(starter_model), RunOptions(8192), filled=4096)
    assert rung["tokens_per_second"] == pytest.approx(0.5 * uncorrected, rel=0.01)


def test_the_bandwidth_is_measured_the_first_time(
    edgewise_home: Path, starter_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert advise(str(starter_model), context=None, speed=None, as_json=True) == OK
    measured = load_bandwidth(Paths.find().bandwidth)
    assert measured is not None
    told = json.loads(capsys.readouterr().out)
    assert told["bandwidth"] == (measured.read or measured.copy)
    assert told["rungs"][0]["tokens_per_second"] > 0
    assert not Paths.find().database.exists()


def test_a_gpu_and_a_context_that_is_too_long() -> None:
    goal = Goal(32_768)
    told = list(lines(climb(subject(), machine(4.2, 41), goal, UNCORRECTED)))
    assert any("only with a shorter context, " in line and " at most" in line for line in told)
    told = list(lines(climb(subject(LLAMA_70B), machine(60, 60, NVIDIA), Goal(), UNCORRECTED)))
    assert "60.0 GB free, 11.0 GB free on the GPU, 60 GB/s" in told[0]
    assert any("fits in GPU and memory together" in line for line in told)


def test_nothing_known_is_said_in_words_and_in_null() -> None:
    nothing = climb(subject(quantizations=()), machine(8, None), Goal(), UNCORRECTED)
    assert list(lines(nothing))[-1] == "There is no GGUF file of it to choose."
    described_so = described(nothing)
    assert described_so["recommended"] is None
    assert described_so["bandwidth"] is None


def test_it_needs_no_qt(home: Path, starter_model: Path) -> None:
    code = (
        "import sys; from app.cli.command_line import run;"
        f"run(['advise', {str(starter_model)!r}, '--json']);"
        "sys.exit(any(name.startswith('PySide6') for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
