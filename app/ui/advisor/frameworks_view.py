"""The frameworks as cards: strengths, weaknesses, what each is best for, and how it stands here."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.services.guidance import FrameworkHere
from app.ui import theme
from app.ui.advisor.column import Column, selectable, strong, title
from app.ui.chat.quiet_button import QuietButton
from app.ui.engines.dot import Dot
from app.ui.engines.wrapped import Wrapped

_WIDE = 1100
_LEAST_CARD = 380


class FrameworksView(Column):
    """Two beside each other where there is room."""

    visit_requested = Signal(str)
    """A home page's address."""
    engines_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, widest=_WIDE)
        self.cards: list[FrameworkCard] = []
        self._columns = 0
        column = self.content
        self._wait = Wrapped(column, "Looking at this machine…", quiet=True)
        self._grid = QGridLayout()
        self._grid.setSpacing(theme.SPACE_M)
        self.engines = QPushButton("See the engines", column)
        self.engines.clicked.connect(self.engines_requested)
        self.rows.addWidget(title(column, "The frameworks"))
        self.rows.addWidget(
            Wrapped(
                column,
                "Five engines that Edgewise runs, and two libraries for programs of your own.",
                quiet=True,
            )
        )
        self.rows.addSpacing(theme.SPACE_S)
        self.rows.addWidget(self._wait)
        self.rows.addLayout(self._grid)
        self.rows.addSpacing(theme.SPACE_S)
        self.rows.addWidget(self.engines, 0, Qt.AlignmentFlag.AlignLeading)
        self.rows.addStretch(1)

    def set_frameworks(self, frameworks: Sequence[FrameworkHere]) -> None:
        """Show these; cards that are there already are kept, with their words of now."""
        self._wait.setVisible(not frameworks)
        ids = [it.profile.id for it in frameworks]
        if [card.id for card in self.cards] != ids:
            for card in self.cards:
                self._grid.removeWidget(card)
                card.hide()
                card.deleteLater()
            self.cards = [FrameworkCard(it, self.content) for it in frameworks]
            for card in self.cards:
                card.visit_requested.connect(self.visit_requested)
                card.show()
            self._columns = 0
            self._place()
        for card, it in zip(self.cards, frameworks, strict=True):
            card.set_here(it)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        room = min(_WIDE, self.viewport().width()) - 2 * theme.SPACE_XL
        columns = 2 if room >= 2 * _LEAST_CARD + theme.SPACE_M else 1
        if columns == self._columns:
            return
        self._columns = columns
        for place, card in enumerate(self.cards):
            self._grid.removeWidget(card)
            self._grid.addWidget(card, place // columns, place % columns)
        for number in range(2):
            self._grid.setColumnStretch(number, 1 if number < columns else 0)


class FrameworkCard(QWidget):
    """One framework."""

    visit_requested = Signal(str)

    def __init__(self, it: FrameworkHere, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        profile = it.profile
        self._id = profile.id
        self._dot = Dot(profile.id, self)
        self._dot.setVisible(it.engine is not None)
        name = strong(self, profile.name)
        maker = Wrapped(self, f"{profile.maker} · {profile.licence}", size=theme.SIZE_SECONDARY, quiet=True)
        self._here = selectable(Wrapped(self, size=theme.SIZE_MONO))
        self.visit = QuietButton("outside", f"Visit the home page of {profile.name}", self)
        self.visit.setToolTip(profile.homepage)
        self.visit.set_revealed(True)
        self.visit.clicked.connect(lambda: self.visit_requested.emit(profile.homepage))
        head = QHBoxLayout()
        head.setSpacing(theme.SPACE_S)
        head.addWidget(self._dot)
        head.addWidget(name, 1, Qt.AlignmentFlag.AlignVCenter)
        head.addWidget(self.visit)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.SPACE_L, theme.SPACE_M, theme.SPACE_L, theme.SPACE_L)
        layout.setSpacing(theme.SPACE_XS)
        layout.addLayout(head)
        layout.addWidget(maker)
        layout.addSpacing(theme.SPACE_XS)
        layout.addWidget(self._here)
        for said, items in (
            ("Strengths", profile.strengths),
            ("Weaknesses", profile.weaknesses),
            ("Best for", (profile.best_for,)),
            ("Avoid for", (profile.avoid_for,)),
        ):
            caption = Wrapped(self, said, size=theme.SIZE_SECONDARY, quiet=True)
            caption.setContentsMargins(0, theme.SPACE_S, 0, 0)
            layout.addWidget(caption)
            for item in items:
                layout.addWidget(selectable(Wrapped(self, item, size=theme.SIZE_MONO)))
        layout.addStretch(1)
        layout.addSpacing(theme.SPACE_XS)
        layout.addWidget(Wrapped(self, f"Source: {it.source}.", size=theme.SIZE_SECONDARY, quiet=True))
        self.set_here(it)

    @property
    def id(self) -> str:
        """The framework's."""
        return self._id

    @property
    def texts(self) -> list[str]:
        """All that it says."""
        return [label.text() for label in self.findChildren(Wrapped)]

    def set_here(self, it: FrameworkHere) -> None:
        """How it stands on this machine now."""
        untried = f" {it.profile.untried}" if it.profile.untried else ""
        self._here.setText(f"Here: {it.here}{untried}")
        self._dot.set_hollow(it.engine is not None and not (it.engine.installed or it.engine.bundled))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.current().hairline, 1))
        painter.drawRoundedRect(
            self.rect().toRectF().adjusted(0.5, 0.5, -0.5, -0.5), theme.RADIUS_CARD, theme.RADIUS_CARD
        )
