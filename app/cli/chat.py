"""`edgewise chat`: one reply, or a conversation, in the terminal."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from app.cli.command_line import INTERRUPTED, OK, USAGE
from app.cli.console import Console, HarmlessStream
from app.cli.model_source import find_source
from app.domain.context_window import fit_for_reply
from app.domain.errors import EdgewiseError
from app.domain.generation import (
    PARAMETERS,
    Cancellation,
    ChatMessage,
    ChatRequest,
    Finished,
    FinishReason,
    ReasoningDelta,
    Role,
    SamplingParams,
    TextDelta,
)
from app.domain.metrics import GenerationMetrics
from app.engines.base import ReadyModel
from app.storage.paths import Paths
from app.storage.settings import Settings, load_settings
from app.storage.well_formed import well_formed


@dataclass(frozen=True, slots=True)
class Answer:
    """One reply as it came. `finished` is None when Ctrl+C ended it."""

    text: str
    reasoning: str
    finished: Finished | None
    metrics: GenerationMetrics
    left_out: int

    @property
    def reason(self) -> FinishReason:
        """Why it ended."""
        return self.finished.reason if self.finished else FinishReason.CANCELLED


def chat(options: argparse.Namespace) -> int:
    """Run the command; returns the exit status. Raises EdgewiseError."""
    console = Console()
    prompt: str | None = options.prompt
    if prompt == "-" or (prompt is None and not sys.stdin.isatty()):
        sys.stdin.reconfigure(errors="replace")  # type: ignore[union-attr]  # not when replaced by a test
        prompt = sys.stdin.read().strip()
        if not prompt:
            console.error('Nothing was asked: standard input is empty. Try: edgewise chat "Your question"')
            return USAGE
    if prompt is not None and not prompt.strip():
        console.error('Nothing was asked: the question is empty. Try: edgewise chat "Your question"')
        return USAGE
    if prompt is None and (options.json or not console.out_is_terminal):
        console.error('A conversation needs a terminal. Try: edgewise chat "Your question"')
        return USAGE
    paths = Paths.find()
    paths.create()
    settings = load_settings(paths.settings)
    session = ChatSession(console, paths, settings, options)
    with session:
        if prompt is None:
            from app.cli.conversation import Conversation

            return Conversation(session).run()
        answer = session.reply([ChatMessage(Role.USER, well_formed(prompt))], quiet=options.json)
        if options.json:
            # ASCII: whatever the model wrote stays intact, and no terminal obeys it.
            console.write(json.dumps(as_json(session.source.name, answer), indent=2) + "\n")
        return INTERRUPTED if answer.reason is FinishReason.CANCELLED else OK


class ChatSession:
    """A model and what it is told; ended by `with`."""

    def __init__(
        self, console: Console, paths: Paths, settings: Settings, options: argparse.Namespace
    ) -> None:
        """`options` as the command line gave them; what they leave open comes from the settings."""
        self.console = console
        self.source = find_source(console, paths, settings, options)
        given = {p.name: getattr(options, p.name) for p in PARAMETERS}
        self.params: SamplingParams = replace(
            settings.params, **{name: value for name, value in given.items() if value is not None}
        )
        self.system_prompt = settings.system_prompt if options.system is None else well_formed(options.system)

    def __enter__(self) -> ChatSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.source.close()

    def reply(self, history: Sequence[ChatMessage], *, quiet: bool = False) -> Answer:
        """Have the last message of `history` answered, written to the console unless `quiet`.

        Ctrl+C while the reply comes ends it, and what came is the answer. Raises EdgewiseError.
        """
        model = self.source.ready()
        with _shown(self.console, quiet=quiet) as show:
            answer = self._stream(model, history, show)
        if answer.finished is not None:
            self.source.replied(answer.metrics)
        return answer

    def _stream(self, model: ReadyModel, history: Sequence[ChatMessage], show: _Show) -> Answer:
        text: list[str] = []
        reasoning: list[str] = []
        finished: Finished | None = None
        first_text: float | None = None
        left_out = 0
        started = time.monotonic()
        cancellation = Cancellation()
        try:
            prompt = fit_for_reply(
                model.client,
                history,
                system_prompt=self.system_prompt,
                longest_reply=self.params.max_tokens,
                context_length=model.context_length,
            )
            left_out = prompt.left_out
            request = ChatRequest(prompt.messages, self.params)
            started = time.monotonic()
            for event in model.client.stream(request, cancellation):
                match event:
                    case TextDelta(piece):
                        first_text = first_text or time.monotonic()
                        text.append(piece)
                        show.text(piece)
                    case ReasoningDelta(piece):
                        reasoning.append(piece)
                        show.reasoning(piece)
                    case Finished():
                        finished = event
        except KeyboardInterrupt:
            cancellation.cancel()  # closes the connection: the server stops
        metrics = GenerationMetrics.measured(
            ttft_s=first_text - started if first_text is not None else None,
            duration_s=time.monotonic() - started,
            usage=finished.usage if finished else None,
            timings=finished.timings if finished else None,
        )
        answer = Answer("".join(text), "".join(reasoning), finished, metrics, left_out)
        show.ended(answer)
        return answer


class _Show:
    """Writes a reply to the console as it comes."""

    def __init__(self, console: Console, *, quiet: bool) -> None:
        self._console = console
        self._quiet = quiet
        self._cleaned = HarmlessStream()
        self._in_reasoning = False
        self._open_line = False

    def text(self, piece: str) -> None:
        if self._quiet:
            return
        self._end_reasoning()
        self._write(self._cleaned.feed(piece) if self._console.out_is_terminal else piece)

    def reasoning(self, piece: str) -> None:
        if self._quiet or not self._console.out_is_terminal:
            return
        self._in_reasoning = True
        self._write(self._console.dim(self._cleaned.feed(piece)))

    def ended(self, answer: Answer) -> None:
        if not self._quiet:
            self.close()
            self._console.note(summary(answer))

    def close(self) -> None:
        """Leave the cursor at the beginning of a line."""
        if self._console.out_is_terminal:
            self._write(self._cleaned.finish())
        if self._open_line:
            self._write("\n")

    def _end_reasoning(self) -> None:
        if self._in_reasoning:
            self._in_reasoning = False
            self._write(self._console.dim(self._cleaned.finish()) + "\n\n")

    def _write(self, piece: str) -> None:
        if piece:
            self._console.write(piece)
            self._open_line = not piece.endswith("\n")


@contextmanager
def _shown(console: Console, *, quiet: bool) -> Iterator[_Show]:
    show = _Show(console, quiet=quiet)
    try:
        yield show
    except EdgewiseError:
        show.close()  # the sentence about it begins a line of its own
        raise


def summary(answer: Answer) -> str:
    """What the line below a reply says of it."""
    metrics = answer.metrics
    parts = [
        f"{metrics.tokens_per_second:.1f} tokens/s" if metrics.tokens_per_second is not None else "",
        f"first token after {metrics.ttft_s * 1000:.0f} ms" if metrics.ttft_s is not None else "",
        f"{metrics.completion_tokens} tokens" if metrics.completion_tokens is not None else "",
        _ENDINGS[answer.reason],
        f"the oldest {answer.left_out} messages no longer fit and were left out" if answer.left_out else "",
    ]
    return " · ".join(part for part in parts if part)


def as_json(model: str, answer: Answer) -> dict[str, object]:
    """The object that `--json` prints. Times end in their unit; None means not measured."""
    usage = answer.finished.usage if answer.finished else None
    timings = answer.finished.timings if answer.finished else None
    return {
        "model": model,
        "text": answer.text,
        **({"reasoning": answer.reasoning} if answer.reasoning else {}),
        "finish_reason": answer.reason.value,
        "usage": usage
        and {"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens},
        "timings": timings
        and {
            "prompt_tokens": timings.prompt_tokens,
            "prompt_ms": timings.prompt_ms,
            "completion_tokens": timings.completion_tokens,
            "completion_ms": timings.completion_ms,
        },
        "ttft_s": answer.metrics.ttft_s,
        "tokens_per_second": answer.metrics.tokens_per_second,
    }


_ENDINGS = {
    FinishReason.STOP: "",
    FinishReason.LENGTH: "cut at the longest reply or the end of the context",
    FinishReason.CANCELLED: "stopped",
}
