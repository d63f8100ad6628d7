"""The advisor page: the guide from its questions to its answer, the use cases, the frameworks, the cost."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QStandardPaths, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication, QShowEvent
from PySide6.QtWidgets import QFileDialog, QStackedWidget, QVBoxLayout, QWidget

from app.advisor.guide_answer import GuideAnswer
from app.advisor.guide_questions import machine_words
from app.advisor.guide_rules import UseCase
from app.domain.errors import EdgewiseError
from app.services.advice_follower import AdviceFollower
from app.services.advisor_session import AdvisorSession
from app.services.cost_reckoning import Reckoned
from app.services.cost_session import CostSession
from app.ui.advisor.answer_cost import cost_of
from app.ui.advisor.answer_text import as_html, as_text
from app.ui.advisor.answer_view import PDF, AnswerView
from app.ui.advisor.cost_view import CostView
from app.ui.advisor.frameworks_view import FrameworksView
from app.ui.advisor.matrix_view import MatrixView
from app.ui.advisor.question_view import QuestionView
from app.ui.announce import announce
from app.ui.log_dialog import LogDialog
from app.ui.models.invitation import Invitation
from app.ui.models.tabs import Tabs
from app.ui.notice_bar import UNDO_MS, NoticeBar

GUIDE, USE_CASES, FRAMEWORKS, COST = range(4)
_LOOK_AGAIN = "Look again"


class AdvisorPage(QWidget):
    """Each signal of a view asks a session, each answer goes to a view."""

    speed_test_requested = Signal()
    engines_requested = Signal()
    attach_requested = Signal()
    settings_requested = Signal()

    def __init__(
        self,
        session: AdvisorSession,
        follower: AdviceFollower,
        costs: CostSession,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._follower = follower
        self._costs = costs
        self._reckoned: Reckoned | None = None
        self.tabs = Tabs(("Guide", "Use cases", "Frameworks", "Cost"), self)
        self.notice = NoticeBar(self)
        self.waiting = Invitation(self)
        self.waiting.say("Looking at this machine…", "")
        self.question = QuestionView(self)
        self.answer = AnswerView(self)
        self.matrix = MatrixView(self)
        self.frameworks = FrameworksView(self)
        self.cost = CostView(self)
        self._stack = QStackedWidget(self)
        for view in (
            self.waiting, self.question, self.answer, self.matrix, self.frameworks, self.cost,
        ):  # fmt: skip
            self._stack.addWidget(view)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.tabs)
        layout.addWidget(self.notice)
        layout.addWidget(self._stack, 1)
        self.tabs.chosen.connect(lambda _: self._show())
        self.setFocusProxy(self.tabs)
        self._connect_guide()
        self._connect_steps()
        self._connect_cost()
        if session.is_ready:
            self._walked()
        self._show_steps()
        self._show()

    @property
    def view(self) -> QWidget:
        """What is shown now."""
        shown = self._stack.currentWidget()
        assert shown is not None
        return shown

    def show_error(self, error: EdgewiseError) -> None:
        """Say an expected failure above the views."""
        details = ("Show details", lambda: self.show_log(error.message, error.detail))
        self.notice.say(error.message, details=details if error.detail else None)

    def show_log(self, sentence: str, log: str) -> None:
        """What stands behind a sentence."""
        dialog = LogDialog("Log", sentence, log, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    # The guide

    def _connect_guide(self) -> None:
        session, question, answer = self._session, self.question, self.answer
        session.walked.connect(self._walked)
        session.answered.connect(self._answered)
        session.matrix_known.connect(self.matrix.set_rows)
        session.frameworks_known.connect(self.frameworks.set_frameworks)
        session.not_known.connect(self._say_not_known)
        session.failed.connect(self.show_error)
        question.taken.connect(session.take)
        question.back_requested.connect(session.back)
        question.place_requested.connect(session.go_to)
        question.again_requested.connect(self._begin_again)
        answer.change_requested.connect(session.back)
        answer.again_requested.connect(self._begin_again)
        answer.copy_requested.connect(self._copy)
        answer.export_requested.connect(self._export)
        answer.speed_test_requested.connect(self.speed_test_requested)
        answer.cost_requested.connect(lambda: self._go_to_tab(COST))
        self.waiting.chosen.connect(lambda _: session.look())
        self.matrix.chosen.connect(self._take_use_case)
        self.frameworks.engines_requested.connect(self.engines_requested)
        self.frameworks.visit_requested.connect(lambda page: QDesktopServices.openUrl(QUrl(page)))

    def _walked(self) -> None:
        session = self._session
        asked, current = session.asked, session.current
        had_focus = self._guide_has_focus()
        if current is not None:
            reached = sum(it.answer is not None for it in asked)
            self.question.ask(current, session.place, len(asked), max(reached, session.place))
        self._show()
        if had_focus and current is not None:
            self.question.take_focus()

    def _answered(self, answer: GuideAnswer) -> None:
        if not self._session.is_answered:
            return
        had_focus = self._guide_has_focus()
        fresh = self.answer.answer is None or self._stack.currentWidget() is not self.answer
        self.answer.set_answer(answer, cost_of(answer, self._reckoned, self._costs.forms))
        self._follower.set_steps(answer.steps)
        self._show_steps()
        self._show()
        if had_focus:
            self.answer.take_focus()
        if fresh and self.tabs.current == GUIDE:
            self.answer.tell()

    def _begin_again(self) -> None:
        self.answer.answer = None
        self._session.begin_again()
        self.question.take_focus()

    def _take_use_case(self, use_case: UseCase) -> None:
        self.answer.answer = None
        self._session.take_use_case(use_case)
        self._go_to_tab(GUIDE)
        self.tabs.focus_current()

    def _say_not_known(self, error: EdgewiseError) -> None:
        self.waiting.say("This machine could not be looked at", error.message, [_LOOK_AGAIN])
        if self._session.is_ready:
            self.show_error(error)

    def _guide_has_focus(self) -> bool:
        focus = self.focusWidget()
        if focus is None or not focus.hasFocus():
            return False
        return self.question.isAncestorOf(focus) or self.answer.isAncestorOf(focus)

    # The steps

    def _connect_steps(self) -> None:
        follower, steps = self._follower, self.answer.steps
        steps.follow_requested.connect(follower.follow)
        steps.stop_requested.connect(follower.stop)
        steps.attach_requested.connect(self.attach_requested)
        steps.settings_requested.connect(self.settings_requested)
        steps.log_requested.connect(self.show_log)
        follower.changed.connect(self._show_steps)
        follower.running_changed.connect(self._run)

    def _run(self, running: bool) -> None:
        if not running and self.answer.answer is not None:  # it may be another one than what was followed
            self._follower.set_steps(self.answer.answer.steps)
        self._show_steps()

    def _show_steps(self) -> None:
        self.answer.set_steps(self._follower.steps, running=self._follower.is_running)

    # The cost

    def _connect_cost(self) -> None:
        self.cost.asked.connect(self._costs.reckon)
        self.cost.speed_test_requested.connect(self.speed_test_requested)
        self._costs.reckoned.connect(self._take_reckoned)
        self._costs.refused.connect(lambda error: self.cost.result.set_problem(error.message))
        self._costs.forms_known.connect(self.cost.form.set_forms)
        self._costs.failed.connect(self.show_error)
        self.cost.form.set_forms(self._costs.forms)

    def _take_reckoned(self, it: Reckoned) -> None:
        self._reckoned = it
        self.cost.set_reckoned(it)
        if self.answer.answer is not None:
            answer = self.answer.answer
            self.answer.set_answer(answer, cost_of(answer, it, self._costs.forms))

    # Copies

    @property
    def _machine(self) -> str:
        machine = self._session.machine
        return machine_words(machine) if machine is not None else ""

    def _copy(self) -> None:
        answer = self.answer
        if answer.answer is not None:
            QGuiApplication.clipboard().setText(as_text(answer.answer, answer.cost, self._machine))
            answer.copy.setText("Copied")
            QTimer.singleShot(1500, answer.copy, lambda: answer.copy.setText("Copy as text"))
            announce(answer, "Copied")

    def _export(self, name: str) -> None:
        answer = self.answer.answer
        if answer is None:
            return
        if name == PDF:
            folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
            chosen, _ = QFileDialog.getSaveFileName(
                self, "Save as PDF", str(Path(folder) / "Advice.pdf"), "PDF (*.pdf)"
            )
            if chosen:
                path = Path(chosen)
                self.save_pdf(path if path.suffix else path.with_suffix(".pdf"))
        else:
            from app.ui.advisor.paper import print_out

            print_out(as_html(answer, self.answer.cost, self._machine), answer.headline, self)

    def save_pdf(self, path: Path) -> None:
        """Write the answer that is shown into `path`."""
        from app.ui.advisor.paper import pdf

        answer = self.answer.answer
        if answer is None:
            return
        content = pdf(as_html(answer, self.answer.cost, self._machine), answer.headline)
        try:
            path.write_bytes(content)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            self.notice.say(f"{path.name} was not written: {reason}. Choose another folder.")
        else:
            self.notice.say(f"{path.name} was written.", failed=False, ms=UNDO_MS)

    # What is shown

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        # After it is painted, since workers would slow that down.
        QTimer.singleShot(0, self._look)

    def _look(self) -> None:
        if self.isVisible():
            self._session.look()
            self._costs.look()
            if self._reckoned is None:
                self.cost.ask()

    def _go_to_tab(self, tab: int) -> None:
        self.tabs.choose(tab)
        self._show()

    def _show(self) -> None:
        session = self._session
        guide: QWidget = self.waiting
        if session.is_ready and session.current is not None:
            guide = self.question
        elif session.is_answered and self.answer.answer is not None:
            guide = self.answer
        elif session.is_answered:
            self.waiting.say("Weighing the frameworks…", "")
        views = {USE_CASES: self.matrix, FRAMEWORKS: self.frameworks, COST: self.cost}
        self._stack.setCurrentWidget(views.get(self.tabs.current, guide))
