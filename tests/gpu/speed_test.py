"""The speed test on this machine's GPU, and its client beside an independent one on the same server.

    python -m tests.gpu.speed_test --vllm PYTHON --transformers PYTHON --model FOLDER --out FOLDER

vLLM and Transformers are run as a person would run them, by the app's own runner, apart from where their
environments lie. Then `vllm bench serve` and the app's load process take turns at one vLLM, 128 replies at
once. Writes a report in Markdown and JSON, and `client.json`. See docs/measurements.md for what came of it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any
from urllib.request import urlopen

from app.benchmark.entrant import Needs
from app.benchmark.load_messages import LoadJob
from app.benchmark.load_process import LoadProcess
from app.benchmark.machine_instruments import MachineInstruments
from app.benchmark.progress import ColumnChanged, Progress
from app.benchmark.prompts import Prompts
from app.benchmark.report import Format, report
from app.benchmark.runner import run, shuffled
from app.benchmark.workload import CHAT
from app.domain import hub
from app.domain.generation import Cancellation
from app.domain.metrics import GenerationMetrics
from app.domain.model import LocalModel
from app.domain.speed_test import ColumnResult, Contender, EngineFacts, SpeedTest, Workload
from app.engines.base import EngineAdapter, LoadOptions
from app.engines.installed_files import installed_versions
from app.engines.loaded_model import LoadedModel
from app.engines.transformers import Transformers
from app.hardware.nvidia import probe_nvidia
from app.hardware.probe import probe
from app.services.entrant_facts import LIBRARIES, flags
from tests.gpu.__main__ import Interpreter, OlderVllm

AT_ONCE = 128
TURNS = 3


class Running:
    """See `app.benchmark.entrant.RunningEntrant`."""

    def __init__(self, loaded: LoadedModel, facts: EngineFacts) -> None:
        self._loaded = loaded
        self._report = loaded.report()
        self._stopped = False
        self.pid: int | None = loaded.process.pid
        self.address = loaded.address
        self.dialect = loaded.adapter.dialect
        self.client = loaded.client
        self.facts = facts
        self.load_s: float | None = loaded.load_s

    def memory(self) -> int | None:
        return self._loaded.memory(self._report)

    def crashed(self) -> str | None:
        process = self._loaded.process
        return None if self._stopped or process.exit_status is None else process.read_log()

    def replied(self, metrics: GenerationMetrics) -> None:
        pass

    def stop(self, *, at_once: bool = False) -> None:
        self._stopped = True
        self._loaded.stop(at_once=at_once)


class PreparedEntrant:
    """An engine in an environment that somebody else made; see `app.benchmark.entrant.Entrant`."""

    def __init__(
        self, adapter: EngineAdapter, model: LocalModel, share: float, versions: dict[str, str], logs: Path
    ) -> None:
        self.contender = Contender(adapter.id, adapter.name, model.name, model.name, "bf16", 16.0)
        self.adapter = adapter
        self._model, self._share, self._logs = model, share, logs
        self._versions = {name: versions[name] for name in ("vllm", *LIBRARIES) if name in versions}

    def start(self, needs: Needs, cancellation: Cancellation, on_progress: Callable[[str], None]) -> Running:
        options = LoadOptions(
            4096, threads=4, gpu_memory_share=self._share, parallel=needs.parallel, dtype="bfloat16"
        )
        loaded = LoadedModel.load(
            self.adapter, self._model, options, logs=self._logs, cancellation=cancellation
        )
        gpu = probe_nvidia()[0]
        facts = EngineFacts(
            versions={**self._versions, "driver": gpu.driver or ""},
            flags=flags(loaded.launch.argv),
            model_file=self._model.path.name,
            model_bytes=self._model.size,
            device=gpu.name,
            context_length=needs.context_length,  # of all requests together: its pool is larger than that
            request_context=options.context_length,
            parallel=options.parallel,
            threads=options.threads,
        )
        return Running(loaded, facts)


def tell(progress: Progress) -> None:
    """A line for each finished case."""
    if isinstance(progress, ColumnChanged) and progress.column.cases and not progress.column.left_out:
        last = progress.column.cases[-1]
        rate = last.output_rate.median if last.output_rate else None
        print(time.strftime("%H:%M:%S"), progress.column.contender.engine, last.case, rate, last.problem)


def side_by_side(entrants: list[PreparedEntrant], workload: Workload, out: Path) -> SpeedTest:
    """The app's own test of them."""
    test = SpeedTest(
        id=0,
        at=time.time(),
        workload=workload,
        machine=probe(out),
        app_version="",
        system="Linux",
        columns=tuple(ColumnResult(entrant.contender) for entrant in entrants),
        order=shuffled(len(entrants), workload.seed),
    )
    done = run(
        test, entrants, instruments=MachineInstruments(), cancellation=Cancellation(), on_progress=tell
    )
    (out / "speed-test.md").write_text(report(done, Format.MARKDOWN, ()))
    (out / "speed-test.json").write_text(report(done, Format.JSON, ()))
    return done


def clients(entrant: PreparedEntrant, python: Path, model: LocalModel, out: Path) -> dict[str, Any]:
    """The app's load process and `vllm bench serve` in turns at one server; tokens a second of each."""
    needs = Needs(AT_ONCE * CHAT.context_tokens, CHAT.context_tokens, AT_ONCE)
    running = entrant.start(needs, Cancellation(), lambda _: None)
    load, on_one_core = LoadProcess.start(), LoadProcess.start()
    assert on_one_core.pid is not None
    os.sched_setaffinity(on_one_core.pid, {max(os.sched_getaffinity(0))})
    prompts = Prompts(running.client.count_prompt_tokens, 1)
    found: dict[str, list[dict[str, Any]]] = {
        "ours": [],
        "ours_on_one_core": [],
        "vllm_bench": [],
    }
    try:
        for turn in range(TURNS + 1):  # the first warms both up
            ours = _round(running, load, prompts)
            pinned = _round(running, on_one_core, prompts)
            before = _server_seconds(running)
            theirs = _vllm_bench(python, running, model, out / f"bench-{turn}.json")
            theirs["server"] = _means(before, _server_seconds(running))
            if turn:
                found["ours"].append(ours)
                found["ours_on_one_core"].append(pinned)
                found["vllm_bench"].append(theirs)
            (out / "client.json").write_text(json.dumps(found, indent=2))
    finally:
        load.close()
        on_one_core.close()
        running.stop()
    return found


def _round(running: Running, load: LoadProcess, prompts: Prompts) -> dict[str, Any]:
    asked = prompts.make(CHAT, AT_ONCE)
    job = LoadJob(running.address, running.dialect, tuple(asked), CHAT.output_tokens)
    before = _server_seconds(running)
    done = load.round(job, Cancellation(), 300.0)
    return {
        "output_throughput": sum(it.completion_tokens or 0 for it in done.samples) / done.span_s,
        "mean_ttft_ms": 1000 * fmean(it.ttft_s or 0.0 for it in done.samples),
        "mean_e2e_ms": 1000 * fmean(it.duration_s for it in done.samples),
        "began_ms": 1000 * max(it.began_s for it in done.samples),
        "server": _means(before, _server_seconds(running)),
    }


def _server_seconds(running: Running) -> dict[str, tuple[float, float]]:
    """What vLLM counted of all requests so far: sum in seconds and number, by name."""
    with urlopen(f"{running.address.where.origin}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    found = {}
    for name in ("time_to_first_token", "e2e_request_latency"):
        sums, counts = (
            next(float(line.split()[-1]) for line in lines if line.startswith(f"vllm:{name}_seconds_{kind}"))
            for kind in ("sum", "count")
        )
        found[name] = (sums, counts)
    return found


def _means(before: dict[str, tuple[float, float]], after: dict[str, tuple[float, float]]) -> dict[str, float]:
    """Mean milliseconds of the requests between two readings."""
    return {
        name: 1000 * (after[name][0] - before[name][0]) / (after[name][1] - before[name][1])
        for name in before
    }


def _vllm_bench(python: Path, running: Running, model: LocalModel, result: Path) -> dict[str, Any]:
    where = running.address
    done = subprocess.run(
        [
            *(str(python), "-m", "vllm.entrypoints.cli.main", "bench", "serve"),
            *("--backend", "openai-chat", "--endpoint", "/v1/chat/completions"),
            *("--base-url", where.where.origin, "--model", where.model, "--tokenizer", str(model.path)),
            *("--dataset-name", "random", "--random-input-len", "98"),
            *("--random-output-len", str(CHAT.output_tokens), "--num-prompts", str(AT_ONCE)),
            *("--max-concurrency", str(AT_ONCE), "--ignore-eos", "--save-result"),
            *("--percentile-metrics", "ttft,tpot,e2el"),
            *("--result-dir", str(result.parent), "--result-filename", result.name),
        ],
        env={**os.environ, "OPENAI_API_KEY": where.api_key},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    if not result.exists():
        return {"failed": (done.stdout + done.stderr)[-1500:]}
    said = json.loads(result.read_text())
    wanted = ("output_throughput", "mean_ttft_ms", "mean_tpot_ms", "mean_e2el_ms", "completed")
    return {name: said.get(name) for name in (*wanted, "total_input_tokens", "total_output_tokens")}


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.gpu.speed_test")
    parser.add_argument("--vllm", type=Path, required=True, help="the Python of its environment")
    parser.add_argument("--transformers", type=Path, required=True, help="the Python of its environment")
    parser.add_argument("--model", type=Path, required=True, help="a folder with safetensors")
    parser.add_argument("--out", type=Path, required=True, help="for the reports")
    parser.add_argument("--server", required=True, help="vLLM's module")
    parser.add_argument("--env", nargs="*", default=[], metavar="NAME=VALUE", help="added for vLLM")
    parser.add_argument("--share", type=float, default=0.6, help="of the GPU's memory for vLLM")
    parser.add_argument("--only", choices=("test", "clients"), help="one of the two parts")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    size = sum(file.stat().st_size for file in chosen.model.glob("*.safetensors"))
    model = LocalModel(chosen.model.name, chosen.model, size, format=hub.Format.SAFETENSORS)
    added = dict(pair.split("=", 1) for pair in chosen.env)
    versions = [installed_versions(python.parent.parent) for python in (chosen.vllm, chosen.transformers)]
    adapters: tuple[EngineAdapter, ...] = (
        OlderVllm(Interpreter(chosen.vllm, versions[0]), chosen.server, added),
        Transformers(Interpreter(chosen.transformers, versions[1])),
    )
    entrants = [
        PreparedEntrant(adapter, model, chosen.share, found, chosen.out / "logs")
        for adapter, found in zip(adapters, versions, strict=True)
    ]
    if chosen.only != "clients":
        workload = Workload((CHAT,), (1, 32, AT_ONCE), repetitions=5, budget_s=330.0)
        side_by_side(entrants, dataclasses.replace(workload, seed=1), chosen.out)
    if chosen.only != "test":
        clients(entrants[0], chosen.vllm, model, chosen.out)


if __name__ == "__main__":
    main()
