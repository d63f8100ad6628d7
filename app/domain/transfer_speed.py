"""How fast something arrives, from how much was there when."""

from __future__ import annotations

from collections import deque

WINDOW_S = 5.0
SHORTEST_S = 0.5
"""Over less than this no speed is told: it would be noise."""


class TransferSpeed:
    """A mean over the last `WINDOW_S`. Times are of one monotonic clock, in seconds; counts in bytes."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def clear(self) -> None:
        """Begin anew, as after a pause."""
        self._samples.clear()

    def add(self, now: float, done: int) -> None:
        """`done` bytes are there. Fewer than before (what was damaged is gone) begins anew."""
        if self._samples and done < self._samples[-1][1]:
            self._samples.clear()
        self._samples.append((now, done))
        self._forget(now)

    def rate(self, now: float) -> float | None:
        """Bytes per second; None when nothing can be said yet. It sinks while nothing arrives."""
        self._forget(now)
        if not self._samples:
            return None
        since, before = self._samples[0]
        if now - since < SHORTEST_S:
            return None
        return (self._samples[-1][1] - before) / (now - since)

    def _forget(self, now: float) -> None:
        # The newest sample before the window stays: the window begins there.
        while len(self._samples) > 1 and self._samples[1][0] <= now - WINDOW_S:
            self._samples.popleft()
