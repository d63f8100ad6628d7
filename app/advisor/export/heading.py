"""What stands above a program: what it is, what it needs, and what to know of it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from app.advisor.export.literals import WIDTH, comment
from app.advisor.export.sources import MAX_NAME
from app.advisor.export.values import Chat, Exportable, Pipeline, StructuredOutput, Target, models_of
from app.models.one_line import one_line

_WHAT = {Chat: "A chat", StructuredOutput: "Structured output", Pipeline: "A pipeline"}
_FILE = {Chat: "chat", StructuredOutput: "structured", Pipeline: "pipeline"}


def heading(
    thing: Exportable, target: Target, requirements: Sequence[str], notes: Sequence[str]
) -> list[str]:
    """Lines of comments."""
    names = ", ".join(dict.fromkeys(one_line(model.name, MAX_NAME) for model in models_of(thing)))
    lines = wrapped(f"{_WHAT[type(thing)]} with {names}, for {target.label}. Written by Edgewise.")
    if requirements:
        lines.append("# It needs: pip install " + " ".join(f"'{one}'" for one in requirements))
    for note in notes:
        lines += ["#", *wrapped(note)]
    return lines


def file_name(thing: Exportable, target: Target, ending: str) -> str:
    """What to call the program."""
    return f"{_FILE[type(thing)]}_{target}.{ending}"


def wrapped(sentence: str) -> list[str]:
    """A sentence as lines of comments."""
    return textwrap.wrap(
        comment(sentence), WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
    )
