"""The rules of the decision guide, read from resources/decision_guide.json: questions, what each answer says
for and against each framework, the matrix of use cases, and libraries that lie above an engine.

The file is ours and is checked against resources/decision_guide.schema.json by the tests: one that cannot be
read is a broken installation, and what Python raises then is let fly.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from app.domain.engine import EngineProfile

# In a frozen app, too: PyInstaller keeps a module's path relative to its folder of data.
RULES = Path(__file__).resolve().parents[2] / "resources" / "decision_guide.json"
"""The file."""

Answers = Mapping[str, str]
"""A question's id to the id of the option that was taken."""
Condition = Mapping[str, tuple[str, ...]]
"""A question's id to the options of which one has to be taken; all of them have to hold. Empty: always."""


def holds(condition: Condition, answers: Answers) -> bool:
    """Whether `answers` meet it."""
    return all(answers.get(question) in options for question, options in condition.items())


@dataclass(frozen=True, slots=True)
class Say:
    """What an option, or a trait, says for (`points` above zero) or against a framework, in a sentence.

    It counts where `when` holds. Where `ttft_s` is set it rests on a time to the first token, in seconds: a
    measured one on the other side of it overrules the sentence.
    """

    framework: str
    points: int
    text: str
    source: str
    when: Condition
    ttft_s: float | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """One answer. `change` begins a sentence about what it would change ("If up to 8 people asked at once").

    `here` marks what this machine is; `only` names the frameworks that it leaves, and `only_why` says of the
    others why (with their {name}). `target_speed` in tokens a second and `batch` in requests at once go into
    forecasts and the choice of measurements; with `speed_decides` a measured speed decides between engines.
    """

    id: str
    label: str
    change: str
    source: str
    says: tuple[Say, ...]
    here: bool = False
    only: tuple[str, ...] = ()
    only_why: str = ""
    unless: Condition | None = None
    target_speed: float | None = None
    batch: int | None = None
    speed_decides: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """One question; not asked where `unless` holds. With `from_machine` the machine answers it first."""

    id: str
    text: str
    why: str
    source: str
    options: tuple[Option, ...]
    unless: Condition | None = None
    from_machine: bool = False

    def option(self, id_: str | None) -> Option | None:
        """The option of that id; None where there is none."""
        return next((option for option in self.options if option.id == id_), None)


@dataclass(frozen=True, slots=True)
class Trait:
    """What counts for or against any framework that is in such a situation here; `text` has its {name}."""

    id: str
    points: int
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence that goes with an option."""

    id: str
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class FrameworkNeeds:
    """What an engine `wants`, in a few words, and how it is had from a server, in a sentence."""

    id: str
    wants: str
    on_server: str


@dataclass(frozen=True, slots=True)
class Layer:
    """A library above an engine: it comes with the engines in `on` where one of the conditions `when` holds.

    `text` says what it does there, `install` is the command that installs it.
    """

    profile: EngineProfile
    source: str
    install: str
    text: str
    on: tuple[str, ...]
    when: tuple[Condition, ...]

    @property
    def id(self) -> str:
        """Its profile's."""
        return self.profile.id


@dataclass(frozen=True, slots=True)
class UseCase:
    """A row of the comparison's matrix: what it recommends and why, and the answers that stand for it."""

    id: str
    label: str
    recommended: tuple[str, ...]
    why: str
    source: str
    answers: Answers


@dataclass(frozen=True, slots=True)
class Rules:
    """All of them. `sources` gives each source's id in words."""

    sources: Mapping[str, str]
    questions: tuple[Question, ...]
    traits: Mapping[str, Trait]
    notes: Mapping[str, Note]
    frameworks: Mapping[str, FrameworkNeeds]
    layers: tuple[Layer, ...]
    use_cases: tuple[UseCase, ...]

    def question(self, id_: str) -> Question:
        """The question of that id; any other is a KeyError."""
        for question in self.questions:
            if question.id == id_:
                return question
        raise KeyError(id_)

    def use_case(self, id_: str) -> UseCase:
        """The use case of that id; any other is a KeyError."""
        for use_case in self.use_cases:
            if use_case.id == id_:
                return use_case
        raise KeyError(id_)


@cache
def rules() -> Rules:
    """The rules; the file is read once, in a millisecond."""
    return read(RULES.read_text(encoding="utf-8"))


def read(text: str) -> Rules:
    """The rules in `text`. Raises KeyError, TypeError or ValueError for a text that has none."""
    values = json.loads(text)
    return Rules(
        sources=dict(values["sources"]),
        questions=tuple(map(_question, values["questions"])),
        traits={it["id"]: Trait(**it) for it in values["traits"]},
        notes={it["id"]: Note(**it) for it in values["notes"]},
        frameworks={it["id"]: FrameworkNeeds(**it) for it in values["frameworks"]},
        layers=tuple(map(_layer, values["layers"])),
        use_cases=tuple(
            UseCase(**{**it, "recommended": tuple(it["recommended"]), "answers": dict(it["answers"])})
            for it in values["use_cases"]
        ),
    )


def _question(values: dict[str, Any]) -> Question:
    return Question(
        id=values["id"],
        text=values["text"],
        why=values["why"],
        source=values["source"],
        options=tuple(map(_option, values["options"])),
        unless=_optional(values.get("unless")),
        from_machine=values.get("from_machine", False),
    )


def _option(values: dict[str, Any]) -> Option:
    made = {
        "says": tuple(map(_say, values["says"])),
        "only": tuple(values.get("only", ())),
        "unless": _optional(values.get("unless")),
    }
    return Option(**{**values, **made})


def _say(values: dict[str, Any]) -> Say:
    return Say(
        framework=values["for"],
        points=values["points"],
        text=values["text"],
        source=values["source"],
        when=_condition(values.get("when", {})),
        ttft_s=values.get("unless_measured", {}).get("ttft_s"),
    )


def _layer(values: dict[str, Any]) -> Layer:
    profile: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in values["profile"].items()
    }
    return Layer(
        profile=EngineProfile(id=values["id"], **profile),
        source=values["source"],
        install=values["install"],
        text=values["text"],
        on=tuple(values["on"]),
        when=tuple(map(_condition, values["when"])),
    )


def _condition(values: dict[str, Any]) -> Condition:
    return {question: tuple(options) for question, options in values.items()}


def _optional(values: dict[str, Any] | None) -> Condition | None:
    return None if values is None else _condition(values)
