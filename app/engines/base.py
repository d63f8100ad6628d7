"""What every engine adapter says of its engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from app.domain.model import LocalModel
from app.engines.openai_client import Dialect


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How a model is to be loaded.

    `context_length` is in tokens; `threads` counts the CPU threads that compute; `prompt_cache_bytes`
    bounds what may be kept of prompts beside the KV cache.
    """

    context_length: int
    threads: int
    prompt_cache_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Launch:
    """One start of an engine, ready to be run.

    `argv` never holds the API key (other users can read a process's arguments); it travels in `env`,
    which is added to a cleaned copy of this process's environment. `context_length` is in tokens.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    context_length: int
    start_timeout_s: float = 120.0
    env_without: Sequence[str] = field(default=())
    """Prefixes of variables that must not reach the engine."""


class EngineAdapter(Protocol):
    """One engine. An adapter knows its engine's command line and its words; it holds no state."""

    id: str
    """Short and stable: stored with messages."""
    name: str
    """As its makers write it."""
    ready_path: str
    """Answers 200 once the model can reply, and not before."""
    dialect: Dialect

    def launch(self, model: LocalModel, options: LoadOptions, *, port: int, api_key: str) -> Launch:
        """How to serve `model` on loopback at `port`.

        Raises EngineMissing when the engine is not installed.
        """
        ...

    def explain_failure(self, model: LocalModel, log: str, exit_status: int | None) -> str:
        """Why a start failed, in one sentence that begins after "did not start: ".

        `exit_status` is None when the process still runs but never became ready.
        """
        ...

    def port_was_taken(self, log: str) -> bool:
        """True if a start failed only because another program had taken the port meanwhile."""
        ...
