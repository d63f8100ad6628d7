"""`edgewise advise --use-case` and `--matrix`: which framework and model suit what is to be done."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator

from app.advisor.guide_answer import Alternative, GuideAnswer, MatrixRow, ModelSuggestion, Reason, Step
from app.advisor.guide_rules import rules
from app.cli.advise import measure_once, open_advice
from app.cli.command_line import OK
from app.cli.console import Console
from app.cli.hub_models import open_hub
from app.services.attached_servers import AttachedServers
from app.services.engine_parts import EngineParts
from app.services.guidance import Guidance, stored_rates
from app.storage.paths import Paths
from app.storage.settings import load_settings

WIDTH = 100
"""Columns of a terminal that sentences are wrapped at."""
_BULLET = "  – "


def advise_use_case(use_case: str, *, as_json: bool) -> int:
    """Answer for one use case of the matrix; returns the exit status. Raises StorageError."""
    console, guidance = Console(), _open(Console())
    answer = guidance.use_case(use_case)
    if as_json:
        console.write(_json({"use_case": use_case, **described(answer)}))
    else:
        for line in lines(answer):
            console.line(line)
    return OK


def show_matrix(*, as_json: bool) -> int:
    """Show all use cases; returns the exit status. Raises StorageError."""
    console, guidance = Console(), _open(Console())
    rows = guidance.matrix()
    if as_json:
        console.write(_json([described_row(row) for row in rows]))
    else:
        for line in matrix_lines(rows):
            console.line(line)
    return OK


def described(answer: GuideAnswer) -> dict[str, object]:
    """`answer` for a program: sizes in bytes, speeds in tokens a second, null where nobody knows."""
    return {
        "framework": answer.framework,
        "name": answer.name,
        "layer": answer.layer.id if answer.layer is not None else None,
        "way": answer.way,
        "headline": answer.headline,
        "answers": dict(answer.answers),
        "model": _model(answer.model) if answer.model is not None else None,
        "model_words": answer.model_words,
        "because": [_reason(it) for it in answer.because],
        "runners_up": [_alternative(it) for it in answer.runners_up],
        "instead_of": [_alternative(it) for it in answer.instead_of],
        "certainty": answer.certainty,
        "certainty_words": answer.certainty_words,
        "contradictions": [
            {"text": it.text, "source": it.source, "reference": it.reference, "measured": it.measured}
            for it in answer.contradictions
        ],
        "would_change": list(answer.would_change),
        "cautions": [_reason(it) for it in answer.cautions],
        "steps": [_step(it) for it in answer.steps],
        "reference": answer.reference,
    }


def described_row(row: MatrixRow) -> dict[str, object]:
    """A row of the matrix for a program."""
    return {
        "use_case": row.use_case.id,
        "label": row.use_case.label,
        "recommended": list(row.use_case.recommended),
        "recommended_words": row.recommended,
        "why": row.use_case.why,
        "source": row.source,
        "agrees": row.agrees,
        "verdict": row.verdict,
        "here": described(row.answer),
    }


def lines(answer: GuideAnswer) -> Iterator[str]:
    """`answer` for people."""
    yield from textwrap.wrap(answer.headline, WIDTH)
    yield from textwrap.wrap(answer.model_words, WIDTH)
    yield ""
    yield "Because"
    yield from _bullets(f"{it.text} ({it.source})" for it in answer.because)
    if answer.contradictions:
        yield "Measured otherwise than the comparison says"
        yield from _bullets(it.text for it in answer.contradictions)
    if answer.runners_up:
        yield "Nearly as good"
        yield from _bullets(f"{it.name}. {it.why}" for it in answer.runners_up)
    yield "Instead of"
    yield from _bullets(f"{it.name}. {it.why}" for it in answer.instead_of)
    if answer.cautions:
        yield "Mind"
        yield from _bullets(it.text for it in answer.cautions)
    yield f"How sure: {answer.certainty.value}"
    yield from _bullets([answer.certainty_words])
    if answer.would_change:
        yield "What would change it"
        yield from _bullets(answer.would_change)
    yield "What to do"
    yield from _bullets(f"{it.words} {it.blocked}".strip() for it in answer.steps)


def matrix_lines(rows: tuple[MatrixRow, ...]) -> Iterator[str]:
    """The matrix for people."""
    for row in rows:
        yield f"{row.use_case.label}  (--use-case {row.use_case.id})"
        yield from _bullets(
            [f"The comparison: {row.recommended}. {row.use_case.why}.", f"This machine: {row.verdict}"]
        )


def use_cases() -> tuple[str, ...]:
    """The ids that there are."""
    return tuple(it.id for it in rules().use_cases)


def _open(console: Console) -> Guidance:
    """The guide, with the memory's bandwidth measured if it never was."""
    paths = Paths.find()
    advice = open_advice(paths, open_hub(paths))
    measure_once(advice, paths, console)
    console.transient("Looking at this machine…")

    def offline() -> bool:
        return load_settings(paths.settings).offline

    guidance = Guidance(
        paths,
        advice,
        EngineParts(paths),
        rates=lambda machine: stored_rates(paths, machine),
        attached=AttachedServers(paths, offline).all,
        offline=offline,
    )
    try:
        guidance.look()
    finally:
        console.settle()
    return guidance


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _bullets(sentences: Iterator[str] | list[str] | tuple[str, ...]) -> Iterator[str]:
    for sentence in sentences:
        yield from textwrap.wrap(
            sentence,
            WIDTH,
            initial_indent=_BULLET,
            subsequent_indent=" " * len(_BULLET),
            break_long_words=False,
        )


def _model(model: ModelSuggestion) -> dict[str, object]:
    return {
        "id": model.model_id,
        "name": model.name,
        "precision": model.precision,
        "format": model.format,
        "repository": model.repository,
        "parameters": model.parameters,
        "size": model.size,
        "tokens_per_second": model.speed,
        "verdict": model.verdict,
        "path": str(model.path) if model.path is not None else None,
    }


def _reason(reason: Reason) -> dict[str, object]:
    return {"text": reason.text, "source": reason.source, "certainty": reason.certainty}


def _alternative(it: Alternative) -> dict[str, object]:
    return {
        "framework": it.id,
        "name": it.name,
        "why": it.why,
        "source": it.source,
        "possible": it.possible,
        "experimental": it.experimental,
    }


def _step(step: Step) -> dict[str, object]:
    return {
        "kind": step.kind,
        "words": step.words,
        "engine": step.engine,
        "repository": step.model.repository if step.model is not None else None,
        "precision": step.model.precision if step.model is not None else None,
        "server": step.server or None,
        "done": step.done,
        "blocked": step.blocked or None,
    }
