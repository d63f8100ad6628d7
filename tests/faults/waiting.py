"""Waiting on conditions, with a deadline, for what happens on other threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

DEADLINE_S = 30.0


def until(condition: Callable[[], object], deadline_s: float = DEADLINE_S) -> None:
    """Return once `condition` holds; an AssertionError after the deadline."""
    end, pause = time.monotonic() + deadline_s, threading.Event()
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        pause.wait(0.005)
