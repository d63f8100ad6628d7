"""Who takes part in `edgewise bench`: a model's family, engines and the forms that they run."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from app.cli.no_model import no_model_yet
from app.domain.errors import EngineMissing, EngineStartFailed, ModelFileError, ModelNotServed, NoModelYet
from app.domain.hub import Format
from app.domain.model import LocalModel
from app.engines.attached import AttachedServerEngine
from app.engines.base import EngineAdapter
from app.services.attached_servers import AttachedServers
from app.services.engine_parts import EngineParts, find_adapter
from app.services.model_forms import Candidate, Families, Family, best_entrants, candidates, forms
from app.services.model_library import ModelLibrary
from app.storage.paths import Paths
from app.storage.settings import Settings


@dataclass(frozen=True, slots=True)
class Served:
    """A model of an attached server that takes part."""

    engine: AttachedServerEngine
    model: str


Choice = Candidate | Served


class Chooser:
    """Finds what the command line names. What it raises is an EdgewiseError with what to do."""

    def __init__(
        self,
        paths: Paths,
        settings: Settings,
        parts: EngineParts,
        library: ModelLibrary,
        servers: AttachedServers,
    ) -> None:
        self._paths = paths
        self._settings = settings
        self._parts = parts
        self._library = library
        self._servers = servers

    def choose(self, options: argparse.Namespace) -> list[Choice]:
        """Whoever takes part, in the order they were named."""
        family, picked = self._family(options.model)
        if options.engines is None:
            engines: list[EngineAdapter | AttachedServerEngine] = [*self._installed()]
        else:
            engines = [self._engine(name) for name in _words(options.engines)]
        own = [it for it in engines if not isinstance(it, AttachedServerEngine)]
        best = {it.contender.engine_id: it for it in best_entrants(family, own, picked)}
        chosen: list[Choice] = []
        for engine in engines:
            if isinstance(engine, AttachedServerEngine):
                chosen.append(_served(engine, family))
                continue
            try:
                chosen.append(_form(engine, family, picked, best.get(engine.id), options.precision))
            except EngineStartFailed:
                if options.engines is not None:  # else those take part that can
                    raise
        if not chosen:
            at = f" at {options.precision}" if options.precision is not None else ""
            raise EngineStartFailed(f"No engine that is installed computes {family.name}{at}.")
        return chosen

    def _family(self, wanted: str | None) -> tuple[Family, LocalModel | None]:
        """The family, and that form of it which was named."""
        models = self._library.chat_models(tuple(Format))
        if wanted is None:
            return self._usual(models), None
        families = forms(models)
        plain = wanted.casefold()
        for family in families.all:
            if family.name.casefold() == plain:
                return family, None
        try:
            picked = self._library.find(wanted)
        except ModelFileError:
            named = [
                family
                for family in families.all
                if plain in family.name.casefold()
                or any(plain in form.model.name.casefold() for form in family.forms)
            ]
            if len(named) != 1:
                raise
            return named[0], None
        return _family_of(picked, families if picked in models else forms([picked, *models])), picked

    def _usual(self, models: Sequence[LocalModel]) -> Family:
        """The one that was used last, else the smallest, as a chat would take it."""
        try:
            model = self._library.choose(None, self._settings.model)
        except NoModelYet as error:
            raise NoModelYet(no_model_yet(self._paths.models), detail=error.detail) from error
        return _family_of(model, forms(models if model in models else [model, *models]))

    def _installed(self) -> list[EngineAdapter]:
        return [
            it
            for it in self._parts.adapters()
            if it.environment is None or self._parts.is_installed(it.environment)
        ]

    def _engine(self, name: str) -> EngineAdapter | AttachedServerEngine:
        adapter = find_adapter(self._parts, name)
        if adapter is not None:
            if adapter.environment is not None and not self._parts.is_installed(adapter.environment):
                raise EngineMissing(
                    f"{adapter.name} is not installed. Install it with: edgewise engines install {adapter.id}"
                )
            return adapter
        try:
            server = self._servers.find(name)
        except ModelNotServed:
            known = [*(it.id for it in self._parts.adapters()), *(it.name for it in self._servers.all())]
            raise EngineMissing(f"There is no engine “{name}”. There is: {', '.join(known)}.") from None
        return next(it for it in self._servers.engines() if it.id == server.id)


def _family_of(model: LocalModel, families: Families) -> Family:
    family = families.of(model)
    if family is None:
        raise ModelFileError(f"{model.name} cannot be tested: its header cannot be read.")
    return family


def _form(
    engine: EngineAdapter,
    family: Family,
    picked: LocalModel | None,
    best: Candidate | None,
    precision: str | None,
) -> Candidate:
    """What `engine` runs: `best`, or the form that computes at `precision`. Raises EngineStartFailed."""
    if best is None:
        raise EngineStartFailed(_unread(engine, family))
    if precision is None:
        return best
    found = candidates(engine, family, picked)
    for candidate in found:
        if candidate.contender.precision.casefold() == precision.casefold():
            return candidate
    others = ", ".join(dict.fromkeys(it.contender.precision for it in found))
    raise EngineStartFailed(
        f"{engine.name} cannot compute {family.name} at {precision} here. It can at: {others}."
    )


def _unread(engine: EngineAdapter, family: Family) -> str:
    takes = " or ".join(engine.formats)
    has = " and ".join(dict.fromkeys(form.model.format for form in family.forms))
    return (
        f"{engine.name} reads {takes}, and {family.name} is here as {has} alone. Download a form that it"
        " reads, or leave the engine out."
    )


def _served(engine: AttachedServerEngine, family: Family) -> Served:
    """The server's model that is called like the family, else its first."""
    names = engine.models()
    if not names:
        raise ModelNotServed(f"{engine.name} has no models, or was not asked yet.")
    wanted = _letters(family.name)
    return Served(engine, next((name for name in names if wanted in _letters(name)), names[0]))


def _letters(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _words(text: str) -> list[str]:
    """The names between commas, each once."""
    return list(dict.fromkeys(word for part in text.split(",") if (word := part.strip())))
