"""One question of the guide, with its answers to choose from."""

from __future__ import annotations

from itertools import pairwise

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.advisor.guide_answer import Asked
from app.ui import icons, theme
from app.ui.advisor.column import Column, heading, title
from app.ui.advisor.option_row import OptionRow
from app.ui.advisor.progress_dots import ProgressDots
from app.ui.announce import announce
from app.ui.engines.wrapped import Wrapped

_PROPOSED = "What this machine is."


class QuestionView(Column):
    """Arrows choose, Enter goes on, Alt and Left or Backspace goes back."""

    taken = Signal(str)
    """An option's id: it is the answer."""
    back_requested = Signal()
    place_requested = Signal(int)
    """Another question is wanted, by its place."""
    again_requested = Signal()
    """All answers are to be forgotten."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._asked: Asked | None = None
        column = self.content
        self.options: dict[str, OptionRow] = {}
        self._group = QButtonGroup(self)
        self._group.idToggled.connect(lambda *_: self._show_next())
        self._intro = Wrapped(
            column,
            "A few questions lead to a framework, a model and a precision that run on this machine.",
            quiet=True,
        )
        self.dots = ProgressDots(column)
        self.dots.chosen.connect(self.place_requested)
        self._count = Wrapped(column, size=theme.SIZE_SECONDARY, quiet=True)
        self._question = heading(column, "")
        self._why = Wrapped(column, quiet=True)
        self._machine = Wrapped(column, size=theme.SIZE_MONO)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(theme.SPACE_S)
        self.back = QPushButton("Back", column)
        self.back.clicked.connect(self.back_requested)
        icons.set_icon(self.back, "back", "secondary", 16)
        self.next = QPushButton("Next", column)
        self.next.setDefault(True)
        self.next.clicked.connect(self._take)
        self.again = QPushButton("Begin again", column)
        self.again.clicked.connect(self.again_requested)
        head = QHBoxLayout()
        head.setSpacing(theme.SPACE_M)
        head.addWidget(self.dots)
        head.addWidget(self._count, 1, Qt.AlignmentFlag.AlignVCenter)
        deeds = QHBoxLayout()
        deeds.setSpacing(theme.SPACE_S)
        deeds.addWidget(self.back)
        deeds.addWidget(self.next)
        deeds.addStretch(1)
        deeds.addWidget(self.again)
        rows = self.rows
        rows.addWidget(title(column, "Which framework suits you?"))
        rows.addWidget(self._intro)
        rows.addSpacing(theme.SPACE_M)
        rows.addLayout(head)
        rows.addSpacing(theme.SPACE_S)
        rows.addWidget(self._question)
        rows.addWidget(self._why)
        rows.addWidget(self._machine)
        rows.addSpacing(theme.SPACE_S)
        rows.addLayout(self._rows)
        rows.addSpacing(theme.SPACE_M)
        rows.addLayout(deeds)
        rows.addStretch(1)

    @property
    def chosen(self) -> str | None:
        """The option that is chosen now, before it is taken; None where none is."""
        return next((id_ for id_, row in self.options.items() if row.isChecked()), None)

    @property
    def text(self) -> str:
        """The question that is asked."""
        return self._question.text()

    def ask(self, asked: Asked, place: int, count: int, reached: int) -> None:
        """Ask this one, the one at `place` of `count`; those before `reached` are answered."""
        same = self._asked is not None and self._asked.question.id == asked.question.id
        kept = self.chosen if same else None
        had_focus = self._has_focus()
        self._asked = asked
        self._intro.setVisible(place == 0)
        self._question.setText(asked.question.text)
        self._why.setText(asked.question.why)
        self._machine.setText(asked.machine_words)
        self._machine.setVisible(bool(asked.machine_words))
        self.dots.set_progress(place, count, reached)
        self._count.setText(self.dots.text)
        self.back.setEnabled(place > 0)
        self.again.setVisible(reached > 0)
        self.next.setText("Show the answer" if place == count - 1 else "Next")
        self._make(asked, kept or asked.answer or asked.proposed)
        if not same:
            self.verticalScrollBar().setValue(0)
        if had_focus:
            self.take_focus()
            if not same:
                announce(self, f"{self.dots.text}. {asked.question.text} {asked.machine_words}".strip())

    def take_focus(self) -> None:
        """Give the keyboard to the option that is chosen, else the first."""
        row = self.options.get(self.chosen or "") or next(iter(self.options.values()), None)
        if row is not None:
            row.setFocus(Qt.FocusReason.OtherFocusReason)

    def _make(self, asked: Asked, chosen: str | None) -> None:
        self._group.setExclusive(False)
        for row in self.options.values():
            self._group.removeButton(row)
            self._rows.removeWidget(row)
            row.hide()
            row.deleteLater()
        self._group.setExclusive(True)
        self.options = {}
        for option in asked.options:
            below = _PROPOSED if option.id == asked.proposed else ""
            row = OptionRow(option.id, option.label, below, self.content)
            self._group.addButton(row, len(self.options))
            row.setChecked(option.id == chosen)
            row.taken.connect(self._take)
            self._rows.addWidget(row)
            row.show()
            self.options[option.id] = row
        self._show_next()
        order = [*self.options.values(), self.back, self.next, self.again]
        for before, after in pairwise(order):
            QWidget.setTabOrder(before, after)

    def _show_next(self) -> None:
        self.next.setEnabled(self.chosen is not None)
        self.next.setAccessibleDescription("" if self.chosen else "Choose an answer first.")

    def _take(self) -> None:
        if (chosen := self.chosen) is not None:
            self.taken.emit(chosen)

    def _has_focus(self) -> bool:
        focus = self.focusWidget()
        return focus is not None and focus.hasFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        back = event.key() == Qt.Key.Key_Backspace or (
            event.key() == Qt.Key.Key_Left and event.modifiers() & Qt.KeyboardModifier.AltModifier
        )
        if back and self.back.isEnabled():
            self.back_requested.emit()
        else:
            super().keyPressEvent(event)
