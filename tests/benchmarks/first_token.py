"""From pressing Enter until the first text of the reply is painted, against the bare server.

Both ask the same kind of question on the same server, in turns; no question begins like an earlier one,
so that the prompt cache helps neither.
"""

from __future__ import annotations

from typing import Any

from app.domain.generation import SamplingParams
from app.engines.base import EngineAdapter
from app.storage.paths import Paths
from tests.benchmarks.bare_client import BareClient, unique
from tests.benchmarks.figures import at_most, median, spread
from tests.benchmarks.paced_engine import PacedEngine
from tests.benchmarks.window import Window, new_home, settle

ROUNDS = 40
WARM_UPS = 3
BAR_MS = 5.0
PARAMS = SamplingParams(temperature=0.0, max_tokens=8)
QUESTION = "Name three animals that live in the sea and say a word about each of them."


def measure() -> dict[str, Any]:
    with new_home() as paths:
        painted, bare, client = in_turns(paths)
        text = paths.home / "reply.txt"
        text.write_text("The sea is full of animals.", encoding="utf-8")
        instant, bare_instant, _ = in_turns(paths, PacedEngine(text, pace=1000.0))
    return {
        "over_the_raw_server": at_most(
            median(painted) - median(bare),
            BAR_MS,
            reference=median(bare),
            unit="ms above the reference; medians",
        ),
        "painted_ms": round(median(painted), 3),
        "within_client_ms": round(median(client), 3),
        "over_a_server_that_does_not_compute_ms": round(median(instant) - median(bare_instant), 3),
        "spread": {
            "painted": spread(painted),
            "bare": spread(bare),
            "within_client": spread(client),
            "outside_client": spread([a - b for a, b in zip(painted, client, strict=True)]),
            "painted_instant": spread(instant),
            "bare_instant": spread(bare_instant),
        },
    }


def in_turns(paths: Paths, engine: EngineAdapter | None = None) -> tuple[list[float], ...]:
    """Milliseconds to the first text: painted, over bare HTTP, and as the app's own client saw it."""
    painted, bare, client = [], [], []
    window = Window(paths, engine)
    try:
        window.wait_until_ready()
        server = BareClient.of(window.edgewise.supervisor)
        for round_number in range(WARM_UPS + ROUNDS):
            window.new_chat(PARAMS)
            turn = window.ask(unique(QUESTION))
            settle()
            reply = server.reply(unique(QUESTION), PARAMS)
            settle()
            metrics = turn.message.metrics if turn.message else None
            if metrics is None or metrics.ttft_s is None:
                raise RuntimeError(f"There was no reply: {turn.message}")
            if round_number >= WARM_UPS:
                painted.append((turn.first_painted - turn.sent) * 1000)
                bare.append(reply.first_text_s * 1000)
                client.append(metrics.ttft_s * 1000)
    finally:
        window.close()
    return painted, bare, client
