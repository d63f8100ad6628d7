"""A model that an engine has loaded and serves: adapter, process and client brought together."""

from __future__ import annotations

import time
from pathlib import Path

from app.domain.errors import EngineStartFailed
from app.domain.generation import Cancellation
from app.domain.model import LocalModel
from app.engines.base import EngineAdapter, LoadOptions
from app.engines.openai_client import Address, OpenAIClient
from app.engines.process import HOST, EngineProcess, free_port, new_api_key

PORT_ATTEMPTS = 3
"""Between finding a free port and the engine's bind another program may take it."""


class LoadedModel:
    """One model, ready to reply. Made by `load`; ended by `stop`."""

    def __init__(
        self,
        model: LocalModel,
        adapter: EngineAdapter,
        process: EngineProcess,
        client: OpenAIClient,
        context_length: int,
    ) -> None:
        self.model = model
        self.adapter = adapter
        self.process = process
        self.client = client
        self.context_length = context_length

    @classmethod
    def load(
        cls,
        adapter: EngineAdapter,
        model: LocalModel,
        options: LoadOptions,
        *,
        logs: Path,
        cancellation: Cancellation | None = None,
    ) -> LoadedModel:
        """Start the engine with `model` and block until it is ready.

        Raises EngineMissing or EngineStartFailed, each with a whole sentence.
        """
        cancellation = cancellation or Cancellation()
        for attempt in range(1, PORT_ATTEMPTS + 1):
            port, key = free_port(), new_api_key()
            launch = adapter.launch(model, options, port=port, api_key=key)
            log_path = logs / f"{adapter.id}-{time.strftime('%Y%m%d-%H%M%S')}-{port}.log"
            process = EngineProcess.start(launch, log_path=log_path)
            try:
                process.wait_until_ready(
                    port=port,
                    path=adapter.ready_path,
                    timeout_s=launch.start_timeout_s,
                    cancellation=cancellation,
                )
            except EngineStartFailed as error:
                if adapter.port_was_taken(error.detail) and attempt < PORT_ATTEMPTS:
                    continue
                if cancellation.cancelled:
                    raise
                reason = adapter.explain_failure(model, error.detail, process.exit_status)
                raise EngineStartFailed(
                    f"{model.name} did not start: {reason}", detail=error.detail
                ) from error
            client = OpenAIClient(Address(HOST, port, key, model.name), adapter.dialect)
            return cls(model, adapter, process, client, launch.context_length)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def stop(self) -> None:
        """End the engine. Blocks until it is gone."""
        self.process.stop()
