"""Chats, structured output and pipelines as code that runs without Edgewise; moves between frameworks.

`export(thing, target)` writes it, in the APIs of the versions in `versions`. Nothing that anybody wrote can
end the literal that it stands in (`literals`).
"""

from __future__ import annotations

from app.advisor.export import curl, langchain, regex_grammar
from app.advisor.export.literals import json_text
from app.advisor.export.migrations import Migration, Move, migration
from app.advisor.export.program import write
from app.advisor.export.targets import IN_PROCESS
from app.advisor.export.values import (
    CannotExport,
    Chat,
    Code,
    Exportable,
    Model,
    Pipeline,
    Step,
    StructuredOutput,
    Target,
)

__all__ = [
    "CannotExport",
    "Chat",
    "Code",
    "Exportable",
    "Migration",
    "Model",
    "Move",
    "Pipeline",
    "Step",
    "StructuredOutput",
    "Target",
    "export",
    "migration",
]


def export(thing: Exportable, target: Target) -> Code:
    """`thing` as a program for `target`. Reads and writes no files.

    Raises CannotExport where there is nothing to write, or the target cannot be told of it.
    """
    if isinstance(thing, StructuredOutput):
        _check_form(thing)
    try:
        if target is Target.CURL:
            return curl.write(thing)
        if target is Target.LANGCHAIN:
            return langchain.write(thing)
        return write(thing, target, IN_PROCESS[target])
    except ValueError as error:  # a NUL where a shell's word shall stand
        raise CannotExport(f"That cannot be written as code: {error}.") from error


def _check_form(thing: StructuredOutput) -> None:
    if thing.regex is not None:
        regex_grammar.check(thing.regex)
        return
    try:
        json_text(thing.schema)
    except (TypeError, ValueError, RecursionError) as error:
        raise CannotExport(f"The schema cannot be written as JSON: {error}.") from error
