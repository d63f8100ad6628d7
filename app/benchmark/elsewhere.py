"""Watches nothing: for a server on another computer, of which this one's energy and load say nothing."""

from __future__ import annotations

from app.domain.speed_test import Watched


class Elsewhere:
    """See `app.benchmark.instruments.Watcher`."""

    def begin(self) -> None:
        """See `Watcher.begin`."""

    def lap(self) -> Watched:
        """Nothing was seen."""
        return Watched()

    def close(self) -> None:
        """See `Watcher.close`."""
