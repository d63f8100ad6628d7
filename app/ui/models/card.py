"""One model of the catalog as a card: what it is, and what this machine makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QStyle, QWidget

from app.advisor.ladder import Level, Verdict
from app.domain.catalog import CatalogModel
from app.ui import icons, theme
from app.ui.elide import aligned, lines_of
from app.ui.words import parameters, size, tokens

LEAST_WIDTH = 296
_LINE = 18
_MARK = 16
_ICON = 15
_GOOD_FOR_LINES, _VERDICT_LINES = 2, 2
_HEIGHT = (
    2 * theme.SPACE_L
    + 20
    + theme.SPACE_XS
    + _GOOD_FOR_LINES * _LINE
    + theme.SPACE_S
    + _LINE
    + theme.SPACE_S
    + _VERDICT_LINES * _LINE
)

LEVEL_ICONS = {
    Level.WELL: ("check", "ready"),
    Level.READABLE: ("speed", "ready"),
    Level.SLOW: ("speed", "busy"),
    Level.TIGHT: ("tight", "busy"),
    Level.TOO_BIG: ("blocked", "secondary"),
}
"""For each level its icon, and the role of the colour it has."""


class Presence(StrEnum):
    """Whether a model is on this machine, in words."""

    NONE = ""
    HERE = "On this machine"
    ARRIVING = "Being downloaded"


_PRESENCE_ICONS = {Presence.HERE: "on-disk", Presence.ARRIVING: "download"}


@dataclass(frozen=True, slots=True)
class CardContent:
    """What a card says. Without a `verdict` this machine has not been asked yet."""

    model: CatalogModel
    verdict: Verdict | None = None
    presence: Presence = Presence.NONE

    @property
    def size(self) -> str:
        """Of the file that suits this machine, or of the model itself."""
        rung = self.verdict.rung if self.verdict else None
        known = rung.file_size if rung else None
        return size(known) if known else f"{parameters(self.model.parameters)} parameters"

    @property
    def facts(self) -> str:
        """Size, licence, context."""
        return f"{self.size} · {self.model.licence} · {self.context}"

    @property
    def context(self) -> str:
        """What it was trained for."""
        return f"{tokens(self.model.context_length)} context"

    def facts_within(self, width: int, metrics: QFontMetrics) -> str:
        """`facts` in `width` logical pixels: where that is too little the licence is cut."""
        around = metrics.horizontalAdvance(f"{self.size} ·  · {self.context}")
        licence = metrics.elidedText(self.model.licence, Qt.TextElideMode.ElideRight, max(0, width - around))
        return f"{self.size} · {licence} · {self.context}"


class Card(QAbstractButton):
    """Painted, not laid out: a page of thirty opens at once. `clicked` also comes of Enter."""

    def __init__(self, content: CardContent, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._content = content
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self._tell()

    @property
    def content(self) -> CardContent:
        """What it says now."""
        return self._content

    def set_content(self, content: CardContent) -> None:
        """Say something else."""
        if content != self._content:
            self._content = content
            self._tell()
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(LEAST_WIDTH, _HEIGHT)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        elif event.key() == Qt.Key.Key_Space:
            super().keyPressEvent(event)
        else:
            event.ignore()  # arrows are the grid's business, not those of a group of buttons

    def _tell(self) -> None:
        content = self._content
        verdict = content.verdict.words if content.verdict else "Not reckoned for this machine yet"
        said = (content.model.name, content.model.good_for, content.facts, verdict, content.presence.value)
        self.setAccessibleName(". ".join(part.rstrip(".") for part in said if part))
        self.setToolTip("\n".join(part for part in (content.presence.value, *said[3:4]) if part))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        colours, content = theme.current(), self._content
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setLayoutDirection(Qt.LayoutDirection.LayoutDirectionAuto)  # "2.5 GB" is never "GB 2.5"
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.surface)
        painter.drawRoundedRect(QRectF(self.rect()), theme.RADIUS_CARD, theme.RADIUS_CARD)
        if self.isDown() or self.underMouse():
            painter.setBrush(colours.wash(0.07 if self.isDown() else 0.035))
            painter.drawRoundedRect(QRectF(self.rect()), theme.RADIUS_CARD, theme.RADIUS_CARD)
        if self.hasFocus():
            painter.setPen(QPen(colours.accent, 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            ring = QRectF(self.rect()).adjusted(1, 1, -1, -1)
            painter.drawRoundedRect(ring, theme.RADIUS_CARD - 1, theme.RADIUS_CARD - 1)
        inner = self.rect().adjusted(theme.SPACE_L, theme.SPACE_L, -theme.SPACE_L, -theme.SPACE_L)
        y = inner.top()
        room = inner.width() - (_MARK + theme.SPACE_S if content.presence else 0)
        name = theme.body_font(semibold=True)
        painter.setFont(name)
        painter.setPen(colours.text)
        cut = QFontMetrics(name).elidedText(content.model.name, Qt.TextElideMode.ElideRight, room)
        self._write(painter, QRect(inner.left(), y, room, 20), cut)
        if content.presence:
            self._draw(
                painter,
                _PRESENCE_ICONS[content.presence],
                "accent",
                QRect(inner.right() + 1 - _MARK, y + 2, _MARK, _MARK),
            )
        y += 20 + theme.SPACE_XS
        small = theme.tabular_font()
        painter.setFont(small)
        painter.setPen(colours.secondary)
        for number, line in enumerate(
            lines_of(content.model.good_for, small, inner.width(), _GOOD_FOR_LINES)
        ):
            self._write(painter, QRect(inner.left(), y + number * _LINE, inner.width(), _LINE), line)
        y += _GOOD_FOR_LINES * _LINE + theme.SPACE_S
        facts = content.facts_within(inner.width(), QFontMetrics(small))
        self._write(painter, QRect(inner.left(), y, inner.width(), _LINE), facts)
        y += _LINE + theme.SPACE_S
        if content.verdict is not None:
            self._draw_verdict(painter, content.verdict, QRect(inner.left(), y, inner.width(), 2 * _LINE))

    def _draw_verdict(self, painter: QPainter, verdict: Verdict, where: QRect) -> None:
        name, role = LEVEL_ICONS[verdict.level]
        self._draw(painter, name, role, QRect(where.left(), where.top() + 1, _ICON, _ICON))
        words = where.adjusted(_ICON + theme.SPACE_S, 0, 0, 0)
        font = theme.tabular_font()
        painter.setFont(font)
        painter.setPen(theme.current().text)
        for number, line in enumerate(lines_of(verdict.words, font, words.width(), _VERDICT_LINES)):
            self._write(
                painter, QRect(words.left(), words.top() + number * _LINE, words.width(), _LINE), line
            )

    def _write(self, painter: QPainter, where: QRect, text: str) -> None:
        placed = QStyle.visualRect(self.layoutDirection(), self.rect(), where)
        painter.drawText(placed, aligned(self.layoutDirection(), Qt.AlignmentFlag.AlignLeading), text)

    def _draw(self, painter: QPainter, icon: str, role: str, where: QRect) -> None:
        placed = QStyle.visualRect(self.layoutDirection(), self.rect(), where)
        ink = getattr(theme.current(), role)
        drawn = icons.pixmap(icon, ink, where.width(), self.devicePixelRatioF())
        painter.drawPixmap(QPointF(placed.topLeft()), drawn)
