"""Where a download stands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.domain.hub import Variant


class DownloadState(StrEnum):
    """One download's life: waiting → running → verifying → done."""

    WAITING = "waiting"
    RUNNING = "running"
    VERIFYING = "verifying"
    RETRYING = "retrying"
    """Something passing went wrong; it goes on by itself at `retry_in_s`."""
    PAUSED = "paused"
    FAILED = "failed"
    """`error` says why; a person may try again."""
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Download:
    """One entry of the queue, as it stands now. Sizes in bytes, times in seconds; None: not known."""

    id: int
    name: str
    """What a person reads: "Qwen3 4B · Q4_K_M"."""
    variant: Variant
    state: DownloadState
    done: int = 0
    size: int | None = None
    speed: float | None = None
    """Bytes per second over the last seconds."""
    seconds_left: float | None = None
    retry_in_s: float | None = None
    error: str = ""
    detail: str = ""
    needs_token: bool = False
    """Failed because the repository is gated and no token, or none that was granted access, is known."""
    token_refused: bool = False
    """Of those: the hub does not accept the token at all. Not known any more after a restart."""

    @property
    def active(self) -> bool:
        """Whether it goes on by itself."""
        return self.state in (
            DownloadState.WAITING,
            DownloadState.RUNNING,
            DownloadState.VERIFYING,
            DownloadState.RETRYING,
        )
