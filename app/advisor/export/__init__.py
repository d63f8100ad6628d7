"""Chats, structured output and pipelines as code that runs without Edgewise.

`export(thing, target)` writes it, in the APIs of the versions in `versions`. Nothing that anybody wrote can
end the literal that it stands in (`literals`).
"""

from __future__ import annotations

from collections.abc import Callable

from app.advisor.export import (
    curl,
    langchain,
    llama_cpp,
    regex_grammar,
    sglang,
    tensorrt_llm,
    transformers,
    vllm,
)
from app.advisor.export.literals import json_text
from app.advisor.export.program import Parts, Plan, write
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
    "Model",
    "Pipeline",
    "Step",
    "StructuredOutput",
    "Target",
    "export",
]

_IN_PROCESS: dict[Target, Callable[[Plan], Parts]] = {
    Target.TRANSFORMERS: transformers.parts,
    Target.VLLM: vllm.parts,
    Target.LLAMA_CPP: llama_cpp.parts,
    Target.SGLANG: sglang.parts,
    Target.TENSORRT_LLM: tensorrt_llm.parts,
}


def export(thing: Exportable, target: Target) -> Code:
    """`thing` as a program for `target`. Reads and writes no files.

    Raises CannotExport where there is nothing to write, or the target cannot be told of it.
    """
    if isinstance(thing, StructuredOutput):
        _check_form(thing)
    if target is Target.CURL:
        return curl.write(thing)
    if target is Target.LANGCHAIN:
        return langchain.write(thing)
    return write(thing, target, _IN_PROCESS[target])


def _check_form(thing: StructuredOutput) -> None:
    if thing.regex is not None:
        regex_grammar.check(thing.regex)
        return
    try:
        json_text(thing.schema)
    except (TypeError, ValueError, RecursionError) as error:
        raise CannotExport(f"The schema cannot be written as JSON: {error}.") from error
