"""The engine's life: start until ready, cancel until its slot is free again, stop."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import replace
from typing import Any

from app.domain.generation import Cancellation, ChatMessage, ChatRequest, Role, SamplingParams, TextDelta
from app.domain.model import LocalModel
from app.engines.base import Launch, LoadOptions
from app.engines.llama_cpp import LlamaCpp
from app.engines.loaded_model import LoadedModel
from app.models.library import find_model, local_models
from app.services.loading import LoadWishes, load_model
from tests.benchmarks.bare_client import long_question
from tests.benchmarks.figures import at_most, median, spread
from tests.benchmarks.window import new_home

ROUNDS = 5
CANCELS_EACH = 4
BAR_MS = 200.0
POLL_S = 0.001


class LlamaCppWithSlots(LlamaCpp):
    """The app keeps the server's slots private; here they tell when one is free again."""

    def launch(self, model: LocalModel, options: LoadOptions, *, port: int, api_key: str) -> Launch:
        launch = super().launch(model, options, port=port, api_key=api_key)
        return replace(launch, argv=tuple("--slots" if a == "--no-slots" else a for a in launch.argv))


def measure() -> dict[str, Any]:
    starts, stops, cancels, ends = [], [], [], []
    with new_home() as paths:
        model = find_model(local_models(paths.models), None)
        for round_number in range(ROUNDS + 1):
            begin = time.perf_counter()
            loaded = load_model(LlamaCppWithSlots(), model, LoadWishes(), logs=paths.logs)
            started = time.perf_counter()
            try:
                for _ in range(CANCELS_EACH):
                    ended, freed = cancel_latency(loaded)
                    ends.append(ended * 1000)
                    cancels.append(freed * 1000)
            finally:
                stopping = time.perf_counter()
                loaded.stop()
            if round_number:  # the first one warms the disk's cache
                starts.append((started - begin) * 1000)
                stops.append((time.perf_counter() - stopping) * 1000)
    return {
        "cancel_to_free_slot": at_most(max(cancels), BAR_MS, unit="ms, the slowest"),
        "cancel_to_end_of_stream_ms": round(max(ends), 2),
        "start_to_ready_ms": round(median(starts), 1),
        "stop_ms": round(median(stops), 1),
        "spread": {"cancel_to_free_slot": spread(cancels), "start": spread(starts), "stop": spread(stops)},
    }


def cancel_latency(loaded: LoadedModel) -> tuple[float, float]:
    """Seconds from cancelling a reply until our stream ends, and until the server works on it no more."""
    question = [ChatMessage(Role.USER, long_question())]
    cancellation = Cancellation()
    events = loaded.client.stream(ChatRequest(question, SamplingParams(), ignore_eos=True), cancellation)
    pieces = 0
    for event in events:
        pieces += isinstance(event, TextDelta)
        if pieces == 16:
            break
    if not busy(loaded):
        raise RuntimeError("The server is not working on the reply; there is nothing to cancel.")
    begin = time.perf_counter()
    cancellation.cancel()
    for _ in events:
        pass
    ended = time.perf_counter() - begin
    while busy(loaded):
        if time.perf_counter() - begin > 10:
            raise TimeoutError("The slot was not freed.")
        time.sleep(POLL_S)
    return ended, time.perf_counter() - begin


def busy(loaded: LoadedModel) -> bool:
    """Whether the server works on any reply."""
    address = loaded.client._address
    connection = http.client.HTTPConnection(address.host, address.port)
    try:
        connection.request("GET", "/slots", headers={"Authorization": f"Bearer {address.api_key}"})
        slots = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return any(slot["is_processing"] for slot in slots)
