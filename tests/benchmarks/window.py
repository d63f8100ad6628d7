"""The real app in this process, driven and watched as a person would: keys in, paint out."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QObject, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPlainTextEdit

from app.domain.conversation import Message
from app.domain.engine import EngineState
from app.domain.generation import SamplingParams
from app.engines.base import EngineAdapter
from app.services.reply import Progress
from app.storage.database import Database
from app.storage.paths import Paths
from app.ui import theme
from app.ui.application import Edgewise
from app.ui.chat.inert_text import InertText
from build.starter_model import CACHE, StarterModel

PATIENCE_S = 120.0


def starter_model() -> Path:
    """The model that `make bench` fetched."""
    model = StarterModel.read()
    path = CACHE / model.file
    if not model.is_at(path):
        raise SystemExit(f"The starter model is not at {path}. `make bench` fetches it.")
    return path


@contextmanager
def new_home() -> Iterator[Paths]:
    """A data folder of its own with the starter model in it."""
    with TemporaryDirectory(prefix="edgewise-bench-") as folder:
        os.environ["EDGEWISE_HOME"] = folder
        paths = Paths.find()
        paths.create()
        source = starter_model()
        try:
            os.link(source, paths.models / source.name)
        except OSError:  # another file system
            shutil.copyfile(source, paths.models / source.name)
        yield paths


class Painted(QObject):
    """Calls back after each time the window has been painted."""

    def __init__(self, window: QObject) -> None:
        super().__init__()
        self.after: Callable[[], None] = lambda: None
        self._window = window
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # Qt paints all that has changed when the window handles this event.
        if watched is self._window and event.type() is QEvent.Type.UpdateRequest:
            watched.event(event)
            self.after()
            return True
        return False


class Turn:
    """One question and its reply, in moments of `time.perf_counter` as the window showed them."""

    def __init__(self) -> None:
        self.sent = 0.0
        self.first_painted = 0.0
        self.end_painted = 0.0
        self.message: Message | None = None


class Window:
    """An open Edgewise and what a person does with it."""

    def __init__(self, paths: Paths, adapter: EngineAdapter | None = None) -> None:
        app = QApplication.instance() or QApplication([])
        assert isinstance(app, QApplication)
        theme.apply(app, "light")
        self.edgewise = Edgewise(paths, Database.open(paths.database))
        if adapter is not None:
            self.edgewise.supervisor._adapters = lambda: (adapter,)
        self.page = self.edgewise.chat
        self.painted = Painted(self.edgewise.window)
        self.edgewise.open()
        self.edgewise.window.activateWindow()
        wait_for(lambda: self.page.conversation is not None)

    def close(self) -> None:
        self.edgewise.close()
        self.edgewise.window.close()
        self.edgewise.window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    def wait_until_ready(self) -> None:
        """Until the model is loaded."""
        wait_for(lambda: self.edgewise.supervisor.status.state in (EngineState.READY, EngineState.FAILED))
        status = self.edgewise.supervisor.status
        if status.state is EngineState.FAILED:
            raise RuntimeError(f"{status.error}\n{status.log}")

    def new_chat(self, params: SamplingParams) -> None:
        """Open a conversation without messages, with these parameters."""
        before = self.page.conversation
        self.page.new_chat()
        wait_for(lambda: self.page.conversation is not before)
        self.page.panel.form.params_changed.emit(params)
        settle()

    def ask(self, question: str) -> Turn:
        """Type a question, press Enter, and watch until the end of the reply is on the screen."""
        assert self.page.conversation is not None
        conversation_id = self.page.conversation.id
        turn, words = Turn(), ""
        due = ""

        # Connected after the page's own slots, so that the widgets have the text when this runs.
        def came(of: int, progress: Progress) -> None:
            nonlocal words, due
            if of != conversation_id:
                return
            words += progress.text
            if progress.ended:
                turn.message = progress.message
                due = "end"
            elif progress.text and not turn.first_painted:
                due = "first"

        def painted() -> None:
            nonlocal due
            if due:
                now = time.perf_counter()
                turn.first_painted = turn.first_painted or now
                if due == "end":
                    turn.end_painted = now
                due = ""

        self.edgewise.session.progress.connect(came)
        self.painted.after = painted
        field = self.page.composer.findChild(QPlainTextEdit)
        assert isinstance(field, QPlainTextEdit)
        field.setPlainText(question)
        settle()
        turn.sent = time.perf_counter()
        QTest.keyClick(field, Qt.Key.Key_Return)
        try:
            wait_for(lambda: turn.end_painted > 0)
        finally:
            self.painted.after = lambda: None
            self.edgewise.session.progress.disconnect(came)
        self._require_shown(words)
        return turn

    def _require_shown(self, words: str) -> None:
        """A figure for text that is not on the screen would be worth nothing."""
        shown = "".join(
            part.toPlainText()
            for part in self.page.transcript.findChildren(InertText)
            if part.isVisible() and not part.visibleRegion().isEmpty()
        )
        if words.split()[-1].strip("*_`#.") not in shown:
            raise RuntimeError(f"The reply is not on the screen: {words[-80:]!r} not in {shown[-200:]!r}")


def wait_for(condition: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    """Run the event loop until `condition` holds, looking after each round of events."""
    app = QCoreApplication.instance()
    assert app is not None
    expired = False

    def expire() -> None:
        nonlocal expired
        expired = True

    timer = QTimer()
    timer.setSingleShot(True)
    timer.timeout.connect(expire)
    timer.start(int(seconds * 1000))
    while not condition():
        if expired:
            raise TimeoutError(f"not within {seconds:g} s")
        app.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)


def settle(milliseconds: int = 60) -> None:
    """Let everything that is on its way be done and painted."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()
