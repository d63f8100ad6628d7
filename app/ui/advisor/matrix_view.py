"""The comparison's matrix of use cases, with this machine's verdict beside each."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.advisor.guide_answer import MatrixRow
from app.ui import icons, theme
from app.ui.advisor.column import Column, selectable, strong, title
from app.ui.engines.wrapped import Wrapped

_WIDE = 1100
_BESIDE_FROM = 640
_ICON = 16


class MatrixView(Column):
    """A row for each use case; in a narrow window its parts stand below each other."""

    chosen = Signal(object)
    """A `UseCase`: its answer is wanted."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, widest=_WIDE)
        self.use_cases: list[UseCaseRow] = []
        column = self.content
        self._list = QVBoxLayout()
        self._list.setSpacing(0)
        self._wait = Wrapped(column, "Looking at this machine…", quiet=True)
        self._source = Wrapped(column, size=theme.SIZE_SECONDARY, quiet=True)
        self.rows.addWidget(title(column, "Which framework for which use"))
        self.rows.addWidget(
            Wrapped(
                column, "What the comparison recommends, and what that comes to on this machine.", quiet=True
            )
        )
        self.rows.addSpacing(theme.SPACE_S)
        self.rows.addWidget(self._wait)
        self.rows.addLayout(self._list)
        self.rows.addWidget(self._source)
        self.rows.addStretch(1)

    def set_rows(self, rows: Sequence[MatrixRow]) -> None:
        """Show these."""
        self._wait.setVisible(not rows)
        for gone in self.use_cases[len(rows) :]:
            gone.hide()
            gone.deleteLater()
        del self.use_cases[len(rows) :]
        for place, row in enumerate(rows):
            if place == len(self.use_cases):
                made = UseCaseRow(self.content)
                made.chosen.connect(self.chosen)
                self._list.addWidget(made)
                made.show()
                self.use_cases.append(made)
            self.use_cases[place].set_row(row)
        sources = dict.fromkeys(row.source for row in rows)
        self._source.setText(f"Recommendations: {'; '.join(sources)}." if sources else "")


class UseCaseRow(QWidget):
    """Updated in place."""

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._row: MatrixRow | None = None
        self._label = strong(self)
        self._recommended = selectable(Wrapped(self))
        self._why = selectable(Wrapped(self, size=theme.SIZE_SECONDARY, quiet=True))
        self._icon = QLabel(self)
        self._icon.setFixedSize(_ICON, _ICON + 4)
        self._verdict = selectable(Wrapped(self))
        self._sure = Wrapped(self, size=theme.SIZE_SECONDARY, quiet=True)
        self.show_answer = QPushButton("Show why", self)
        self.show_answer.clicked.connect(self._choose)
        there = QVBoxLayout()
        there.setSpacing(2)
        there.addWidget(_small("The comparison", self))
        there.addWidget(self._recommended)
        there.addWidget(self._why)
        there.addStretch(1)
        here = QVBoxLayout()
        here.setSpacing(2)
        here.addWidget(_small("This machine", self))
        verdict = QHBoxLayout()
        verdict.setSpacing(theme.SPACE_XS)
        verdict.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        verdict.addWidget(self._verdict, 1)
        here.addLayout(verdict)
        here.addWidget(self._sure)
        here.addStretch(1)
        name = QVBoxLayout()
        name.setSpacing(theme.SPACE_S)
        name.addWidget(self._label)
        name.addWidget(self.show_answer, 0, Qt.AlignmentFlag.AlignLeading)
        name.addStretch(1)
        self._beside = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._beside.setContentsMargins(0, theme.SPACE_M, 0, theme.SPACE_M)
        self._beside.setSpacing(theme.SPACE_L)
        self._beside.addLayout(name, 3)
        self._beside.addLayout(there, 4)
        self._beside.addLayout(here, 6)
        theme.source().changed.connect(self._draw)

    @property
    def text(self) -> str:
        """All that it says."""
        return f"{self._label.text()}: {self._recommended.text()}. {self._why.text()} {self._verdict.text()}"

    def set_row(self, row: MatrixRow) -> None:
        """Show this one."""
        self._row = row
        self._label.setText(row.use_case.label)
        self._recommended.setText(row.recommended)
        self._why.setText(f"{row.use_case.why}.")
        self._verdict.setText(row.verdict)
        self._sure.setText(row.answer.certainty.value.capitalize())
        self._icon.setAccessibleName("as recommended" if row.agrees else "another one than recommended")
        self.show_answer.setAccessibleName(f"Show why: {row.use_case.label}")
        self.show_answer.setAccessibleDescription(row.verdict)
        self._draw()

    def _choose(self) -> None:
        if self._row is not None:
            self.chosen.emit(self._row.use_case)

    def _draw(self) -> None:
        agrees = self._row is not None and self._row.agrees
        colours = theme.current()
        name, colour = ("check", colours.ready) if agrees else ("info", colours.busy)
        self._icon.setPixmap(icons.pixmap(name, colour, _ICON, self.devicePixelRatioF()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        direction = QBoxLayout.Direction
        beside = self.width() >= _BESIDE_FROM
        self._beside.setDirection(direction.LeftToRight if beside else direction.TopToBottom)
        self._beside.setSpacing(theme.SPACE_L if beside else theme.SPACE_S)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        QPainter(self).fillRect(0, self.height() - 1, self.width(), 1, theme.current().hairline)


def _small(said: str, parent: QWidget) -> Wrapped:
    return Wrapped(parent, said, size=theme.SIZE_SECONDARY, quiet=True)
