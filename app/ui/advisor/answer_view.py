"""The guide's answer, as a page that one could print, and the button that does it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from app.advisor.guide_answer import Certainty, GuideAnswer
from app.services.advice_follower import FollowedStep
from app.ui import icons, theme
from app.ui.advisor.answer_text import Item, Section, sections
from app.ui.advisor.certainty_line import CertaintyLine
from app.ui.advisor.column import Column, heading, selectable, title
from app.ui.advisor.steps_view import StepsView
from app.ui.announce import announce
from app.ui.engines.wrapped import Wrapped

PDF, PRINT = "Save as PDF…", "Print…"


class AnswerView(Column):
    """What is shown is one `GuideAnswer`; its steps are updated in place."""

    change_requested = Signal()
    """The answers are to be changed: back to the last question."""
    again_requested = Signal()
    copy_requested = Signal()
    export_requested = Signal(str)
    """`PDF` or `PRINT`."""
    speed_test_requested = Signal()
    cost_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.answer: GuideAnswer | None = None
        self.cost: tuple[str, ...] = ()
        column = self.content
        self._parts: list[QWidget] = []
        self.change = QPushButton("Change answers", column)
        icons.set_icon(self.change, "back", "secondary", 16)
        self.change.clicked.connect(self.change_requested)
        self.again = QPushButton("Begin again", column)
        self.again.clicked.connect(self.again_requested)
        self.copy = QPushButton("Copy as text", column)
        self.copy.clicked.connect(self.copy_requested)
        self.export = QPushButton("Print", column)
        icons.set_icon(self.export, "chevron-down", "secondary", 14)
        self.export.clicked.connect(self._open_exports)
        self._headline = selectable(title(column))
        self._model = selectable(Wrapped(column))
        self.sure = QWidget(column)
        self._sure = QVBoxLayout(self.sure)
        self._sure.setContentsMargins(0, 0, 0, 0)
        self.steps = StepsView(column)
        self.speed_test = QPushButton("Test the speed here", column)
        self.speed_test.setAccessibleDescription("A measurement of this machine wins over the comparison")
        icons.set_icon(self.speed_test, "speed", "secondary", 16)
        self.speed_test.clicked.connect(self.speed_test_requested)
        self.reckon = QPushButton("Reckon the cost", column)
        self.reckon.clicked.connect(self.cost_requested)
        self._sections = QVBoxLayout()
        self._sections.setSpacing(theme.SPACE_S)
        top = QHBoxLayout()
        top.setSpacing(theme.SPACE_S)
        top.addWidget(self.change)
        top.addWidget(self.again)
        top.addStretch(1)
        top.addWidget(self.copy)
        top.addWidget(self.export)
        rows = self.rows
        rows.addLayout(top)
        rows.addSpacing(theme.SPACE_S)
        for part in (self._headline, self._model, self.sure):
            rows.addWidget(part)
        rows.addSpacing(theme.SPACE_M)
        rows.addWidget(self.steps)
        rows.addLayout(self._sections)
        more = QHBoxLayout()
        more.setSpacing(theme.SPACE_S)
        more.addWidget(self.reckon)
        more.addWidget(self.speed_test)
        more.addStretch(1)
        rows.addSpacing(theme.SPACE_M)
        rows.addLayout(more)
        rows.addStretch(1)
        self._set_order()

    @property
    def headline(self) -> str:
        """The recommendation."""
        return self._headline.text()

    @property
    def texts(self) -> list[str]:
        """All that is said below the steps."""
        found: list[str] = []
        for part in self._parts:
            labels = [part] if isinstance(part, Wrapped) else part.findChildren(Wrapped)
            found += [label.text() for label in labels]
        return found

    def set_answer(self, answer: GuideAnswer, cost: Sequence[str]) -> None:
        """Show this one; `cost` are sentences."""
        same = self.answer == answer and self.cost == tuple(cost)
        fresh = self.answer is None or self.answer.headline != answer.headline
        self.answer, self.cost = answer, tuple(cost)
        if same:
            return
        self._headline.setText(answer.headline)
        self._model.setText(answer.model_words)
        self._model.setVisible(bool(answer.model_words))
        while (old := self._sure.takeAt(0)) is not None:
            _drop(old.widget())
        self._sure.addWidget(CertaintyLine(answer.certainty, _sure(answer), self.sure))
        self.speed_test.setVisible(answer.certainty is not Certainty.MEASURED)
        for part in self._parts:
            self._sections.removeWidget(part)
            _drop(part)
        self._parts = []
        for section in sections(answer, cost):
            self._add(section)
        if fresh:
            self.verticalScrollBar().setValue(0)

    def set_steps(self, steps: Sequence[FollowedStep], *, running: bool) -> None:
        """Where each step stands."""
        self.steps.set_steps(steps, running=running)
        self._set_order()

    def tell(self) -> None:
        """Have the recommendation read out."""
        if self.answer is not None:
            announce(self, f"{self.headline} {self._model.text()} {_sure(self.answer)}")

    def take_focus(self) -> None:
        """Give the keyboard to the button that does it, where there is one to press."""
        button = self.steps.stop if not self.steps.stop.isHidden() else self.steps.follow
        (button if button.isEnabled() else self.change).setFocus(Qt.FocusReason.OtherFocusReason)

    def _add(self, section: Section) -> None:
        space = heading(self.content, section.heading)
        space.setContentsMargins(0, theme.SPACE_L, 0, 0)
        self._put(space)
        for item in section.items:
            self._put(_ItemView(item, self.content))

    def _put(self, widget: QWidget) -> None:
        self._sections.addWidget(widget)
        self._parts.append(widget)
        widget.show()

    def _open_exports(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for name in (PDF, PRINT):
            menu.addAction(name).triggered.connect(
                lambda _=False, name=name: self.export_requested.emit(name)
            )
        menu.popup(self.export.mapToGlobal(self.export.rect().bottomLeft()))

    def _set_order(self) -> None:
        order = [
            self.change, self.again, self.copy, self.export, *self.steps.tab_order, self.reckon,
            self.speed_test,
        ]  # fmt: skip
        for before, after in pairwise(order):
            QWidget.setTabOrder(before, after)


class _ItemView(QWidget):
    """A sentence with what it rests on; a framework's name before it where it is about one."""

    def __init__(self, item: Item, parent: QWidget) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, theme.SPACE_XS)
        layout.setSpacing(2)
        if item.name:
            name = selectable(Wrapped(self, item.name))
            name.setFont(theme.body_font(semibold=True))
            layout.addWidget(name)
        layout.addWidget(selectable(Wrapped(self, item.text)))
        if item.certainty is not None:
            layout.addWidget(CertaintyLine(item.certainty, item.below, self))
        elif item.below:
            layout.addWidget(Wrapped(self, item.below, size=theme.SIZE_SECONDARY, quiet=True))


def _sure(answer: GuideAnswer) -> str:
    return answer.certainty.value.capitalize()


def _drop(widget: QWidget | None) -> None:
    if widget is not None:
        widget.hide()
        widget.deleteLater()
