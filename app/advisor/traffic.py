"""How much is asked of a model, and when: requests a day, their tokens, and how far they come all at once.

A day's requests are taken to come evenly within its busy hours and not at all in the others. With the peak
factor p (requests in the busiest hour over those of a mean hour) these are 24 / p hours: of all days with
this peak the one that leaves a machine idle the longest. A month has 730 hours, as prices of machines count.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.advisor.figure import check

HOURS_PER_DAY = 24.0
SECONDS_PER_HOUR = 3600.0
HOURS_PER_MONTH = 8760.0 / 12
DAYS_PER_MONTH = HOURS_PER_MONTH / HOURS_PER_DAY

FEWEST_REQUESTS = 0.01
MOST_REQUESTS = 1e9
"""A day: more than all the world asks of one service."""
MOST_TOKENS = 10_000_000
"""Of a prompt or a reply: beyond any context length that there is."""
MOST_PEAK = HOURS_PER_DAY
"""All of a day's requests within one hour."""


class TrafficShape(StrEnum):
    """The three kinds of traffic that the framework comparison tells apart."""

    HIGH = "high"
    LOW = "low"
    BURSTY = "bursty"


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests a day, tokens of each one's prompt and reply, and the peak factor: requests in the busiest
    hour over those of a mean hour, 1 to 24. Raises `RefusedFigure`."""

    requests_per_day: float
    prompt_tokens: int
    output_tokens: int
    peak_factor: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what no traffic can be."""
        check("The number of requests a day", self.requests_per_day, FEWEST_REQUESTS, MOST_REQUESTS)
        check("The length of a prompt", self.prompt_tokens, 1, MOST_TOKENS, "tokens")
        check("The length of a reply", self.output_tokens, 1, MOST_TOKENS, "tokens")
        check("The peak factor", self.peak_factor, 1, MOST_PEAK)

    @property
    def busy_hours_per_day(self) -> float:
        """Hours in which the requests come."""
        return HOURS_PER_DAY / self.peak_factor

    @property
    def busy_seconds_per_day(self) -> float:
        """The same in seconds."""
        return self.busy_hours_per_day * SECONDS_PER_HOUR

    @property
    def peak_requests_per_s(self) -> float:
        """Requests a second in the busiest hour."""
        return self.requests_per_day / self.busy_seconds_per_day

    @property
    def peak_tokens_per_s(self) -> float:
        """Tokens of replies a second that are wanted in the busiest hour."""
        return self.peak_requests_per_s * self.output_tokens

    @property
    def requests_per_month(self) -> float:
        """Requests in 730 hours."""
        return self.requests_per_day * DAYS_PER_MONTH

    @property
    def output_tokens_per_month(self) -> float:
        """Tokens of replies in 730 hours."""
        return self.requests_per_month * self.output_tokens

    @property
    def prompt_tokens_per_month(self) -> float:
        """Tokens of prompts in 730 hours."""
        return self.requests_per_month * self.prompt_tokens


EXAMPLE_PROMPT_TOKENS = 500
EXAMPLE_OUTPUT_TOKENS = 300
"""A question with some context, and an answer of a few paragraphs: an example, for a person to change."""

EXAMPLES = {
    TrafficShape.HIGH: Traffic(200_000, EXAMPLE_PROMPT_TOKENS, EXAMPLE_OUTPUT_TOKENS, 1.5),
    TrafficShape.LOW: Traffic(200, EXAMPLE_PROMPT_TOKENS, EXAMPLE_OUTPUT_TOKENS, 3.0),
    TrafficShape.BURSTY: Traffic(5_000, EXAMPLE_PROMPT_TOKENS, EXAMPLE_OUTPUT_TOKENS, 24.0),
}
"""What each shape stands for until a person says otherwise: a service that is used all day, one of a small
office in its eight hours, and one whose requests all come within an hour. The comparison gives no figures."""
