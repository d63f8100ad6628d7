"""Templates of prompts: text in which `{word}` stands for an input or for an earlier step's reply.

There is nothing to escape: braces around anything but a name are text, as in the JSON of an example.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection
from dataclasses import dataclass

from app.advisor.export.values import CannotExport, Pipeline

_VARIABLE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_MAX_NAME = 64


@dataclass(frozen=True, slots=True)
class Variable:
    """Where the value of this name goes."""

    name: str


def parts_of(template: str) -> list[str | Variable]:
    """The texts (none of them empty) and variables of `template`, in their order."""
    parts: list[str | Variable] = []
    at = 0
    for found in _VARIABLE.finditer(template):
        if found.start() > at:
            parts.append(template[at : found.start()])
        parts.append(Variable(found[1]))
        at = found.end()
    if at < len(template):
        parts.append(template[at:])
    return parts


def check(pipeline: Pipeline) -> None:
    """Raises CannotExport unless every step has a name of its own and uses none that is not there by then."""
    if not pipeline.steps:
        raise CannotExport("There is nothing to export yet: the pipeline has no steps.")
    known: set[str] = set()
    for name in pipeline.inputs:
        _check_name(name, known)
        known.add(name)
    for step in pipeline.steps:
        _check_name(step.name, known)
        for part in parts_of(step.template):
            if isinstance(part, Variable) and part.name not in known:
                raise CannotExport(
                    f"The step “{step.name}” uses {{{part.name}}}, which is neither an input nor an earlier"
                    " step."
                )
        known.add(step.name)


def _check_name(name: str, taken: Collection[str]) -> None:
    if not _NAME.fullmatch(name) or len(name) > _MAX_NAME or keyword.iskeyword(name):
        raise CannotExport(
            f"“{name[:_MAX_NAME]}” cannot be a name in code: letters, digits and “_” can, after a letter."
        )
    if name in taken:
        raise CannotExport(f"Two inputs or steps of the pipeline are called “{name}”.")
