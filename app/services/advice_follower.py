"""Follows the guide's answer step by step: installs, downloads, starts, opens the chat. Nothing here blocks.

What is done stays done: after a failure or a stop it goes on with the step that is not. Installing and
downloading are the engines page's and the models page's own, so that both show what goes on, and what was
fetched is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from app.advisor.guide_answer import ModelSuggestion, Step, StepKind
from app.domain.download import Download, DownloadState
from app.domain.engine import EngineState, EngineStatus
from app.domain.errors import EdgewiseError, NotOnHub
from app.domain.hub import Format, Variant
from app.services.background import Background

if TYPE_CHECKING:
    from app.services.advice_means import Means
    from app.services.engine_card import EngineCard

POLL_MS = 250
"""How often an installation is looked at."""
BEGINS_WITHIN = 40
"""Looks within which an ordered installation has to have begun, else what failed before is still what is."""
T = TypeVar("T")

_BY_HAND = (StepKind.ATTACH, StepKind.LIBRARY)


class Stage(StrEnum):
    """Where one step stands. A word for a person, too."""

    WAITING = "to do"
    RUNNING = "under way"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"
    BY_HAND = "for you to do"


@dataclass(frozen=True, slots=True)
class FollowedStep:
    """A step, and how far it is: `words` say what goes on, `share` how much of it is done (0 to 1), None
    where nobody knows. `problem` is a sentence, `log` what stands behind it."""

    step: Step
    stage: Stage
    words: str = ""
    share: float | None = None
    problem: str = ""
    log: str = ""


class AdviceFollower(QObject):
    """Lives on the window's thread; its signals arrive there."""

    changed = Signal()
    """`steps` are others."""
    running_changed = Signal(bool)
    chat_requested = Signal(object, str)
    """Library name of the model, None for whichever a server offers; and the engine's id, or the server's."""
    ended = Signal()
    """All steps that need nobody are done."""

    def __init__(self, means: Means, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._means = means
        self._background = background
        self._steps: list[FollowedStep] = []
        self._run = 0
        """Counts what was begun: an answer that belongs to an older one is not heard."""
        self._at: int | None = None
        self._looks = 0
        self._has_begun = False
        self._download: int | None = None
        self._variant: Variant | None = None
        """What was downloaded, where that was the last that was."""
        self._model: str | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self._look_at_installation)
        means.downloads_changed.connect(self._hear_downloads)
        means.status_changed.connect(self._hear_status)
        means.install_failed.connect(self._hear_refusal)

    @property
    def steps(self) -> tuple[FollowedStep, ...]:
        """All of them, as they stand."""
        return tuple(self._steps)

    @property
    def is_running(self) -> bool:
        """Whether one is under way."""
        return self._at is not None

    @property
    def next(self) -> FollowedStep | None:
        """The first one that is not done and needs nobody; None where all are."""
        return next((it for it in self._steps if it.stage not in (Stage.DONE, Stage.BY_HAND)), None)

    def set_steps(self, steps: Sequence[Step]) -> None:
        """Those of the answer that is shown now. While one of others is under way nothing changes."""
        if self.is_running or [_same(it.step) for it in self._steps] == [_same(it) for it in steps]:
            if not self.is_running:
                self._refresh(steps)
            return
        self._model = self._variant = None
        self._steps = [FollowedStep(step, _first_stage(step)) for step in steps]
        self.changed.emit()

    def _refresh(self, steps: Sequence[Step]) -> None:
        """The same ones, looked at again: what is done, or blocked, may be other ones."""
        fresh = [
            FollowedStep(step, Stage.DONE) if step.done else replace(old, step=step)
            for old, step in zip(self._steps, steps, strict=True)
        ]
        if fresh != self._steps:
            self._steps = fresh
            self.changed.emit()

    def follow(self) -> None:
        """Go on with the first step that is not done. Does nothing while one is under way."""
        if self.is_running or not self._steps:
            return
        self._run += 1
        self.running_changed.emit(True)
        self._go_on()

    def stop(self) -> None:
        """End the step that is under way; what was fetched of it is kept."""
        if self._at is None:
            return
        followed = self._steps[self._at]
        engine, download = followed.step.engine, self._download
        self._rest(Stage.STOPPED, "")
        match followed.step.kind:
            case StepKind.INSTALL:
                self._means.cancel_install(engine)
            case StepKind.DOWNLOAD if download is not None:
                self._means.pause_download(download)
            case StepKind.START:
                self._background.run(lambda: self._means.unload(engine))

    # From one to the next

    def _go_on(self) -> None:
        for place, followed in enumerate(self._steps):
            if followed.stage in (Stage.DONE, Stage.BY_HAND):
                continue
            self._at = place
            self._download = None
            self._looks, self._has_begun = 0, False
            if followed.step.blocked:
                self._fail(followed.step.blocked)
                return
            self._tell(Stage.RUNNING)
            self._begin(followed.step)
            return
        self._at = None
        self.running_changed.emit(False)
        self.ended.emit()

    def _begin(self, step: Step) -> None:
        match step.kind:
            case StepKind.INSTALL:
                self._means.install(step.engine)
                self._timer.start()
            case StepKind.DOWNLOAD:
                self._begin_download(step)
            case StepKind.START:
                self._begin_start(step)
            case StepKind.CHAT:
                self._begin_chat(step)
            case StepKind.ATTACH | StepKind.LIBRARY:
                raise AssertionError(step)

    def _done(self) -> None:
        self._timer.stop()
        self._tell(Stage.DONE)
        self._go_on()

    def _fail(self, problem: str, log: str = "") -> None:
        self._rest(Stage.FAILED, problem, log)

    def _rest(self, stage: Stage, problem: str, log: str = "") -> None:
        self._timer.stop()
        self._run += 1
        self._tell(stage, problem=problem, log=log)
        self._at = self._download = None
        self.changed.emit()
        self.running_changed.emit(False)

    def _tell(
        self, stage: Stage, words: str = "", share: float | None = None, *, problem: str = "", log: str = ""
    ) -> None:
        assert self._at is not None
        told = FollowedStep(self._steps[self._at].step, stage, words, share, problem, log)
        if told != self._steps[self._at]:
            self._steps[self._at] = told
            self.changed.emit()

    def _ask(self, operation: Callable[[], T], heard: Callable[[T], None]) -> None:
        """On a worker thread; what comes back is heard if nothing else was begun meanwhile."""
        run, at = self._run, self._at

        def still() -> bool:
            return (run, at) == (self._run, self._at)

        self._background.run(
            operation,
            lambda value: heard(value) if still() else None,
            lambda error: self._fail(error.message, error.detail) if still() else None,
        )

    def _is_at(self, kind: StepKind) -> bool:
        return self._at is not None and self._steps[self._at].step.kind is kind

    # Installing

    def _look_at_installation(self) -> None:
        if not self._is_at(StepKind.INSTALL) or self._at is None:
            return
        self._looks += 1
        card = self._means.card(self._steps[self._at].step.engine)
        environment = card.environment if card is not None else None
        if card is None or environment is None:
            return
        if environment.task is not None:
            self._has_begun = True
            self._tell(Stage.RUNNING, *_installing(card))
        elif card.is_installed:
            self._done()
        elif environment.error and (self._has_begun or self._looks > BEGINS_WITHIN):
            self._fail(environment.error, environment.detail)
        elif self._has_begun:
            self._rest(Stage.STOPPED, "")  # on the engines page

    def _hear_refusal(self, error: EdgewiseError) -> None:
        if self._is_at(StepKind.INSTALL) and not self._has_begun:
            self._fail(error.message, error.detail)

    # Downloading

    def _begin_download(self, step: Step) -> None:
        model = step.model
        assert model is not None
        self._tell(Stage.RUNNING, "Asking the hub for its files")

        def add() -> tuple[int, Variant]:
            variant = variant_of(model, self._means)
            return self._means.add_download(variant, _named(model)), variant

        self._ask(add, self._added)

    def _added(self, found: tuple[int, Variant]) -> None:
        self._download, self._variant = found
        self._means.look_at_downloads()

    def _hear_downloads(self, downloads: Sequence[Download]) -> None:
        if not self._is_at(StepKind.DOWNLOAD) or self._download is None:
            return
        mine = next((it for it in downloads if it.id == self._download), None)
        if mine is None:
            self._rest(Stage.STOPPED, "")  # on the models page
        elif mine.state is DownloadState.DONE:
            self._done()
        elif mine.state is DownloadState.FAILED:
            self._fail(mine.error, mine.detail)
        elif mine.state is DownloadState.PAUSED and not mine.error:
            self._rest(Stage.STOPPED, "")
        else:
            self._tell(Stage.RUNNING, *_downloading(mine))

    # Starting

    def _begin_start(self, step: Step) -> None:
        model = step.model
        assert model is not None

        def start() -> tuple[str, EngineStatus]:
            name = self._means.library_name(model, self._variant)
            return name, self._means.load(name, step.engine)

        self._ask(start, self._begun)

    def _begun(self, found: tuple[str, EngineStatus]) -> None:
        self._model, status = found
        self._hear_status(status)

    def _hear_status(self, status: EngineStatus) -> None:
        if not self._is_at(StepKind.START) or self._at is None or self._model is None:
            return
        if status.engine_id != self._steps[self._at].step.engine or status.model != self._model:
            return
        match status.state:
            case EngineState.STARTING:
                self._has_begun = True
                self._tell(Stage.RUNNING, status.progress)
            case EngineState.READY | EngineState.BUSY:
                self._done()
            case EngineState.FAILED:
                self._fail(status.error, status.log)
            case EngineState.STOPPED if self._has_begun:
                self._rest(Stage.STOPPED, "")  # on the engines page

    # The chat

    def _begin_chat(self, step: Step) -> None:
        if step.server:
            self._open_chat(None, step.server)
        elif self._model is not None:
            self._open_chat(self._model, step.engine)
        elif (model := step.model) is not None:
            variant = self._variant
            self._ask(
                lambda: self._means.library_name(model, variant),
                lambda name: self._open_chat(name, step.engine),
            )

    def _open_chat(self, name: str | None, engine: str) -> None:
        self._done()
        self.chat_requested.emit(name, engine)


def variant_of(model: ModelSuggestion, means: Means) -> Variant:
    """What is to be downloaded. On a worker thread. Raises HubError."""
    if model.variant is not None:
        return model.variant
    offered = [it for it in means.variants(model.repository) if it.format is model.format]
    exact = [it for it in offered if it.label.upper() == model.precision.upper()]
    if not exact and model.format is Format.SAFETENSORS:
        exact = offered  # its makers' own precision, whatever that is
    if not exact:
        raise NotOnHub(
            f"{model.repository} does not offer {model.precision} any more. Choose another one on the Models "
            "page."
        )
    return exact[0]


def _named(model: ModelSuggestion) -> str:
    return f"{model.name} · {model.precision}"


def _first_stage(step: Step) -> Stage:
    if step.done:
        return Stage.DONE
    return Stage.BY_HAND if step.kind in _BY_HAND else Stage.WAITING


def _same(step: Step) -> object:
    """What makes a step the same one, done or not."""
    model = step.model
    return step.kind, step.engine, step.server, model and (model.model_id, model.precision)


def _installing(card: EngineCard) -> tuple[str, float | None]:
    progress = card.environment.progress if card.environment is not None else None
    if progress is None:
        return "", None
    return progress.words, progress.done / progress.total if progress.total else None


def _downloading(download: Download) -> tuple[str, float | None]:
    from app.domain.size_words import size

    share = download.done / download.size if download.size else None
    if download.error:  # it goes on by itself
        return download.error, share
    if download.state is DownloadState.VERIFYING:
        return "Checking what has arrived", share
    if download.state is DownloadState.WAITING:
        return "Waits for another download", share
    of = f" of {size(download.size)}" if download.size else ""
    speed = f", {size(download.speed)}/s" if download.speed else ""
    return f"{size(download.done)}{of}{speed}", share
