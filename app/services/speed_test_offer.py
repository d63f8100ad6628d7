"""What there is to choose from for a speed test: models, and the engines with the forms they would run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain.speed_test import Contender

if TYPE_CHECKING:  # it reads headers, which no start of the window waits for
    from app.services.model_forms import Candidate


@dataclass(frozen=True, slots=True)
class FormOffer:
    """One form of a model in one engine, as it would take part. `name` says which it is ("Q4_1");
    `candidate` is how it is loaded here, None of an attached server's."""

    name: str
    contender: Contender
    candidate: Candidate | None = None


@dataclass(frozen=True, slots=True)
class EngineOffer:
    """An engine for one family of models. Without `forms` it cannot take part, and `why_not` says why in a
    sentence; `is_installed` False leads to the engines page. `best` is the form that is proposed."""

    id: str
    name: str
    forms: tuple[FormOffer, ...] = ()
    best: int = 0
    is_installed: bool = True
    is_attached: bool = False
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class FamilyOffer:
    """One model in all its forms, with every engine that there is."""

    name: str
    engines: tuple[EngineOffer, ...]

    @property
    def usable(self) -> tuple[EngineOffer, ...]:
        """The engines that can take part now."""
        return tuple(engine for engine in self.engines if engine.forms and engine.is_installed)


@dataclass(frozen=True, slots=True)
class Offer:
    """All of it. `loaded` names what is loaded now and will be unloaded before a test."""

    families: tuple[FamilyOffer, ...] = ()
    proposed: str = ""
    """The family that is shown first."""
    loaded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pick:
    """One column that a person wants."""

    engine: EngineOffer
    form: FormOffer
