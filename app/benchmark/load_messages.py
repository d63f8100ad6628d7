"""What the app and the process that puts load on an engine tell each other: one JSON object a line.

A job goes to its standard input, so that the key is neither among its arguments nor in its environment, where
other programs could read it. Both ends are the same version of the app: what is not understood is a bug.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.domain.generation import ChatMessage, Role, ServerTimings
from app.domain.speed_test import RequestSample, Round
from app.engines.address import Address
from app.engines.openai_client import SALT, Dialect


@dataclass(frozen=True, slots=True)
class LoadJob:
    """One round: all prompts are sent at the same moment, and each reply shall be of `output_tokens`."""

    address: Address
    dialect: Dialect
    prompts: tuple[tuple[ChatMessage, ...], ...]
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Pieces:
    """How many pieces of replies have come by now, of all requests of the round together."""

    count: int


Message = Pieces | Round


def write_job(job: LoadJob) -> bytes:
    """`job` as one line."""
    return _line(
        {
            "address": _address_values(job.address),
            "dialect": _dialect_values(job.dialect),
            "prompts": [[[message.role.value, message.content] for message in it] for it in job.prompts],
            "output_tokens": job.output_tokens,
        }
    )


def read_job(line: bytes) -> LoadJob:
    """The job that `write_job` wrote."""
    values = json.loads(line)
    return LoadJob(
        _address_of(values["address"]),
        _dialect_of(values["dialect"]),
        tuple(
            tuple(ChatMessage(Role(role), content) for role, content in messages)
            for messages in values["prompts"]
        ),
        values["output_tokens"],
    )


def write_message(message: Message) -> bytes:
    """`message` as one line."""
    if isinstance(message, Pieces):
        return _line({"pieces": message.count})
    return _line({"round": [_sample_values(it) for it in message.samples], "span_s": message.span_s})


def read_message(line: bytes) -> Message | None:
    """The message in `line`; None if it holds none, such as a line of a traceback."""
    if not line.startswith(b"{"):
        return None
    try:
        values = json.loads(line)
        if "pieces" in values:
            return Pieces(values["pieces"])
        return Round(tuple(_sample_of(it) for it in values["round"]), values["span_s"])
    except (ValueError, TypeError, KeyError):
        return None


def _address_values(address: Address) -> dict[str, object]:
    return {
        "host": address.host,
        "port": address.port,
        "api_key": address.api_key,
        "model": address.model,
        "tls": address.tls,
        "path": address.path,
        "ca_file": None if address.ca_file is None else str(address.ca_file),
        "server": address.server,
    }


def _address_of(values: dict[str, Any]) -> Address:
    ca_file = values.pop("ca_file")
    return Address(**values, ca_file=None if ca_file is None else Path(ca_file))


def _dialect_values(dialect: Dialect) -> dict[str, object]:
    return {
        "parameters": dict(dialect.parameters),
        "count_path": dialect.count_path,
        "uncached": {name: value for name, value in dialect.uncached.items() if value is not SALT},
        "salted": [name for name, value in dialect.uncached.items() if value is SALT],
    }


def _dialect_of(values: Mapping[str, Any]) -> Dialect:
    uncached = values["uncached"] | dict.fromkeys(values["salted"], SALT)
    return Dialect(values["parameters"], values["count_path"], uncached)


def _sample_values(sample: RequestSample) -> dict[str, object]:
    timings = sample.timings
    return {
        "began_s": sample.began_s,
        "ttft_s": sample.ttft_s,
        "duration_s": sample.duration_s,
        "gaps_s": sample.gaps_s,
        "prompt_tokens": sample.prompt_tokens,
        "completion_tokens": sample.completion_tokens,
        "timings": None
        if timings is None
        else [timings.prompt_tokens, timings.prompt_ms, timings.completion_tokens, timings.completion_ms],
        "error": sample.error,
    }


def _sample_of(values: dict[str, Any]) -> RequestSample:
    timings, gaps = values.pop("timings"), values.pop("gaps_s")
    return RequestSample(
        **values, gaps_s=tuple(gaps), timings=None if timings is None else ServerTimings(*timings)
    )


def _line(values: dict[str, object]) -> bytes:
    return json.dumps(values).encode() + b"\n"
