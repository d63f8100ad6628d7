"""An engine's state in words, what can be done about it, and the facts that are shown on opening."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.domain.engine import EngineState
from app.domain.environment import EnvironmentState, EnvironmentStatus
from app.models.library import display_name
from app.services.engine_card import EngineCard, Standing
from app.ui import words

DOTS = "…"


class Deed(StrEnum):
    """What a person can do with an engine."""

    INSTALL = "install"
    """Asked about first: what it takes is told."""
    CANCEL_INSTALL = "cancel the installation"
    START = "start"
    FORCE = "start although it will not fit"
    CANCEL_START = "cancel the start"
    STOP = "stop"
    VERIFY = "verify"
    REMOVE = "remove"
    SHOW_LOG = "show log"
    SHOW_INSTALL_LOG = "show installation log"
    SEE_MODELS = "see models"
    ATTACH = "attach"
    VISIT = "visit its home page"


@dataclass(frozen=True, slots=True)
class Offer:
    """A deed by the words of its button; `tip` explains it where the words do not."""

    deed: Deed
    words: str
    tip: str = ""


@dataclass(frozen=True, slots=True)
class Offers:
    """The one that makes sense now, the one beside it, and the rest."""

    first: Offer | None
    second: Offer | None = None
    rest: tuple[Offer, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """`words` with an icon, both in the theme's colour `role`; `figures` follow in the secondary one.

    `share` is how much of something is done, None where that is not known; a `has_bar` shows it.
    """

    words: str
    role: str = "secondary"
    icon: str = ""
    figures: str = ""
    has_bar: bool = False
    share: float | None = None
    is_waiting: bool = False
    """Something is under way that has no bar."""


def state_of(card: EngineCard) -> State:
    """Where the engine stands."""
    environment, status, standing = card.environment, card.status, card.standing
    match standing:
        case Standing.LOOKING:
            return State(f"Looking{DOTS}", is_waiting=True)
        case Standing.NOT_HERE:
            return State("Not possible here", icon="blocked")
        case Standing.ABSENT:
            return State("Not installed", figures=_sizes(environment))
        case Standing.PARTIAL:
            return State("Not installed completely", "busy", "warning", _sizes(environment))
        case Standing.STALE:
            return State("Needs an update", "busy", "warning", _sizes(environment))
        case Standing.INSTALL_FAILED:
            return State("Could not be installed", "failed", "warning")
        case Standing.INSTALLING | Standing.CHECKING | Standing.REMOVING:
            return _working(card)
        case Standing.STARTING:
            return State(
                f"Starting {_model(status.model)}".rstrip(),
                "busy",
                figures=status.progress,
                is_waiting=True,
            )
        case Standing.READY:
            return State("Ready", "ready", "check", _load(card))
        case Standing.BUSY:
            count = max(1, status.replies)
            replies = "a reply" if count == 1 else f"{count} replies"
            return State(f"Making {replies}", "ready", "chat", _load(card))
        case Standing.FAILED:
            return State("Not running", "failed", "warning", _model(status.model))
        case Standing.STOPPED:
            outdated = environment is not None and environment.state is EnvironmentState.OUTDATED
            return State("Stopped", figures="an update is there" if outdated else "")


def remark_of(card: EngineCard, *, offline: bool) -> str:
    """A sentence that a person should read without opening the row; empty where there is none."""
    if card.problem:
        return card.problem
    environment, standing = card.environment, card.standing
    if standing is Standing.NOT_HERE:
        return _why_not(card)
    plan = environment.plan if environment is not None else None
    if standing is Standing.STALE:
        old = (
            "It was installed for another Edgewise, with another llama.cpp, and cannot be used with this one."
        )
        return f"{old} {plan.only_from_folder}".rstrip() if plan is not None else old
    if standing in (Standing.ABSENT, Standing.PARTIAL) and plan is not None and plan.only_from_folder:
        return plan.only_from_folder
    if standing in (Standing.ABSENT, Standing.PARTIAL) and offline:
        return "Offline mode is on, so nothing is fetched. It can be installed from a folder of wheels."
    if standing is Standing.STOPPED:
        if environment is not None and environment.notice:
            return environment.notice
        if not card.models and card.formats:
            return f"No model on this machine is in a format it reads: {card.formats}."
    if standing is Standing.ABSENT and environment is not None:
        return environment.notice
    return ""


def marks_of(card: EngineCard) -> tuple[str, ...]:
    """What is to be known of it beside its name, in a word or three."""
    marks = []
    if card.fitness is not None and card.fitness.can_run and card.fitness.experimental:
        marks.append("experimental")
    if card.profile.untried:
        marks.append("not tried by us")
    return tuple(marks)


def version_of(card: EngineCard) -> str:
    """The version that is installed; else the one that would be."""
    environment = card.environment
    if environment is None:
        return card.version
    return environment.version or (environment.plan.version if environment.plan is not None else "")


def offers_of(card: EngineCard, *, offline: bool) -> Offers:
    """What can be done about it now."""
    first, second = _buttons(card, offline=offline)
    shown = {offer.deed for offer in (first, second) if offer is not None}
    return Offers(first, second, tuple(offer for offer in _rest(card) if offer.deed not in shown))


def _buttons(card: EngineCard, *, offline: bool) -> tuple[Offer | None, Offer | None]:
    environment = card.environment
    match card.standing:
        case Standing.LOOKING | Standing.REMOVING:
            return None, None
        case Standing.NOT_HERE:
            return Offer(Deed.ATTACH, f"Attach a server{DOTS}"), None
        case Standing.ABSENT | Standing.PARTIAL:
            return _install(environment, "Install", offline=offline), None
        case Standing.STALE:
            return _install(environment, "Update", offline=offline), None
        case Standing.INSTALL_FAILED:
            return Offer(Deed.INSTALL, f"Try again{DOTS}"), _install_log(environment)
        case Standing.INSTALLING | Standing.CHECKING:
            return Offer(Deed.CANCEL_INSTALL, "Cancel"), None
        case Standing.STARTING:
            return Offer(Deed.CANCEL_START, "Cancel"), None
        case Standing.READY:
            return Offer(Deed.STOP, "Stop", "Unloads the model and frees its memory"), None
        case Standing.BUSY:
            return Offer(Deed.STOP, "Stop", "Ends the reply that is being made"), None
        case Standing.FAILED:
            force = Offer(Deed.FORCE, "Load anyway") if card.status.can_force else None
            return Offer(Deed.START, "Try again"), force or Offer(Deed.SHOW_LOG, "Show log")
        case Standing.STOPPED:
            start = Offer(Deed.START, "Start", f"Loads {_model(card.models[0])}") if card.models else None
            see = Offer(Deed.SEE_MODELS, "See models")
            return start or see, _mend(card, offline=offline)


def facts_of(card: EngineCard) -> list[tuple[str, str]]:
    """Name and value; what is not known is left out."""
    profile, environment = card.profile, card.environment
    rows = [("Best for", profile.best_for), ("Avoid for", profile.avoid_for)]
    if card.fitness is not None:
        here = card.fitness.why or "Runs here."
        rows.append(("This machine", here if card.fitness.can_run else _why_not(card)))
    elif environment is not None and environment.why_not:
        rows.append(("This machine", environment.why_not))
    rows.append(("Tried", profile.untried))
    rows.append(("Reads", card.formats))
    rows += _environment_facts(card)
    rows.append(("Made by", f"{profile.maker} · {profile.licence}"))
    return [(name, value) for name, value in rows if value]


def spoken(card: EngineCard, *, offline: bool) -> str:
    """The row for a screen reader, without figures that change all the time."""
    state = state_of(card)
    parts = [card.profile.name, *marks_of(card), state.words]
    if card.standing in (Standing.READY, Standing.BUSY):
        parts.append(_model(card.status.model))
    elif not state.has_bar:
        parts.append(state.figures)
    remark = remark_of(card, offline=offline).rstrip(".")
    return ". ".join(part for part in (", ".join(part for part in parts if part), remark) if part) + "."


def server_state(status_state: EngineState) -> tuple[str, str, str]:
    """Words, role and icon of an attached server's state."""
    return {
        EngineState.STARTING: (f"Asking it{DOTS}", "busy", ""),
        EngineState.READY: ("In use", "ready", "check"),
        EngineState.BUSY: ("Making a reply", "ready", "chat"),
        EngineState.FAILED: ("Not reached", "failed", "warning"),
    }.get(status_state, ("Attached", "secondary", ""))


def _working(card: EngineCard) -> State:
    environment = card.environment
    progress = environment.progress if environment is not None else None
    said = {
        Standing.INSTALLING: "Installing",
        Standing.CHECKING: "Checking",
        Standing.REMOVING: "Removing",
    }[card.standing]
    if progress is None:
        return State(f"{said}{DOTS}", "busy", is_waiting=True)
    figures = words.size_of(progress.done, progress.total) if progress.done or progress.total else ""
    share = progress.done / progress.total if progress.total else None
    known = share is not None
    return State(progress.words or said, "busy", "", figures, known, share, is_waiting=not known)


def _model(name: str | None) -> str:
    return " · ".join(part for part in display_name(name) if part) if name else ""


def _load(card: EngineCard) -> str:
    """What is loaded, and what that takes now."""
    status = card.status
    context = f"{status.context_length:,} tokens" if status.context_length else ""
    memory = words.size(status.memory) if status.memory is not None else ""
    gpu = f"{words.size(status.gpu_memory)} on the GPU" if status.gpu_memory else ""
    return " · ".join(part for part in (_model(status.model), context, memory, gpu) if part)


def _sizes(environment: EnvironmentStatus | None) -> str:
    plan = environment.plan if environment is not None else None
    return "" if plan is None else f"takes {words.size(plan.on_disk)} of the disk"


def _why_not(card: EngineCard) -> str:
    """What an environment says tells what to do instead, too."""
    environment, fitness = card.environment, card.fitness
    if environment is not None and environment.why_not:
        return environment.why_not
    return fitness.why if fitness is not None else ""


def _install(environment: EnvironmentStatus | None, word: str, *, offline: bool) -> Offer:
    plan = environment.plan if environment is not None else None
    fetched = plan is not None and not plan.only_from_folder and not offline
    size = f" {words.size(plan.download)}" if plan is not None and fetched else ""
    return Offer(Deed.INSTALL, f"{word}{size}{DOTS}", "Tells what it takes before anything is fetched")


def _install_log(environment: EnvironmentStatus | None) -> Offer | None:
    there = environment is not None and bool(environment.log or environment.detail)
    return Offer(Deed.SHOW_INSTALL_LOG, "Show log") if there else None


def _mend(card: EngineCard, *, offline: bool) -> Offer | None:
    """For an environment that is old or damaged."""
    environment = card.environment
    if environment is None:
        return None
    if environment.state is EnvironmentState.OUTDATED:
        return _install(environment, "Update", offline=offline)
    if environment.error and environment.detail:
        return _install(environment, "Install again", offline=offline)
    return None


def _rest(card: EngineCard) -> tuple[Offer, ...]:
    """The menu: what is possible, but not what a person comes for."""
    found = []
    environment, standing = card.environment, card.standing
    at_rest = standing in (Standing.STOPPED, Standing.FAILED, Standing.READY)
    if card.is_installed:
        found.append(Offer(Deed.SHOW_LOG, "Show log"))
    if environment is not None:
        if standing is Standing.NOT_HERE and environment.plan is not None:
            found.append(Offer(Deed.INSTALL, f"Install all the same{DOTS}"))
        if at_rest:
            found.append(Offer(Deed.VERIFY, "Check its files"))
        if environment.log:
            found.append(Offer(Deed.SHOW_INSTALL_LOG, "Show installation log"))
        removable = at_rest or standing in (Standing.PARTIAL, Standing.STALE, Standing.INSTALL_FAILED)
        if removable and environment.state is not EnvironmentState.ABSENT:
            found.append(Offer(Deed.REMOVE, f"Remove{DOTS}"))
    found.append(Offer(Deed.VISIT, "Open its home page"))
    return tuple(found)


def _environment_facts(card: EngineCard) -> list[tuple[str, str]]:
    environment = card.environment
    if environment is None:
        return [("Version", card.version), ("On the disk", "comes with Edgewise")]
    plan = environment.plan
    if environment.version:
        return [("Version", environment.version), ("On the disk", words.size(environment.size))]
    if plan is None:
        return []
    return [
        ("Would be installed", f"{plan.version}, {plan.variant}"),
        ("To download", f"about {words.size(plan.download)}"),
    ]
