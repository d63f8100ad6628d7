"""One way for a conversation to go on, as a row to choose: the engine, and what it would run."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QRadioButton, QSizePolicy, QStyle, QWidget

from app.models.library import display_name
from app.services.moving import Move, Step
from app.ui import theme
from app.ui.elided_label import direction_of
from app.ui.words import size

HEIGHT = 52
_DOT = 10
_LINE = 20
_LEFT = theme.SPACE_M + _DOT + theme.SPACE_S
_STEPS = {
    Step.INSTALL: "not installed yet",
    Step.DOWNLOAD: "no form of the model here that it reads",
    Step.CONVERT: "the model has to be converted first",
}


class MoveRow(QRadioButton):
    """One of several; the arrow keys choose."""

    def __init__(self, move: Move, parent: QWidget) -> None:
        super().__init__(parent)
        self.way = move
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(", ".join(part for part in (title_of(move), facts_of(move)) if part))
        self.setToolTip(str(move.model.path) if move.model is not None else "")

    def hitButton(self, pos: object) -> bool:  # noqa: ARG002
        return True

    def sizeHint(self) -> QSize:
        return QSize(480, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(240, HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter)
        dot = QRect(theme.SPACE_M, 7 + (_LINE - _DOT) // 2, _DOT, _DOT)
        painter.setBrush(theme.engine_colour(self.way.engine_id))
        painter.setPen(Qt.PenStyle.NoPen)
        if not self.way.is_ready:  # as on the engines page: only its rim
            painter.setPen(QPen(theme.engine_colour(self.way.engine_id), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            dot.adjust(1, 1, -1, -1)
        painter.drawEllipse(QRectF(self._as_read(dot)))
        upper = QRect(_LEFT, 7, self.width() - _LEFT - theme.SPACE_M, _LINE)
        ink = colours.text if self.way.is_ready else colours.secondary
        bold = theme.body_font(semibold=self.isChecked())
        self._write(painter, upper, title_of(self.way), bold, ink)
        self._write(
            painter, upper.translated(0, _LINE), facts_of(self.way), theme.tabular_font(), colours.secondary
        )

    def _paint_ground(self, painter: QPainter) -> None:
        colours = theme.current()
        ground = QRectF(self.rect())
        painter.setPen(Qt.PenStyle.NoPen)
        if self.isChecked() or self.underMouse():
            painter.setBrush(colours.wash(0.07 if self.isChecked() else 0.035))
            painter.drawRoundedRect(ground, theme.RADIUS_CONTROL, theme.RADIUS_CONTROL)
        if self.hasFocus():
            painter.setPen(QPen(colours.accent, 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(ground.adjusted(1, 1, -1, -1), 7, 7)

    def _write(self, painter: QPainter, where: QRect, words: str, font: QFont, ink: object) -> None:
        painter.setFont(font)
        painter.setPen(ink)
        shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, where.width())
        side = QStyle.visualAlignment(self.layoutDirection(), Qt.AlignmentFlag.AlignLeft)
        painter.setLayoutDirection(direction_of(words))
        flags = side | Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute
        painter.drawText(self._as_read(where), flags, shown)

    def _as_read(self, where: QRect) -> QRect:
        return QStyle.visualRect(self.layoutDirection(), self.rect(), where)


def title_of(move: Move) -> str:
    """The engine with the form: "Transformers · bf16"."""
    if move.model is None:
        served = move.name if move.is_ready else ""
        return " · ".join(part for part in (move.engine, served, "remote" if move.remote else "") if part)
    stored = display_name(move.name)[1]
    forms = dict.fromkeys(part for part in (stored, move.precision) if part)
    return " · ".join((move.engine, *forms))


def facts_of(move: Move) -> str:
    """What is known of it in a line, or what is in its way."""
    if move.why_not:
        return _STEPS[move.step] if move.step is not None else "cannot run it here"
    parts = [
        size(move.size) if move.size is not None else "",
        f"{move.context_length:,} tokens of context" if move.context_length else "",
        move.name if move.model is not None else "",
    ]
    return " · ".join(part for part in parts if part)
