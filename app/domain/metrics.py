"""What was measured of one reply, in the field's terms."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.generation import ServerTimings, Usage


@dataclass(frozen=True, slots=True)
class GenerationMetrics:
    """One reply as the person at the window experienced it. None means not measured, never zero.

    `ttft_s` runs from sending the request to its first content token, `duration_s` to its end, both in
    seconds. Token counts come from the engine's `usage`, never from counting chunks.
    """

    ttft_s: float | None
    duration_s: float
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    server_tokens_per_second: float | None = None

    @property
    def tokens_per_second(self) -> float | None:
        """Decode speed as seen by the client: 1 / TPOT, TPOT = (end-to-end - TTFT) / (n - 1)."""
        if self.ttft_s is None or self.completion_tokens is None or self.completion_tokens < 2:
            return None
        decoding = self.duration_s - self.ttft_s
        return (self.completion_tokens - 1) / decoding if decoding > 0 else None

    @classmethod
    def measured(
        cls, *, ttft_s: float | None, duration_s: float, usage: Usage | None, timings: ServerTimings | None
    ) -> GenerationMetrics:
        """Bring the client's stopwatch and the server's counts together."""
        return cls(
            ttft_s=ttft_s,
            duration_s=duration_s,
            prompt_tokens=usage.prompt_tokens if usage else None,
            completion_tokens=usage.completion_tokens if usage else None,
            server_tokens_per_second=timings.tokens_per_second if timings else None,
        )
