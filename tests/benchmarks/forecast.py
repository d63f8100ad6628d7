"""Forecast memory against what llama.cpp reckons, and against what its running server takes.

The table has the headers of many architectures, at three context lengths, with two cache types, for one
sequence and for four. Beside it the real starter model is loaded as the app does: there the process's own
memory is the reference. Then it is loaded again and again with a ledger, as the window does, and each
forecast is held against what was measured: as the formulas have it, and as the ledger corrects them.
"""

from __future__ import annotations

import re
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from app.advisor.correction import DEFAULT_SPEED_SHARE
from app.domain.generation import Cancellation, ChatMessage, ChatRequest, Finished, Role, SamplingParams
from app.domain.ledger import LedgerEntry
from app.domain.metrics import GenerationMetrics
from app.domain.model import LocalModel
from app.engines.base import Launch, LoadOptions
from app.engines.llama_cpp import LlamaCpp
from app.engines.loaded_model import LoadedModel
from app.hardware.bandwidth import measure_bandwidth
from app.hardware.cpu import probe_cpu
from app.hardware.memory import available_memory
from app.models.footprint import RunOptions, forecast
from app.models.gguf_header import read_header
from app.models.library import find_model, local_models
from app.services.load_record import LoadHistory
from app.services.loading import LoadWishes, load_planned, plan_load
from app.storage.bandwidth import save_bandwidth
from app.storage.database import Database
from app.storage.ledger import Ledger
from app.storage.paths import Paths
from tests.benchmarks.figures import at_most, median
from tests.benchmarks.window import new_home
from tests.fit_reference import MEBIBYTE, comparable, reference, tool_options
from tests.made_models import MADE_MODELS

CONTEXTS = (2048, 8192, 32_768)
CACHE_TYPES = ("f16", "q8_0")
LEDGER_CONTEXTS = (2048, 8192, 4096, 8192, 2048, 8192)
REPLIES = 3
MEDIAN_BAR, WORST_BAR = 3.0, 8.0


def measure() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, new_home() as paths:
        model = find_model(local_models(paths.models), None)
        rows = table(model.path.stem, model.path)
        for name, make in MADE_MODELS.items():
            path = make().write(Path(folder) / f"{name}.gguf")
            rows += table(name, path)
            path.unlink()
        header = read_header(model.path)
        forecasting = seconds_of_a_forecast(model.path)
        running = [in_a_server(model, context, paths.logs) for context in CONTEXTS[:2]]
        learning = with_a_ledger(model, paths)
    errors = [abs(row["error_percent"]) for row in rows]
    return {
        "median_error": at_most(median(errors), MEDIAN_BAR, unit="% of the total"),
        "worst_error": at_most(max(errors), WORST_BAR, unit="% of the total"),
        "models": len({row["model"] for row in rows}),
        "architectures": len({row["architecture"] for row in rows}),
        "milliseconds_to_read_and_forecast": round(forecasting * 1000, 2),
        "tensors_of_the_real_model": len(header.tensors),
        "server": running,
        "ledger": learning,
        "table": rows,
    }


def table(name: str, path: Path) -> list[dict[str, Any]]:
    """The rows of one model, in MiB."""
    header = read_header(path)
    rows = []
    for sequences in (1, 4):
        for context in CONTEXTS:
            for cache_type in CACHE_TYPES:
                options = tool_options(context, cache_type, sequences)
                told = reference(path, options)
                made = comparable(header, options)
                rows.append(
                    {
                        "model": name,
                        "architecture": header.architecture,
                        "context": context,
                        "cache": cache_type,
                        "sequences": sequences,
                        "forecast_mib": round(made.total / MEBIBYTE),
                        "reference_mib": told.total,
                        "error_percent": round(100 * (made.total / MEBIBYTE / told.total - 1), 2),
                    }
                )
    return rows


def seconds_of_a_forecast(path: Path) -> float:
    begin = time.perf_counter()
    forecast(read_header(path), RunOptions(8192))
    return time.perf_counter() - begin


class TalkativeLlamaCpp(LlamaCpp):
    """Starts the server as the app does, and has it tell its buffers' sizes."""

    def launch(self, model: LocalModel, options: LoadOptions, *, port: int, api_key: str) -> Launch:
        launch = super().launch(model, options, port=port, api_key=api_key)
        return replace(launch, argv=(*launch.argv, "--verbose"))


def in_a_server(model: LocalModel, context: int, logs: Path) -> dict[str, Any]:
    """The server's memory once it has replied, with the buffers that its log names. In MiB."""
    loaded = LoadedModel.load(TalkativeLlamaCpp(), model, LoadOptions(context, 2), logs=logs)
    try:
        # A buffer is taken when it is first written to: a prompt longer than a step writes all of it.
        question = ChatMessage(Role.USER, "Say something. " * 300)
        for _ in loaded.client.stream(ChatRequest([question], SamplingParams(max_tokens=4)), Cancellation()):
            pass
        guard = psutil.Process(loaded.process._process.pid)
        resident = sum(process.memory_info().rss for process in (guard, *guard.children(recursive=True)))
        log = loaded.process.log_path.read_text(errors="replace")
    finally:
        loaded.stop()
    made = forecast(read_header(model.path), RunOptions(context))
    return {
        "context": context,
        "forecast_mib": round(made.total / MEBIBYTE, 1),
        "resident_mib": round(resident / MEBIBYTE, 1),
        "error_percent": round(100 * (made.total / resident - 1), 2),
        "forecast_compute_mib": round(made.host.compute / MEBIBYTE, 1),
        "compute_mib": round(named("compute", log) + named("output", log), 1),
        "forecast_cache_mib": round(made.host.cache / MEBIBYTE, 1),
        "cache_mib": round(named("KV", log), 1),
    }


def with_a_ledger(model: LocalModel, paths: Paths) -> dict[str, Any]:
    """Loads one after another, each forecast by those before it; errors in percent of what was measured."""
    cpu = probe_cpu()
    bandwidth = measure_bandwidth(cpu.model, cpu.usable_cores, available_memory())
    if bandwidth is not None:
        save_bandwidth(paths.bandwidth, bandwidth)
    with Database.open(paths.database) as database:
        history = LoadHistory(Ledger(database), paths.bandwidth)
        for context in LEDGER_CONTEXTS:
            wishes = LoadWishes(context_length=context)
            adapter = LlamaCpp()
            plan = plan_load(model, wishes, engine=adapter.id, experience=history.experience())
            loaded = load_planned(adapter, model, plan, logs=paths.logs)
            try:
                record = history.begin(plan, loaded)
                for _ in range(REPLIES):
                    record.replied(reply(loaded))
            finally:
                loaded.stop()
        entries = Ledger(database).entries()[::-1]
    rows = [ledger_row(entry) for entry in entries]
    later = rows[1:]
    return {
        f"median_{what}_{which}_error": round(median([abs(row[what][which]) for row in later]), 2)
        for what in ("memory", "speed")
        for which in ("raw", "corrected")
        if all(which in row[what] for row in later)
    } | {"read_gb_per_s": bandwidth and (bandwidth.read or bandwidth.copy) / 1e9, "loads": rows}


def reply(loaded: LoadedModel) -> GenerationMetrics:
    """A reply of fixed length to a prompt that is longer than a step, so that it writes to all buffers."""
    question = ChatMessage(Role.USER, "Say something. " * 300)
    request = ChatRequest([question], SamplingParams(temperature=0.0, max_tokens=64), ignore_eos=True)
    *_, last = loaded.client.stream(request, Cancellation())
    assert isinstance(last, Finished)
    return GenerationMetrics.measured(ttft_s=None, duration_s=1.0, usage=last.usage, timings=last.timings)


def ledger_row(entry: LedgerEntry) -> dict[str, Any]:
    """Of the formulas alone: the memory as it is, the speed with the share that is assumed at first."""
    memory, speed = entry.measured_memory, entry.measured_speed
    row: dict[str, Any] = {"context": entry.context_length, "memory": {}, "speed": {}}
    if memory:
        row["memory"] = {
            "measured_mib": round(memory / MEBIBYTE, 1),
            "raw": percent(entry.raw_memory / memory),
            "corrected": percent(entry.forecast_memory / memory),
        }
    if speed and entry.raw_speed and entry.forecast_speed:
        row["speed"] = {
            "measured": round(speed, 1),
            "share": round(speed / entry.raw_speed, 3),
            "raw": percent(entry.raw_speed * DEFAULT_SPEED_SHARE / speed),
            "corrected": percent(entry.forecast_speed / speed),
        }
    return row


def percent(ratio: float) -> float:
    return round(100 * (ratio - 1), 2)


def named(buffer: str, log: str) -> float:
    """The size that the log gives a buffer, the last time it does."""
    return float(re.findall(rf"CPU +{buffer} buffer size = +([\d.]+) MiB", log)[-1])
