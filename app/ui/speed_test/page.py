"""The speed test page: a test from the choice to its result, and the history of tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QStandardPaths, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QShowEvent
from PySide6.QtWidgets import QFileDialog, QStackedWidget, QVBoxLayout, QWidget

from app.domain.errors import EdgewiseError
from app.domain.speed_test import Contender, SpeedTest, Workload
from app.domain.speed_test_history import SpeedTestSummary
from app.services.speed_test_offer import Pick
from app.services.speed_test_session import SpeedTestSession
from app.ui.announce import announce
from app.ui.log_dialog import LogDialog
from app.ui.models.tabs import Tabs
from app.ui.notice_bar import UNDO_MS, NoticeBar
from app.ui.speed_test.choose_view import ChooseView
from app.ui.speed_test.compare_view import CompareView
from app.ui.speed_test.history_view import HistoryView
from app.ui.speed_test.result_view import ResultView
from app.ui.speed_test.running_view import RunningView
from app.ui.words import moment

TEST, HISTORY = range(2)
_ENDINGS = {"Markdown…": "md", "CSV…": "csv", "JSON…": "json", "Picture (PNG)…": "png"}
_FILTERS = {"md": "Markdown (*.md)", "csv": "CSV (*.csv)", "json": "JSON (*.json)", "png": "PNG (*.png)"}

Differences = Callable[[Sequence[Contender]], Sequence[str]]


class SpeedTestPage(QWidget):
    """Each signal of a view asks the session, each answer goes to a view."""

    models_requested = Signal()
    """The models page is wanted."""
    engines_requested = Signal()
    """The engines page is wanted, to install one."""

    def __init__(
        self, session: SpeedTestSession, differences: Differences, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._differences = differences
        self.tabs = Tabs(("Test", "History"), self)
        self.notice = NoticeBar(self)
        self.choose = ChooseView(self)
        self.running = RunningView(self)
        self.result = ResultView(self)
        self.history = HistoryView(self)
        self.past = ResultView(self)
        self.compare = CompareView(self)
        self._stack = QStackedWidget(self)
        for view in (self.choose, self.running, self.result, self.history, self.past, self.compare):
            self._stack.addWidget(view)
        self._test_view: QWidget = self.choose
        self._history_view: QWidget = self.history
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.tabs)
        layout.addWidget(self.notice)
        layout.addWidget(self._stack, 1)
        self.tabs.chosen.connect(lambda _: self._show())
        self.setFocusProxy(self.tabs)
        self._connect_test()
        self._connect_history()
        session.failed.connect(self.show_error)
        session.exported.connect(self._say_exported)
        if session.is_running:
            self._test_view = self.running
            if session.live is not None:
                self.running.set_live(session.live)
        self._show()

    def show_error(self, error: EdgewiseError) -> None:
        """Say an expected failure above the views."""
        details = ("Show details", lambda: self.show_log(error.message, error.detail))
        self.notice.say(error.message, details=details if error.detail else None)

    def show_log(self, sentence: str, log: str) -> None:
        """What stands behind a sentence."""
        dialog = LogDialog("Log", sentence, log, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    @property
    def view(self) -> QWidget:
        """What is shown now."""
        return self._test_view if self.tabs.current == TEST else self._history_view

    # A test

    def _connect_test(self) -> None:
        session = self._session
        self.choose.started.connect(self._start)
        self.choose.changed.connect(self._ask_differences)
        self.choose.install_requested.connect(lambda _: self.engines_requested.emit())
        self.choose.models_requested.connect(self.models_requested)
        self.running.stop_requested.connect(session.stop)
        self.running.log_requested.connect(self.show_log)
        self.choose.look_again_requested.connect(session.look)
        session.offered.connect(self.choose.set_offer)
        session.not_offered.connect(self._say_not_offered)
        session.differences_told.connect(self._tell_differences)
        session.running_changed.connect(self.choose.set_busy)
        session.live_changed.connect(self.running.set_live)
        session.not_begun.connect(lambda: self._show_test(self.choose))
        session.ended.connect(self._ended)
        self._connect_result(self.result)
        self.result.new_requested.connect(self._new)

    def _connect_result(self, view: ResultView) -> None:
        view.copy_requested.connect(lambda: self._copy(view))
        view.export_requested.connect(lambda name: self._ask_where(view, name))
        view.log_requested.connect(self.show_log)

    def _say_not_offered(self, error: EdgewiseError) -> None:
        self.choose.set_failed(error.message)
        self.show_error(error)

    def _ask_differences(self, picks: tuple[Pick, ...]) -> None:
        if len(picks) > 1:
            self._session.ask_differences(picks)

    def _tell_differences(self, picks: tuple[Pick, ...], sentences: Sequence[str]) -> None:
        if picks == self.choose.picks:
            self.choose.set_differences(sentences)

    def _start(self, picks: tuple[Pick, ...], workload: Workload) -> None:
        self.running.begin(self.choose.family.currentText())
        self._show_test(self.running)
        self.running.stop.setFocus(Qt.FocusReason.OtherFocusReason)
        self._session.start(picks, workload)

    def _ended(self, test: SpeedTest) -> None:
        self.result.set_result(test, self._differences_of(test))
        had_focus = self.running.stop.hasFocus()
        self._show_test(self.result)
        if had_focus:
            self.result.new.setFocus(Qt.FocusReason.OtherFocusReason)
        self.result.tell()

    def _new(self) -> None:
        self._show_test(self.choose)
        self.tabs.choose(TEST)
        self._session.look()
        self.choose.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_test(self, view: QWidget) -> None:
        self._test_view = view
        self._show()

    def _differences_of(self, test: SpeedTest) -> Sequence[str]:
        return self._differences([column.contender for column in test.columns])

    # The history

    def _connect_history(self) -> None:
        session, history = self._session, self.history
        history.open_requested.connect(session.open)
        history.compare_requested.connect(session.compare)
        history.remove_requested.connect(session.remove)
        history.trend_wanted.connect(session.ask_trend)
        history.new_requested.connect(self._new)
        history.read_again_requested.connect(session.read_history)
        session.listed.connect(history.set_summaries)
        session.not_listed.connect(self._say_not_listed)
        session.trend_known.connect(history.set_trend)
        session.opened.connect(self._opened)
        session.compared.connect(self._compared)
        session.removed.connect(self._say_removed)
        self._connect_result(self.past)
        self.past.back_requested.connect(self._back)
        self.past.new_requested.connect(self._new)
        self.compare.back_requested.connect(self._back)

    def _say_not_listed(self, error: EdgewiseError) -> None:
        self.history.set_failed(error.message)
        self.show_error(error)

    def _opened(self, test: SpeedTest) -> None:
        self.past.set_result(test, self._differences_of(test), from_history=True)
        self._show_history(self.past)
        self.past.back.setFocus(Qt.FocusReason.OtherFocusReason)
        self.past.tell()

    def _compared(self, one: SpeedTest, other: SpeedTest) -> None:
        self.compare.set_tests(one, other)
        self._show_history(self.compare)
        self.compare.back.setFocus(Qt.FocusReason.OtherFocusReason)
        self.compare.tell()

    def _back(self) -> None:
        self._show_history(self.history)
        self.history.rows.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_history(self, view: QWidget) -> None:
        self._history_view = view
        self.tabs.choose(HISTORY)
        self._show()

    def _say_removed(self, summary: SpeedTestSummary) -> None:
        self.notice.say(
            f"The test of {moment(summary.at)} was deleted.",
            [("Undo", lambda: self._session.restore(summary.id))],
            failed=False,
            ms=UNDO_MS,
        )

    # Copies

    def _copy(self, view: ResultView) -> None:
        from app.benchmark.report import Format, report

        if view.test is not None:
            QGuiApplication.clipboard().setText(report(view.test, Format.TEXT, view.differences))
            view.copy.setText("Copied")
            QTimer.singleShot(1500, view.copy, lambda: view.copy.setText("Copy as text"))
            announce(view, "Copied")

    def _ask_where(self, view: ResultView, name: str) -> None:
        ending = _ENDINGS[name]
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        when = moment(view.test.at if view.test is not None else 0.0).replace(":", "-")
        chosen, _ = QFileDialog.getSaveFileName(
            self, "Export", str(Path(folder) / f"Speed test {when}.{ending}"), _FILTERS[ending]
        )
        if chosen:
            path = Path(chosen)
            self.export(view, path if path.suffix else path.with_suffix(f".{ending}"), ending)

    def export(self, view: ResultView, path: Path, ending: str) -> None:
        """Write the result into `path`; `ending` says as what ("md", "csv", "json", "png")."""
        from app.benchmark.report import Format, report
        from app.ui.speed_test.picture import picture, png

        test, differences = view.test, view.differences
        if test is None:
            return
        if ending == "png":
            drawn = picture(f"Speed test: {view.title}", view.machine, view.charts)
            self._session.export(path, lambda: png(drawn))
        else:
            self._session.export(path, lambda: report(test, Format(ending), differences).encode())

    def _say_exported(self, path: Path) -> None:
        self.notice.say(f"{path.name} was written.", failed=False, ms=UNDO_MS)

    # What is shown

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        # After it is painted, since workers would slow that down.
        QTimer.singleShot(0, self._look)

    def _look(self) -> None:
        if self.isVisible():
            self._session.look()
            self._session.read_history()

    def _show(self) -> None:
        self._stack.setCurrentWidget(self.view)
        if self.view is self.choose and self.isVisible():
            self._session.look()
