"""A test as JSON, whole: for programs. Names say their units; null is what was not measured.

`schema_version` rises when a name goes away or changes its meaning; new names alone do not change it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from app.benchmark.report_words import MOST_TEXT, began, clean
from app.benchmark.result_tables import memory_of, names
from app.benchmark.verdict import verdict
from app.domain.machine import Machine
from app.domain.speed_test import (
    Case,
    CaseResult,
    ColumnResult,
    Energy,
    Shape,
    SpeedTest,
    Spread,
    Watched,
    Workload,
)

SCHEMA = "edgewise.speed_test"
SCHEMA_VERSION = 1
MOST_LOG = 64 * 1024
"""Characters of a failure's log."""

Object = dict[str, Any]


def json_report(test: SpeedTest, differences: Sequence[str] = ()) -> str:
    """The whole test with its verdict. `differences`: what is not like for like, in sentences."""
    return json.dumps(json_values(test, differences), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def json_values(test: SpeedTest, differences: Sequence[str] = ()) -> Object:
    """The same as plain values."""
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "id": test.id,
        "began_utc": began(test),
        "began_epoch_s": test.at,
        "state": test.state.value,
        "edgewise_version": test.app_version,
        "python_version": test.python_version,
        "system": test.system,
        "machine": _machine(test.machine),
        "workload": _workload(test.workload),
        "order": list(test.order),
        "columns": [
            _column(name, column) for name, column in zip(names(test.columns), test.columns, strict=True)
        ],
        "not_like_for_like": list(differences),
        "verdict": [
            {"topic": line.topic.value, "text": line.text, "evidence": list(line.evidence)}
            for line in verdict(test, differences)
        ],
    }


def _machine(machine: Machine) -> Object:
    cpu, memory, power, bandwidth = machine.cpu, machine.memory, machine.power, machine.bandwidth
    return {
        "cpu": {**asdict(cpu), "instruction_sets": _listed(cpu.instruction_sets)},
        "memory_total_bytes": memory.total,
        "memory_available_bytes": memory.available,
        "memory_limit_bytes": memory.limit,
        "gpus": [
            {
                "name": gpu.name,
                "memory_total_bytes": gpu.memory_total,
                "memory_free_bytes": gpu.memory_free,
                "unified_memory": gpu.unified_memory,
                "driver": gpu.driver,
                "cuda_version": gpu.cuda_version,
                "compute_capability": gpu.compute_capability,
            }
            for gpu in machine.gpus
        ],
        "on_battery": power.on_battery if power else None,
        "battery_percent": power.battery_percent if power else None,
        "bandwidth_copy_bytes_per_s": bandwidth.copy if bandwidth else None,
        "bandwidth_read_bytes_per_s": bandwidth.read if bandwidth else None,
    }


def _workload(work: Workload) -> Object:
    return {
        "shapes": [_shape(shape) for shape in work.shapes],
        "batches": list(work.batches),
        "shapes_alone": [_shape(shape) for shape in work.alone],
        "warmups": work.warmups,
        "repetitions": work.repetitions,
        "budget_s": work.budget_s,
        "cool_down_s": work.cool_down_s,
        "seed": work.seed,
    }


def _column(name: str, column: ColumnResult) -> Object:
    who, facts = column.contender, column.facts
    return {
        "name": name,
        "engine_id": who.engine_id,
        "engine": clean(who.engine),
        "model": clean(who.model),
        "family": clean(who.family),
        "precision": clean(who.precision),
        "bits_per_weight": who.bits,
        "remote": who.remote,
        "versions": {clean(name): clean(version) for name, version in facts.versions.items()},
        "flags": [clean(flag, MOST_TEXT) for flag in facts.flags],
        "model_file": clean(facts.model_file, MOST_TEXT),
        "model_bytes": facts.model_bytes or None,
        "model_sha256": facts.model_hash or None,
        "device": clean(facts.device),
        "context_tokens": facts.context_length,
        "request_context_tokens": facts.request_context,
        "parallel_requests": facts.parallel,
        "threads": facts.threads,
        "load_s": column.load_s,
        "cold_ttft_s": column.cold_ttft_s,
        "memory_loaded_bytes": column.memory,
        "memory_peak_bytes": column.memory_peak,
        "gpu_memory_peak_bytes": column.gpu_memory_peak,
        "memory_all_bytes": memory_of(column),
        "cases": [_result(result) for result in column.cases],
        "left_out": [{**_case(it.case), "reason": clean(it.reason, MOST_TEXT)} for it in column.left_out],
        "failure": clean(column.failure, MOST_TEXT) or None,
        "failure_log": _log(column.detail) or None,
    }


def _result(result: CaseResult) -> Object:
    return {
        **_case(result.case),
        "rounds": result.rounds,
        "short_rounds": result.short_rounds,
        "ttft_s": _spread(result.ttft),
        "itl_s": _spread(result.itl),
        "tpot_s": _spread(result.tpot),
        "duration_s": _spread(result.duration),
        "output_rate_tok_per_s": _spread(result.output_rate),
        "total_rate_tok_per_s": _spread(result.total_rate),
        "server_rate_tok_per_s": _spread(result.server_rate),
        "decode_rate_tok_per_s": result.decode_rate,
        "counted_prompt_tokens": result.prompt_tokens,
        "counted_output_tokens": result.completion_tokens,
        "tokens_per_piece": result.tokens_per_piece,
        "problem": clean(result.problem, MOST_TEXT) or None,
        "watched": _watched(result.watched),
    }


def _watched(watched: Watched) -> Object:
    return {
        "memory_peak_bytes": watched.memory_peak,
        "gpu_memory_peak_bytes": watched.gpu_memory_peak,
        "cpu_s": watched.cpu_seconds,
        "energy": _energy(watched.energy),
        "disturbances": [
            {"kind": it.kind.name.lower(), "words": it.kind.value, "detail": clean(it.detail, MOST_TEXT)}
            for it in watched.observations
        ],
    }


def _energy(energy: Energy | None) -> Object | None:
    if energy is None:
        return None
    return {
        "joules": energy.joules,
        "net_of_idle_joules": energy.net_joules,
        "over_s": energy.seconds,
        "idle_watts": energy.idle_watts,
        "sources": list(energy.sources),
    }


def _spread(spread: Spread | None) -> Object | None:
    return asdict(spread) if spread is not None else None


def _case(case: Case) -> Object:
    return {"shape": _shape(case.shape), "batch_requests": case.batch}


def _shape(shape: Shape) -> Object:
    return asdict(shape)


def _log(text: str) -> str:
    """A log keeps its lines."""
    return "\n".join(clean(line, MOST_TEXT) for line in text[-MOST_LOG:].splitlines())


def _listed(values: tuple[str, ...] | None) -> list[str] | None:
    return None if values is None else list(values)
