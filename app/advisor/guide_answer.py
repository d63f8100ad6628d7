"""What the decision guide is given beside its rules, and what it answers: values alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from app.advisor.advice import Goal
from app.advisor.guide_rules import Answers, Layer, Option, Question, UseCase
from app.domain.attached import AttachedServer
from app.domain.engine import Fitness
from app.domain.hub import Format, Variant
from app.domain.speed_test_history import MeasuredRate


class Certainty(StrEnum):
    """What a sentence, or the whole answer, rests on. A word for a person, too."""

    MEASURED = "measured here"
    FORECAST = "forecast"
    """Reckoned for this machine."""
    REFERENCE = "reference"
    """The framework comparison, or the makers' documentation."""


class Way(StrEnum):
    """How a framework is followed."""

    HERE = "on this machine"
    EXPERIMENTAL = "on this machine, experimental"
    ATTACHED = "attached by its address"
    DEVICE = "on another device"


@dataclass(frozen=True, slots=True)
class EngineHere:
    """One engine as it stands on this machine.

    `why_not_installable` says, where Edgewise cannot install it, why and what to do instead; `on_disk` are
    the bytes that an installation takes, None where nobody knows. `bundled`: it comes with Edgewise.
    """

    id: str
    name: str
    fitness: Fitness
    best_for: str
    installed: bool = False
    bundled: bool = False
    untried: bool = False
    why_not_installable: str = ""
    download: int | None = None
    on_disk: int | None = None
    disk_free: int | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What a model is looked for. `small`: it is to run on a phone or the like."""

    goal: Goal
    small: bool = False


@dataclass(frozen=True, slots=True)
class ModelSuggestion:
    """A model in one form that an engine runs here.

    `size` is in bytes, None where nobody says; `speed` in tokens a second, None where nothing measured tells.
    `because` and `would_change` are sentences. `variant` is on the hub, where that was asked before; without
    it `repository` has the form with that `precision`. `path` is where it lies on this machine, None if it
    is not here.
    """

    model_id: str
    name: str
    precision: str
    format: Format
    repository: str
    parameters: int
    size: int | None
    speed: float | None
    verdict: str
    because: tuple[str, ...] = ()
    would_change: tuple[str, ...] = ()
    variant: Variant | None = None
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class ReferenceFigures:
    """The comparison's figures: tokens a second by engine and batch, seconds to the first token once warm."""

    source: str = ""
    rates: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    first_token_s: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of this machine beside its hardware.

    `engines` come in the order that they are shown in. `suggest` gives the model for an engine's id, None
    where none fits; it is pure. `rates` are of speed tests on this machine, newest first; `parameters` tells
    how many a measured family has, where the catalog knows it. `attached` are servers that run an engine, by
    its id.
    """

    engines: tuple[EngineHere, ...]
    suggest: Callable[[str, Wish], ModelSuggestion | None]
    rates: tuple[MeasuredRate, ...] = ()
    parameters: Mapping[str, int] = field(default_factory=dict)
    reference: ReferenceFigures = ReferenceFigures()
    attached: Mapping[str, AttachedServer] = field(default_factory=dict)
    offline: bool = False

    def engine(self, id_: str) -> EngineHere:
        """The engine of that id; any other is a KeyError."""
        for engine in self.engines:
            if engine.id == id_:
                return engine
        raise KeyError(id_)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it is asked on this machine: with the options that it has here.

    `answer` is what a person took, None so far. `proposed` is what the machine answers already, and
    `machine_words` says in a sentence why.
    """

    question: Question
    options: tuple[Option, ...]
    answer: str | None = None
    proposed: str | None = None
    machine_words: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """A sentence that speaks for the answer, where it is from in words, and what it rests on."""

    text: str
    source: str
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class Alternative:
    """A framework that was not taken, and why not, in sentences."""

    id: str
    name: str
    why: str
    source: str
    possible: bool
    """Whether it could be followed all the same."""
    experimental: bool = False
    """Whether its makers promise little for such a machine."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Where this machine's measurement says another thing than the comparison: in a sentence, with both
    figures apart, such as "800 tok/s" and "151 tok/s"."""

    text: str
    source: str
    reference: str
    measured: str


class StepKind(StrEnum):
    """What one step of following the answer is."""

    INSTALL = "install"
    ATTACH = "attach"
    DOWNLOAD = "download"
    START = "start"
    CHAT = "chat"
    LIBRARY = "library"
    """A Python library in a person's own project: Edgewise does not install it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `engine` is an id, `server` that of an attached server ("attached:3"), where there is one.

    `done`: it is so already. `blocked` says in a sentence what has to be done before; empty where nothing.
    """

    kind: StepKind
    words: str
    engine: str
    model: ModelSuggestion | None = None
    done: bool = False
    blocked: str = ""
    server: str = ""


@dataclass(frozen=True, slots=True)
class GuideAnswer:
    """The guide's answer. Every text but the names is one or more whole sentences.

    `framework` is an engine's id, `name` what a person reads; `layer` is the library above it, if one is
    needed. `reference` is the engine that would be taken if every machine could run all of them, the same as
    `framework` where this one can. `model` is None on a server, and where none of the catalog fits;
    `model_words` then says so. `would_change` comes the likeliest first.
    """

    framework: str
    name: str
    way: Way
    headline: str
    answers: Answers
    because: tuple[Reason, ...]
    runners_up: tuple[Alternative, ...]
    instead_of: tuple[Alternative, ...]
    certainty: Certainty
    certainty_words: str
    contradictions: tuple[Contradiction, ...]
    would_change: tuple[str, ...]
    cautions: tuple[Reason, ...]
    steps: tuple[Step, ...]
    reference: str
    model: ModelSuggestion | None = None
    model_words: str = ""
    layer: Layer | None = None


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """A use case with the comparison's recommendation, in words, and this machine's verdict beside it.

    `agrees`: what is recommended can be followed here. `verdict` is a sentence.
    """

    use_case: UseCase
    recommended: str
    source: str
    answer: GuideAnswer
    agrees: bool
    verdict: str
