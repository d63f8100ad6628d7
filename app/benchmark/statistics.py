"""What is made of the times that were measured: medians with their spread, and which rounds count."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.domain.speed_test import Case, CaseResult, RequestSample, Round, Spread, Watched

PROMPT_TOLERANCE = 0.03
"""How far the engine's count of a prompt may lie from the length that was asked for, as a share of it: chat
templates and tokenizers differ a little."""
PROMPT_TOLERANCE_TOKENS = 4
"""The same in tokens, for short prompts."""


def spread(values: Iterable[float | None]) -> Spread | None:
    """Median, 5th and 95th percentile of those values that there are; None if there are none."""
    ordered = sorted(value for value in values if value is not None)
    if not ordered:
        return None
    return Spread(_quantile(ordered, 0.5), _quantile(ordered, 0.05), _quantile(ordered, 0.95), len(ordered))


def case_result(case: Case, rounds: Sequence[Round], watched: Watched = Watched()) -> CaseResult:  # noqa: B008  # a frozen value
    """What the rounds of one case come to.

    A round counts if every request of it ended well with exactly the tokens asked for, some with text, from a
    prompt that was as long as asked (`PROMPT_TOLERANCE`) where the engine says how long. Others are among
    `rounds` and `short_rounds`; no figure is made of them.

    `itl` is over all gaps of all requests. `output_rate` is (all completion tokens) / span of each round,
    `total_rate` the same with the prompts' tokens.
    """
    problems = [_problem(case, it) for it in rounds]
    valid = [it for it, problem in zip(rounds, problems, strict=True) if not problem]
    short = len(rounds) - len(valid)
    samples = [sample for it in valid for sample in it.samples]
    pieces = sum(len(sample.gaps_s) + 1 for sample in samples)
    made = sum(sample.completion_tokens or 0 for sample in samples)
    return CaseResult(
        case,
        rounds=len(rounds),
        short_rounds=short,
        ttft=spread(sample.ttft_s for sample in samples),
        itl=spread(gap for sample in samples for gap in sample.gaps_s),
        tpot=spread(sample.tpot_s for sample in samples),
        duration=spread(sample.duration_s for sample in samples),
        output_rate=spread(_rate(it, prompts=False) for it in valid),
        total_rate=spread(_rate(it, prompts=True) for it in valid),
        server_rate=spread(sample.timings.tokens_per_second for sample in samples if sample.timings),
        prompt_tokens=_median_count(sample.prompt_tokens for sample in samples),
        completion_tokens=_median_count(sample.completion_tokens for sample in samples),
        tokens_per_piece=made / pieces if pieces else None,
        problem=_sentence(next(filter(None, problems), ""), short, len(rounds)),
        watched=watched,
    )


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Linear between the two order statistics that it lies between (Hyndman and Fan 1996, definition 7)."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _rate(done: Round, *, prompts: bool) -> float | None:
    """Tokens a second of all requests together; None where they were not told."""
    tokens = 0
    for sample in done.samples:
        if sample.completion_tokens is None or (prompts and sample.prompt_tokens is None):
            return None
        tokens += sample.completion_tokens + ((sample.prompt_tokens or 0) if prompts else 0)
    return tokens / done.span_s if done.span_s > 0 else None


def _median_count(counts: Iterable[int | None]) -> int | None:
    found = spread(counts)
    return None if found is None else round(found.median)


def _problem(case: Case, done: Round) -> str:
    """Why a round does not count, in a sentence; empty if it does."""
    asked, samples = case.shape.output_tokens, done.samples
    failed = [sample for sample in samples if sample.error]
    if failed:
        return f"{_of(failed, samples, 'request')} failed: {failed[0].error}"
    if any(sample.completion_tokens is None for sample in samples):
        return "The engine did not say how many tokens its replies had."
    other = [sample for sample in samples if sample.completion_tokens != asked]
    if other:
        return (
            f"{_of(other, samples, 'reply')} had {_tokens(other[0].completion_tokens or 0)} instead of the"
            f" {asked:,} asked for."
        )
    empty = [sample for sample in samples if sample.ttft_s is None]
    if empty:
        return f"{_of(empty, samples, 'reply')} had no text."
    wanted = case.shape.depth + case.shape.prompt_tokens
    tolerance = max(PROMPT_TOLERANCE_TOKENS, PROMPT_TOLERANCE * wanted)
    strange = [
        it for it in samples if it.prompt_tokens is not None and abs(it.prompt_tokens - wanted) > tolerance
    ]
    if strange:
        return (
            f"{_of(strange, samples, 'prompt')} had {_tokens(strange[0].prompt_tokens or 0)} instead of the"
            f" {wanted:,} asked for."
        )
    return ""


def _of(some: Sequence[RequestSample], all_of_them: Sequence[RequestSample], name: str) -> str:
    """The subject of a sentence: "3 of 16 requests"; "The request" where it is the only one."""
    if len(all_of_them) == 1:
        return f"The {name}"
    names = "replies" if name == "reply" else f"{name}s"
    return f"{len(some)} of {len(all_of_them)} {names}"


def _tokens(count: int) -> str:
    return "1 token" if count == 1 else f"{count:,} tokens"


def _sentence(cause: str, short: int, rounds: int) -> str:
    if not cause:
        return ""
    if short == rounds:
        return cause
    return f"{short} of {rounds} rounds {'does' if short == 1 else 'do'} not count. {cause}"
