"""A model that an engine has loaded and serves: adapter, process and client brought together."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from app.domain.errors import EngineStartFailed, NotEnoughMemory
from app.domain.generation import Cancellation
from app.domain.model import LocalModel
from app.engines.address import Address
from app.engines.base import HOST, EngineAdapter, Launch, LoadOptions, LoadReport
from app.engines.memory import Resident, resident_memory
from app.engines.openai_client import OpenAIClient
from app.engines.process import EngineProcess, free_port, new_api_key

PORT_ATTEMPTS = 3
"""Between finding a free port and the engine's bind another program may take it."""


class LoadedModel:
    """One model, ready to reply. Made by `load`; ended by `stop`.

    `launch` is how it was started; `load_s` the seconds from the start of its process until it was ready.
    """

    def __init__(
        self,
        model: LocalModel,
        adapter: EngineAdapter,
        process: EngineProcess,
        address: Address,
        launch: Launch,
        load_s: float,
    ) -> None:
        self.model = model
        self.adapter = adapter
        self.process = process
        self.address = address
        self.launch = launch
        self.load_s = load_s
        self.client = OpenAIClient(address, adapter.dialect)
        self.context_length = launch.context_length

    @property
    def name(self) -> str:
        """What a person calls the model."""
        return self.model.name

    @classmethod
    def load(
        cls,
        adapter: EngineAdapter,
        model: LocalModel,
        options: LoadOptions,
        *,
        logs: Path,
        cancellation: Cancellation | None = None,
        on_wait: Callable[[EngineProcess], None] = lambda _: None,
    ) -> LoadedModel:
        """Start the engine with `model` and block until it is ready.

        `on_wait` is called with the process, on this thread, about twice a second until then. Raises
        EngineMissing or EngineStartFailed (NotEnoughMemory among them), each with a whole sentence.
        """
        cancellation = cancellation or Cancellation()
        for attempt in range(1, PORT_ATTEMPTS + 1):
            port, key = free_port(), new_api_key()
            launch = adapter.launch(model, options, port=port, api_key=key)
            log_path = logs / f"{adapter.id}-{time.strftime('%Y%m%d-%H%M%S')}-{port}.log"
            began = time.monotonic()
            process = EngineProcess.start(launch, log_path=log_path)
            try:
                process.wait_until_ready(
                    port=port,
                    path=adapter.ready_path,
                    timeout_s=launch.start_timeout_s,
                    cancellation=cancellation,
                    on_wait=partial(on_wait, process),
                )
            except EngineStartFailed as error:
                if adapter.port_was_taken(error.detail) and attempt < PORT_ATTEMPTS:
                    continue
                if cancellation.cancelled:
                    raise
                log, status = error.detail, process.exit_status
                kind = NotEnoughMemory if adapter.lacked_memory(log, status) else EngineStartFailed
                reason = adapter.explain_failure(model, log, status)
                raise kind(f"{model.name} did not start: {reason}", detail=log) from error
            took = time.monotonic() - began
            return cls(model, adapter, process, Address(HOST, port, key, model.name), launch, took)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def report(self) -> LoadReport:
        """What the engine says of the memory it reserved. Reads its log: ask soon after the load."""
        return self.adapter.read_load(self.process.read_log())

    def memory(self, report: LoadReport) -> int | None:
        """Bytes that the model takes now, with all its engine's processes; None when that cannot be seen.

        Main memory as it was measured, with the pages of the model's file that are needed, and what the
        engine says it has on GPUs. Any thread; about a millisecond.
        """
        resident = resident_memory(self.process.pid)
        if resident is None:
            return None
        # Engines of other kinds let go of their model's files, unless they say that they compute in them.
        keeps_file = self.adapter.environment is None or report.mapped_bytes > 0
        return needed_memory(resident, report, self.model.size if keeps_file else 0) + report.gpu_bytes

    def stop(self, *, at_once: bool = False) -> None:
        """End the engine. Blocks until it is gone. `at_once`: by force, see `EngineProcess.stop`."""
        self.process.stop(at_once=at_once)


def needed_memory(resident: Resident, report: LoadReport, file_size: int) -> int:
    """Bytes of `resident` without those pages of the model's file that nothing reads any more.

    Weights that were laid out anew, or that went to a GPU, stay mapped until the system wants the memory
    for something else: a Q4_K model would seem to take twice its size.
    """
    if resident.of_files is None:
        return max(resident.total - report.repeated_bytes, report.repeated_bytes)
    needed = max(0, report.mapped_bytes - report.repeated_bytes)
    idle = min(max(0, resident.of_files - needed), max(0, file_size - needed))
    return resident.total - idle
