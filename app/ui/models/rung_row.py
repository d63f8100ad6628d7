"""One quantization of a model as a row: what it takes, how fast it is, what it costs in quality."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QRadioButton, QStyle, QWidget

from app.advisor.ladder import Fit, Rung
from app.ui import icons, theme
from app.ui.elide import aligned
from app.ui.words import UNKNOWN, decode_speed, size

HEIGHT = 52
BUTTON_WIDTH = 148
INLINE_FROM = 720
"""In a narrower table the chosen row is taller, and has the button below its words."""
_STAR = 16
_BAR_HEIGHT = 6
NAME_LEFT = theme.SPACE_M + _STAR + theme.SPACE_S
"""Where a row's words begin."""

FIT_ICONS = {
    Fit.GPU: ("check", "ready"),
    Fit.SPLIT: ("check", "ready"),
    Fit.MEMORY: ("check", "ready"),
    Fit.SHORTER: ("tight", "busy"),
    Fit.NO: ("blocked", "secondary"),
}


def quality_figure(rung: Rung) -> str:
    """What it costs: "perplexity +2.8 %", or "measured +2.8 %" if it was done here; else empty."""
    percent = rung.perplexity_increase_percent
    if percent is None:
        return ""
    if rung.measured is not None:
        return f"measured {percent:+.1f} %"
    return f"perplexity +{percent:.1f} %" if percent >= 0.05 else "perplexity +0.0 %"


def quality_words(rung: Rung) -> str:
    """In a word or two."""
    return rung.quality.value if rung.quality else "no figures published"


def row_name(rung: Rung, *, recommended: bool, standing: str = "") -> str:
    """All that the row shows, for a screen reader."""
    parts = [
        rung.quantization,
        "recommended" if recommended else "",
        f"file {size(rung.file_size)}" if rung.file_size else "",
        f"needs {size(rung.need.total)}",
        rung.fit.value,
        f"about {rung.speed:.0f} tokens a second" if rung.speed is not None else "speed not known",
        f"quality: {quality_words(rung)}",
        quality_figure(rung),
        (standing or ("on this machine" if rung.path else "")).split(" · ")[0],
    ]
    return ", ".join(part for part in parts if part)


def columns(width: int, height: int) -> list[QRect]:
    """Where name, size, need, speed and quality stand in a row of this size."""
    right = width - theme.SPACE_M
    narrow = width < INLINE_FROM
    if not narrow:
        right -= BUTTON_WIDTH + theme.SPACE_L
    gap = theme.SPACE_S if narrow else theme.SPACE_L
    widths = (150, 56, 0, 74, 150) if narrow else (196, 60, 0, 78, 152)
    bar = max(60, right - NAME_LEFT - sum(widths) - 4 * gap)
    x = NAME_LEFT
    found = []
    for each in widths:
        found.append(QRect(x, 0, each or bar, height))
        x += (each or bar) + gap
    return found


class RungRow(QRadioButton):
    """One of several; the arrow keys choose. Painted in columns that all rows share."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._rung: Rung | None = None
        self._recommended = False
        self._available = 0
        self._standing = ""
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    @property
    def rung(self) -> Rung:
        """What it shows."""
        assert self._rung is not None
        return self._rung

    def set_rung(self, rung: Rung, *, recommended: bool, available: int) -> None:
        """Show this one; `available` bytes of memory make a full bar."""
        self._rung, self._recommended, self._available = rung, recommended, available
        self._name_it()
        self.setToolTip(f"{rung.fit.value[:1].upper()}{rung.fit.value[1:]}{_roomy(rung)}")
        self.update()

    def set_standing(self, standing: str) -> None:
        """How far its download is, in words; empty without one."""
        if standing != self._standing:
            self._standing = standing
            self._name_it()
            self.update()

    def _name_it(self) -> None:
        name = row_name(self.rung, recommended=self._recommended, standing=self._standing)
        if self.accessibleName() != name:  # not for each percent
            self.setAccessibleName(name)

    def hitButton(self, pos: object) -> bool:  # noqa: ARG002
        return True

    def sizeHint(self) -> QSize:
        return QSize(520, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(320, HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        if self._rung is None:
            return
        rung, colours = self._rung, theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setLayoutDirection(Qt.LayoutDirection.LayoutDirectionAuto)  # "2.5 GB" is never "GB 2.5"
        self._paint_ground(painter)
        ink = colours.text if rung.fits else colours.secondary
        if self._recommended:
            self._draw(painter, "star", "accent", QRect(theme.SPACE_M, (HEIGHT - _STAR) // 2, _STAR, _STAR))
        name, file, need, speed, quality = columns(self.width(), HEIGHT)
        start, end = Qt.AlignmentFlag.AlignLeading, Qt.AlignmentFlag.AlignTrailing
        body, small = theme.tabular_font(theme.SIZE_BODY), theme.tabular_font()
        bold = theme.body_font(semibold=True)
        icon, role = FIT_ICONS[rung.fit]
        below = self._standing or ("On this machine" if rung.path else "")
        if below:
            here = below == "On this machine"
            icon, role = ("check", "ready") if here else ("download", "accent")
        below = below or rung.fit.value
        upper, lower = (QRect(r.left(), 7, r.width(), 20) for r in (name, name))
        lower.translate(0, 20)
        self._write(
            painter, upper, rung.quantization or UNKNOWN, bold if self.isChecked() else body, ink, start
        )
        self._draw(painter, icon, role, QRect(lower.left(), lower.top() + 3, 13, 13))
        self._write(painter, lower.adjusted(18, 0, 0, 0), below, small, colours.secondary, start)
        self._write(painter, file, size(rung.file_size), body, ink, end)
        self._paint_need(painter, need, rung, ink)
        self._write(painter, speed, _speed(rung), body, ink, end)
        words = QRect(quality.left(), 7, quality.width(), 20)
        self._write(painter, words, quality_words(rung), small, ink, start)
        words.translate(0, 20)
        self._write(painter, words, quality_figure(rung), small, colours.secondary, start)

    def _paint_ground(self, painter: QPainter) -> None:
        colours = theme.current()
        ground = QRectF(self.rect())
        painter.setPen(Qt.PenStyle.NoPen)
        if self.isChecked():
            painter.setBrush(colours.wash(0.07))
            painter.drawRoundedRect(ground, theme.RADIUS_CONTROL, theme.RADIUS_CONTROL)
        elif self.underMouse():
            painter.setBrush(colours.wash(0.035))
            painter.drawRoundedRect(ground, theme.RADIUS_CONTROL, theme.RADIUS_CONTROL)
        if self.hasFocus():
            painter.setPen(QPen(colours.accent, 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(ground.adjusted(1, 1, -1, -1), 7, 7)
        painter.setPen(Qt.PenStyle.NoPen)

    def _paint_need(self, painter: QPainter, where: QRect, rung: Rung, ink: object) -> None:
        """The memory it needs as a figure, above a bar of what there is."""
        colours = theme.current()
        upper = QRect(where.left(), 7, where.width(), 20)
        said = size(rung.need.total)
        self._write(painter, upper, said, theme.tabular_font(), ink, Qt.AlignmentFlag.AlignLeading)
        bar = QRectF(where.left(), 33, where.width(), _BAR_HEIGHT)
        bar = QRectF(QStyle.visualRect(self.layoutDirection(), self.rect(), bar.toRect()))
        radius = _BAR_HEIGHT / 2
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.wash(0.12))
        painter.drawRoundedRect(bar, radius, radius)
        share = rung.need.total / self._available if self._available > 0 else 1.0
        taken = QRectF(bar)
        taken.setWidth(max(float(_BAR_HEIGHT), bar.width() * min(1.0, share)))
        if self.layoutDirection() is Qt.LayoutDirection.RightToLeft:
            taken.moveRight(bar.right())
        painter.setBrush(colours.accent if rung.fits else colours.busy)
        painter.drawRoundedRect(taken, radius, radius)

    def _write(
        self, painter: QPainter, where: QRect, text: str, font: QFont, ink: object, align: Qt.AlignmentFlag
    ) -> None:
        painter.setFont(font)
        painter.setPen(ink)
        cut = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, where.width())
        placed = QStyle.visualRect(self.layoutDirection(), self.rect(), where)
        painter.drawText(placed, aligned(self.layoutDirection(), align), cut)

    def _draw(self, painter: QPainter, icon: str, role: str, where: QRect) -> None:
        placed = QStyle.visualRect(self.layoutDirection(), self.rect(), where)
        ink = getattr(theme.current(), role)
        drawn = icons.pixmap(icon, ink, where.width(), self.devicePixelRatioF())
        painter.drawPixmap(QPointF(placed.topLeft()), drawn)


def _speed(rung: Rung) -> str:
    return UNKNOWN if rung.speed is None else decode_speed(rung.speed)


def _roomy(rung: Rung) -> str:
    return f". Largest context: {rung.largest_context:,} tokens" if rung.largest_context else ""
