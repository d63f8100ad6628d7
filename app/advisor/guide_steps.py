"""What it takes to follow the guide's answer, step by step, as data for one button."""

from __future__ import annotations

from app.advisor.guide_answer import EngineHere, Evidence, ModelSuggestion, Step, StepKind, Way
from app.advisor.guide_pick import Weighed
from app.advisor.guide_rules import Layer, Rules
from app.domain.attached import AttachedServer
from app.domain.size_words import size

OFFLINE = "Offline mode is on: switch it off first."


def steps_of(rules: Rules, taken: Weighed, layer: Layer | None, known: Evidence) -> tuple[Step, ...]:
    """The steps, in order. Those that are done already are among them."""
    engine, model = taken.engine, taken.model
    server = known.attached.get(engine.id) if taken.way is Way.ATTACHED else None
    steps: list[Step] = []
    if taken.way is Way.ATTACHED:
        steps.append(_attach(rules, taken, server))
    else:
        if not engine.bundled:
            steps.append(_install(engine, known.offline))
        if model is not None:
            steps.append(_download(engine, model, known.offline))
        steps.append(_start(engine, model))
    blocked = "" if model is not None or taken.way is Way.ATTACHED else "There is no model to chat with yet."
    where = server.id if server is not None else ""
    steps.append(Step(StepKind.CHAT, "Open a chat with it.", engine.id, model, blocked=blocked, server=where))
    if layer is not None:
        words = f"In your own project, install {layer.profile.name}: {layer.install}."
        steps.append(Step(StepKind.LIBRARY, words, engine.id, model))
    return tuple(steps)


def _attach(rules: Rules, taken: Weighed, server: AttachedServer | None) -> Step:
    engine = taken.engine
    if server is not None:
        words = f"{engine.name} is attached as “{server.name}”."
        return Step(StepKind.ATTACH, words, engine.id, taken.model, done=True, server=server.id)
    here = engine.fitness.can_run and taken.model is not None
    words = engine.why_not_installable if here else ""
    return Step(StepKind.ATTACH, words or rules.frameworks[engine.id].on_server, engine.id, taken.model)


def _install(engine: EngineHere, offline: bool) -> Step:
    takes = f", a download of {size(engine.download)}" if engine.download is not None else ""
    words = f"{engine.name} is installed." if engine.installed else f"Install {engine.name}{takes}."
    blocked = OFFLINE if offline and not engine.installed else ""
    return Step(StepKind.INSTALL, words, engine.id, done=engine.installed, blocked=blocked)


def _download(engine: EngineHere, model: ModelSuggestion, offline: bool) -> Step:
    here = model.path is not None
    takes = f", {size(model.size)}" if model.size is not None else ""
    named = f"{model.name} as {model.precision}"
    words = f"{named} is in the library." if here else f"Download {named}{takes}."
    return Step(
        StepKind.DOWNLOAD, words, engine.id, model, done=here, blocked=OFFLINE if offline and not here else ""
    )


def _start(engine: EngineHere, model: ModelSuggestion | None) -> Step:
    if model is None:
        blocked = "No model of the catalog fits in the memory that is free: close other programs first."
        return Step(StepKind.START, f"Start {engine.name}.", engine.id, blocked=blocked)
    return Step(StepKind.START, f"Start {engine.name} with {model.name}.", engine.id, model)
