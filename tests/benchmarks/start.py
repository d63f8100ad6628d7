"""From the start of the process until the window can be used, against a bare PySide6 window.

Fresh processes in turns, both with their bytecode cached, as an installed program has it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from tempfile import TemporaryDirectory
from typing import Any

from app.domain.generation import Role
from app.storage.conversations import Conversations
from app.storage.database import Database
from app.storage.paths import Paths
from tests.benchmarks.figures import at_most, median, spread
from tests.benchmarks.window import new_home

ROUNDS = 11
BAR = 1.5
CONVERSATIONS = 20


def measure() -> dict[str, Any]:
    painted, usable, bare = [], [], []
    with TemporaryDirectory(prefix="edgewise-bench-bytecode-") as bytecode, new_home() as paths:
        fill(paths)
        environment = {name: v for name, v in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = bytecode
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
        for round_number in range(ROUNDS + 1):
            (bare_s,) = seconds("bare_window", environment)
            painted_s, usable_s = seconds("app_window", environment)
            if round_number:  # the first one fills the caches
                bare.append(bare_s * 1000)
                painted.append(painted_s * 1000)
                usable.append(usable_s * 1000)
    ratios = [ours / theirs for ours, theirs in zip(usable, bare, strict=True)]
    return {
        "usable": at_most(
            median(usable), BAR, reference=median(bare), ratio=median(ratios), unit="ms; bare window"
        ),
        "painted_ms": round(median(painted), 1),
        "painted_ratio": round(median([a / b for a, b in zip(painted, bare, strict=True)]), 3),
        "spread": {
            "usable": spread(usable),
            "painted": spread(painted),
            "bare": spread(bare),
            "ratio": spread(ratios),
        },
    }


def fill(paths: Paths) -> None:
    """Conversations as somebody has them after a week."""
    with Database.open(paths.database) as database:
        store = Conversations(database)
        for number in range(CONVERSATIONS):
            conversation = store.create().result()
            question = store.append(conversation.id, Role.USER, f"Question {number}", parent_id=None).result()
            store.append(conversation.id, Role.ASSISTANT, "An *answer*.", parent_id=question.id).result()


def seconds(script: str, environment: dict[str, str]) -> list[float]:
    """Run a script; the moments it prints, counted from the start of its process."""
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", f"tests.benchmarks.{script}"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        timeout=120,
    )
    return [float(moment) - begin for moment in done.stdout.split()]
