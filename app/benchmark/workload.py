"""What engines are asked: shapes of requests, the three ready workloads, and what each needs of a load."""

from __future__ import annotations

from dataclasses import replace

from app.benchmark.entrant import Needs
from app.domain.speed_test import Case, EngineFacts, Shape, Workload

CHAT = Shape("chat", 128, 128)
SUMMARISE = Shape("summarise", 1024, 128)
WRITE = Shape("write", 32, 512)
DEPTHS = {4096: "4k", 16384: "16k"}
"""How deep inside the context a shape is done as well, in tokens, and how that is called."""
LARGEST_BATCH = 256

_MARGIN_TOKENS = 64
_MARGIN_SHARE = 32
_CELLS = 256
"""llama.cpp pads its context to multiples of this (`cparams.n_ctx` in src/llama-context.cpp)."""


def at_depth(shape: Shape, tokens: int) -> Shape:
    """The shape behind `tokens` of text: "chat at 4k", or "chat at 5,000" for a depth without a name."""
    return replace(shape, name=f"{shape.name} at {DEPTHS.get(tokens, f'{tokens:,}')}", depth=tokens)


SHAPES: dict[str, Shape] = {
    shape.name: shape
    for plain in (CHAT, SUMMARISE, WRITE)
    for shape in (plain, *(at_depth(plain, tokens) for tokens in DEPTHS))
}
"""All that can be asked for, by name."""

QUICK = Workload((CHAT,), (1, 4), repetitions=3, budget_s=180.0)
"""About two minutes with two engines and a model that suits the machine; `budget_s` is where it ends."""
STANDARD = Workload((CHAT,), (1, 8, 32), alone=(SUMMARISE, WRITE))
"""Ten minutes at most."""
THOROUGH = Workload(
    (CHAT, SUMMARISE, WRITE),
    (1, 32, 128),
    budget_s=3600.0,
    alone=tuple(at_depth(CHAT, tokens) for tokens in DEPTHS),
)
"""An hour at most. The depths are done alone: 128 at once would want two million tokens of context."""

PRESETS: dict[str, Workload] = {"quick": QUICK, "standard": STANDARD, "thorough": THOROUGH}


def parse_batches(text: str) -> tuple[int, ...]:
    """Numbers of requests at once, "1,8": ascending, each once.

    Raises ValueError with a sentence for the person where one is no number from 1 to 256, or none is there.
    """
    batches = set()
    for word in _words(text):
        if not (word.isascii() and word.isdigit()) or len(word) > 9 or not 1 <= int(word) <= LARGEST_BATCH:
            raise ValueError(
                f"“{_short(word)}” is no number of requests at once. "
                f"Give numbers from 1 to {LARGEST_BATCH}, such as 1,8,32."
            )
        batches.add(int(word))
    if not batches:
        raise ValueError(f"Say how many requests at once: numbers from 1 to {LARGEST_BATCH}, such as 1,8,32.")
    return tuple(sorted(batches))


def parse_shapes(text: str) -> tuple[Shape, ...]:
    """Shapes by their names, "chat,write at 4k": in the order they were named, each once.

    Raises ValueError with a sentence for the person where a name is unknown, or none is there.
    """
    known = f"Known are {', '.join(SHAPES)}."
    shapes = {}
    for word in _words(text):
        name = " ".join(word.casefold().split())
        if name not in SHAPES:
            raise ValueError(f"There is no shape “{_short(word)}”. {known}")
        shapes[name] = SHAPES[name]
    if not shapes:
        raise ValueError(f"No shape was named. {known}")
    return tuple(shapes.values())


def needs(workload: Workload) -> Needs:
    """What a load must offer so that every case fits. The workload has a case at least."""
    cases = workload.cases
    return Needs(
        context_length=max(_of_all(case) for case in cases),
        longest_request=max(_of_one(case.shape) for case in cases),
        parallel=max(case.batch for case in cases),
    )


def unfit(case: Case, facts: EngineFacts) -> str | None:
    """Why a case cannot be done with what an entrant was loaded with, in a sentence; None if it can.

    What is not known of a load is taken to be enough: the engine will say if it is not.
    """
    of_one, of_all = _of_one(case.shape), _of_all(case)
    if facts.parallel is not None and case.batch > facts.parallel:
        return (
            f"It was loaded for {facts.parallel:,} at once; {case.batch:,} would have waited for each other."
        )
    if facts.request_context is not None and of_one > facts.request_context:
        return f"A request takes {of_one:,} tokens of context; this model has {facts.request_context:,}."
    if facts.context_length is not None and of_all > facts.context_length:
        takes = "A request takes" if case.batch == 1 else f"{case.batch:,} at once take"
        return f"{takes} {of_all:,} tokens of context; it was loaded with {facts.context_length:,}."
    return None


def _of_one(shape: Shape) -> int:
    """With room for blocks that are half full, and for prompts whose tokens could only be estimated."""
    return shape.context_tokens + _MARGIN_TOKENS + shape.context_tokens // _MARGIN_SHARE


def _of_all(case: Case) -> int:
    return -(-case.batch * _of_one(case.shape) // _CELLS) * _CELLS


def _words(text: str) -> list[str]:
    return [word for part in text.split(",") if (word := part.strip())]


def _short(word: str) -> str:
    return word if len(word) <= 40 else f"{word[:40]}…"
