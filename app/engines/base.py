"""What every engine adapter says of its engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from app.domain.engine import Fitness
from app.domain.generation import Cancellation, ChatBackend
from app.domain.hub import Format
from app.domain.machine import Machine
from app.domain.model import LocalModel
from app.engines.openai_client import Dialect

HOST = "127.0.0.1"
"""Where every engine of this machine listens: nobody outside can reach it."""


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How a model is to be loaded.

    `context_length` is in tokens; `threads` counts the CPU threads that compute; `prompt_cache_bytes`
    bounds what may be kept of prompts beside the KV cache. The rest is for engines that compute in floating
    point: `dtype` ("auto": as the model is stored), `quantize_bits` (8 or 4: on loading), and on GPUs
    `gpu_memory_share` of all its memory (None: the engine's own choice) and `tensor_parallel`, the GPUs that
    share each layer. `kv_cache_bytes` are reserved for the KV cache by engines that set a pool of it aside
    in main memory (None: the adapter's own choice). `parallel` replies are made at once, more wait (None: the
    adapter's own choice). In llama.cpp they share `context_length` tokens, of which each may take as many as
    the model was trained for; elsewhere each may take so many, and they share the pool. `gpu_layers` of a
    GGUF model are kept on GPUs, the output counted as one (None: as many as llama.cpp finds room for);
    `devices` are llama.cpp's names of these GPUs (none: its own choice).
    """

    context_length: int
    threads: int
    prompt_cache_bytes: int = 0
    dtype: str = "auto"
    quantize_bits: int | None = None
    gpu_memory_share: float | None = None
    tensor_parallel: int = 1
    kv_cache_bytes: int | None = None
    parallel: int | None = None
    gpu_layers: int | None = None
    devices: tuple[str, ...] = ()


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


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What an engine says of the memory it reserved for a model, in bytes; 0 where it does not say.

    `gpu_layers` counts the output as one; `gpu_bytes` are all its buffers on GPUs. `mapped_bytes` of the
    model's file are mapped for computing on the processor; of these, `repeated_bytes` were laid out anew for
    it, so that the file's own pages are in memory without being needed.
    """

    gpu_layers: int = 0
    gpu_bytes: int = 0
    mapped_bytes: int = 0
    repeated_bytes: int = 0


class InstalledEnvironment(Protocol):
    """The environment that an engine was installed into; see `app.engines.environment`."""

    def python(self) -> Path:
        """The Python that has the engine. Raises EngineMissing, with what to do."""
        ...


class ReadyModel(Protocol):
    """A model that can reply: loaded by an engine of this machine, or served by somebody else's.

    `name` is what a person reads; `context_length` is in tokens.
    """

    @property
    def name(self) -> str: ...

    @property
    def client(self) -> ChatBackend: ...

    @property
    def context_length(self) -> int: ...

    def stop(self) -> None:
        """End it; a server that somebody else runs goes on. Blocks until it is gone."""
        ...


class AttachedEngine(Protocol):
    """A server that somebody else runs, as an engine: it has models, and no process of ours.

    `id` is stored with messages ("attached:3"); `remote` says that it is on another machine.
    """

    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def remote(self) -> bool: ...

    def models(self) -> tuple[str, ...]:
        """The names of its models as they were last seen. Quick: asks nobody."""
        ...

    def connect(self, model: str | None, cancellation: Cancellation) -> ReadyModel:
        """The model of that name (None: its first), once the server has answered. Blocks.

        Raises an EdgewiseError with a whole sentence: not reachable, the key refused, no such model, offline.
        """
        ...


class EngineAdapter(Protocol):
    """One engine. An adapter knows its engine's command line and its words; it holds no state."""

    id: str
    """Short and stable: stored with messages."""
    name: str
    """As its makers write it."""
    ready_path: str
    """Answers 200 once the model can reply, and not before."""
    dialect: Dialect
    formats: tuple[Format, ...]
    """What it loads, what it loads best first."""
    environment: str | None
    """The environment of resources/engines.json that it runs in; None: it comes with Edgewise."""

    def fitness(self, machine: Machine) -> Fitness:
        """Whether it can run on such a machine; the environment may still have to be installed."""
        ...

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

    def lacked_memory(self, log: str, exit_status: int | None) -> bool:
        """True if a start failed for want of memory."""
        ...

    def read_load(self, log: str) -> LoadReport:
        """What the log of a model that is ready says of its memory."""
        ...

    def start_progress(self, log: str) -> str:
        """What a start is at, in a few words, from its log so far; empty if that does not say."""
        ...

    def port_was_taken(self, log: str) -> bool:
        """True if a start failed only because another program had taken the port meanwhile."""
        ...
