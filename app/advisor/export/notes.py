"""What to know of a program: what is to be filled in, and what differs from the same thing in Edgewise."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from app.advisor.export.parameters import is_greedy, left_out
from app.advisor.export.sources import Source
from app.advisor.export.values import (
    Exportable,
    Model,
    Pipeline,
    StructuredOutput,
    Target,
    chat_of,
    replies_of,
)
from app.domain.generation import PARAMETERS, Role, SamplingParams
from app.engines.llama_cpp import LlamaCpp
from app.engines.transformers import Transformers

PENALTY_WINDOW = 64
"""Tokens that llama.cpp's repeat penalty looks back at (`penalty_last_n` in its common/common.h)."""

_LIMITS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_LABELS = {parameter.name: parameter.label for parameter in PARAMETERS}


def notes_on(thing: Exportable, target: Target, sources: Sequence[Source]) -> tuple[str, ...]:
    """For a program that computes by itself, in `target`."""
    engines = {model: target.value for model, _ in replies_of(thing)}
    return _unique(
        [
            *(source.note for source in sources),
            *_of_the_chat(thing),
            *_of_sampling(thing, engines),
            *_of_seeds(thing, target),
            *_of_the_form(thing, target.value),
            *_of_limits(thing, target),
        ]
    )


def notes_on_servers(
    thing: Exportable, engines: Mapping[Model, str], sources: Sequence[Source]
) -> tuple[str, ...]:
    """For a program that asks servers; `engines` are their kinds by the models that they have."""
    missing = dict.fromkeys(
        _LABELS[name] for model, params in replies_of(thing) for name in left_out(params, engines[model])
    )
    return _unique(
        [
            *(source.note for source in sources),
            *_of_the_chat(thing),
            *_of_sampling(thing, engines),
            (
                f"Left out, because OpenAI’s API has no name for it: {', '.join(missing)}. The server does"
                " there as it is set up."
            )
            if missing
            else "",
            *_of_seeds(thing, None),
            *_of_the_form(thing, *engines.values()),
        ]
    )


def _of_the_chat(thing: Exportable) -> list[str]:
    if not isinstance(thing, Pipeline):
        messages = chat_of(thing).messages
        if messages and messages[-1].role is Role.ASSISTANT:
            return ["The last reply of the chat is left out: the code asks for it anew."]
    return []


def _of_sampling(thing: Exportable, engines: Mapping[Model, str]) -> list[str]:
    """Where llama.cpp takes the place of another engine, or another one its place."""
    moved = [
        params
        for model, params in replies_of(thing)
        if model.engine_id is not None and (model.engine_id == LlamaCpp.id) != (engines[model] == LlamaCpp.id)
    ]
    found = []
    if any(map(_order_matters, moved)):
        found.append(
            "llama.cpp drops unlikely tokens first and applies the temperature then; the others do it the"
            " other way round. The same numbers choose somewhat differently."
        )
    if any(params.repeat_penalty != 1 for params in moved):
        found.append(
            f"llama.cpp’s repeat penalty looks at the last {PENALTY_WINDOW} tokens, that of the others at all"
            " of the conversation."
        )
    return found


def _order_matters(params: SamplingParams) -> bool:
    return not is_greedy(params) and params.temperature != 1 and (params.top_p < 1 or params.min_p > 0)


def _of_seeds(thing: Exportable, target: Target | None) -> list[str]:
    if all(params.seed is None for _, params in replies_of(thing)):
        return []
    found = [
        "A seed gives the same reply again in one engine on one machine, not the same in another engine."
    ]
    if target is Target.SGLANG:
        found.append(
            "SGLang heeds a seed only while its inference is deterministic, which costs some speed: without a"
            " seed, leave enable_deterministic_inference out."
        )
    return found


def _of_the_form(thing: Exportable, *engine_ids: str) -> list[str]:
    if not isinstance(thing, StructuredOutput):
        return []
    found = []
    if Transformers.id in engine_ids:
        found.append(
            "Transformers has no structured output of its own: Outlines holds the reply to the form."
        )
    if thing.regex is not None and LlamaCpp.id in engine_ids:
        found.append(f"llama.cpp takes a grammar in the place of the regular expression {thing.regex}")
    if thing.chat.params.max_tokens is not None:
        found.append("A reply that reaches its longest length ends in the middle of its form.")
    return found


def _of_limits(thing: Exportable, target: Target) -> list[str]:
    """llama_cpp/llama_grammar.py reads no such word; llama-server does."""
    if target is not Target.LLAMA_CPP or not isinstance(thing, StructuredOutput):
        return []
    if not any(f'"{word}"' in json.dumps(thing.schema) for word in _LIMITS):
        return []
    return [
        "llama-cpp-python holds the reply to the schema, but not to its limits of numbers, such as “maximum”."
        " llama-server does both."
    ]


def _unique(notes: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(note for note in notes if note))
