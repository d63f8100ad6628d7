"""The guide's answer in sections, as the page shows them, and as text and as a sheet of paper."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from app.advisor.guide_answer import Alternative, Certainty, GuideAnswer, Reason

WIDTH = 78
_STYLE = (
    "body { font-size: 10pt; } h1 { font-size: 17pt; } h2 { font-size: 11pt; margin: 12pt 0 2pt 0; }"
    " p { margin: 0 0 3pt 0; } .from { font-size: 8pt; color: #555555; }"
)


@dataclass(frozen=True, slots=True)
class Item:
    """A sentence or two. `name` stands before it in bold, `source` and `certainty` below it."""

    text: str
    name: str = ""
    source: str = ""
    certainty: Certainty | None = None

    @property
    def below(self) -> str:
        """What it rests on, in words: "Measured here · a speed test on this machine"."""
        sure = self.certainty.value.capitalize() if self.certainty is not None else ""
        return " · ".join(part for part in (sure, self.source) if part)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it."""

    heading: str
    items: tuple[Item, ...]


def sections(answer: GuideAnswer, cost: Sequence[str]) -> tuple[Section, ...]:
    """All of an answer but its headline; `cost` are sentences. Sections without content are left out."""
    made = (
        Section("Because", tuple(map(_reason, answer.because))),
        Section(
            "Measured otherwise than the comparison says",
            tuple(Item(it.text, source=it.source) for it in answer.contradictions),
        ),
        Section("Nearly as good", tuple(map(_alternative, answer.runners_up))),
        Section("Instead of", tuple(map(_alternative, answer.instead_of))),
        Section("Mind", tuple(map(_reason, answer.cautions))),
        Section("How sure", (Item(answer.certainty_words, certainty=answer.certainty),)),
        Section("What would change it", tuple(Item(text) for text in answer.would_change)),
        Section("Cost", tuple(Item(text) for text in cost)),
    )
    return tuple(section for section in made if section.items)


def as_text(answer: GuideAnswer, cost: Sequence[str], machine: str) -> str:
    """The whole answer as plain text; `machine` says in a sentence what it is for."""
    return "\n".join(_lines(answer, cost, machine)) + "\n"


def as_html(answer: GuideAnswer, cost: Sequence[str], machine: str) -> str:
    """The whole answer for printing: black on white, whatever the theme is."""
    parts = [
        f"<html><head><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(answer.headline)}</h1>",
        *(f"<p>{escape(words)}</p>" for words in (answer.model_words, machine) if words),
    ]
    for section in (*sections(answer, cost), _steps(answer)):
        parts.append(f"<h2>{escape(section.heading)}</h2>")
        for item in section.items:
            name = f"<b>{escape(item.name)}.</b> " if item.name else ""
            parts.append(f"<p>{name}{escape(item.text)}")
            parts.append(f"<br/><span class='from'>{escape(item.below)}</span></p>" if item.below else "</p>")
    return "".join([*parts, "</body></html>"])


def _lines(answer: GuideAnswer, cost: Sequence[str], machine: str) -> Iterator[str]:
    for words in (answer.headline, answer.model_words, machine):
        yield from textwrap.wrap(words, WIDTH)
    for section in (*sections(answer, cost), _steps(answer)):
        yield ""
        yield section.heading
        for item in section.items:
            name = f"{item.name}. " if item.name else ""
            below = f" ({item.below})" if item.below else ""
            yield from textwrap.wrap(
                f"{name}{item.text}{below}", WIDTH, initial_indent="  - ", subsequent_indent="    "
            )


def _steps(answer: GuideAnswer) -> Section:
    return Section("What to do", tuple(Item(f"{it.words} {it.blocked}".strip()) for it in answer.steps))


def _reason(it: Reason) -> Item:
    return Item(it.text, source=it.source, certainty=it.certainty)


def _alternative(it: Alternative) -> Item:
    return Item(it.why, it.name, it.source)
