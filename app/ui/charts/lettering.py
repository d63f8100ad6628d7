"""The words in a chart: their fonts, where each stands, and the inks that can be seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontInfo, QFontMetricsF, QPainter

from app.ui import theme
from app.ui.elide import lines_of

SEEN = 3.0
"""Least contrast of what is no text, such as a line or the edge of a bar (WCAG 2.2, 1.4.11)."""


@dataclass(frozen=True)
class Lettering:
    """The fonts of a chart, all as large as the widget's own asks: headings are 14 of its 14, words 12."""

    pixels: int

    @classmethod
    def of(cls, font: QFont) -> Lettering:
        """For a widget with this font, however its size was given."""
        return cls(QFontInfo(font).pixelSize())

    @cached_property
    def heading(self) -> QFont:
        return theme.body_font(self.pixels, semibold=True)

    @cached_property
    def small(self) -> QFont:
        return theme.tabular_font(max(6, round(self.pixels * theme.SIZE_SECONDARY / theme.SIZE_BODY)))

    @cached_property
    def strong(self) -> QFont:
        font = QFont(self.small)
        font.setWeight(QFont.Weight.DemiBold)
        return font

    @cached_property
    def line(self) -> float:
        """Height of a line of small words."""
        return float(ceil(self._metrics.height()))

    @cached_property
    def heading_line(self) -> float:
        """Height of a heading."""
        return float(ceil(QFontMetricsF(self.heading).height()))

    @cached_property
    def _metrics(self) -> QFontMetricsF:
        return QFontMetricsF(self.small)

    def width(self, text: str) -> float:
        """Of small words, in whole pixels."""
        return float(ceil(self._metrics.horizontalAdvance(text)))

    def widest(self, texts: Iterable[str]) -> float:
        """Of the widest of them; 0 of none."""
        return max(map(self.width, texts), default=0.0)

    def cut(self, text: str, width: float) -> str:
        """Small words, with an ellipsis where they are wider than `width`."""
        return self._metrics.elidedText(text, Qt.TextElideMode.ElideRight, width)

    def wrapped(self, text: str, width: float, most: int = 4) -> list[str]:
        """Small words in lines."""
        return lines_of(text, self.small, width, most)


@dataclass(frozen=True, slots=True)
class Words:
    """A text at its place; `role` of the theme gives its ink."""

    rect: QRectF
    text: str
    font: QFont
    role: str = "secondary"
    side: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft
    covers: bool = False
    """Whether the page's colour lies behind it, because lines run through there."""

    def mirrored(self, width: float) -> Words:
        """As in a window of that width that runs from right to left."""
        sides = {
            Qt.AlignmentFlag.AlignLeft: Qt.AlignmentFlag.AlignRight,
            Qt.AlignmentFlag.AlignRight: Qt.AlignmentFlag.AlignLeft,
        }
        return replace(self, rect=flipped(self.rect, width), side=sides.get(self.side, self.side))


def flipped(rect: QRectF, width: float) -> QRectF:
    """`rect` as in a mirror `width` wide."""
    return QRectF(width - rect.right(), rect.top(), rect.width(), rect.height())


def write(painter: QPainter, words: Words, colours: theme.Theme) -> None:
    """Paint them. The painter takes each text's own direction: "2.5 GB" is never "GB 2.5"."""
    painter.setFont(words.font)
    painter.setPen(getattr(colours, words.role))
    if words.covers:
        ground = QRectF(words.rect)
        ground.setWidth(min(QFontMetricsF(words.font).horizontalAdvance(words.text) + 2, ground.width()))
        if words.side & Qt.AlignmentFlag.AlignRight:
            ground.moveRight(words.rect.right())
        elif words.side & Qt.AlignmentFlag.AlignHCenter:
            ground.moveCenter(words.rect.center())
        painter.fillRect(ground.adjusted(0, 1, 0, -1), colours.window)
    flags = words.side | Qt.AlignmentFlag.AlignAbsolute | Qt.AlignmentFlag.AlignVCenter
    painter.drawText(words.rect, flags.value | Qt.TextFlag.TextSingleLine.value, words.text)


def visible(colour: QColor, colours: theme.Theme) -> QColor:
    """`colour`, moved towards the text's as far as it takes to be seen on the page."""
    steps = (theme.blend(colours.text, colour, step / 20) for step in range(21))
    return next(ink for ink in steps if theme.contrast(ink, colours.window) >= SEEN)


def reference_fill(colours: theme.Theme) -> QColor:
    """The grey of what was not measured here."""
    return theme.blend(colours.secondary, colours.window, 0.45)


def masthead(
    title: str, caption: str, width: float, fonts: Lettering, left: float = 0.0
) -> tuple[list[Words], float]:
    """A chart's title and the words below it, and where the chart itself begins."""
    words, top = [], 0.0
    if title:
        shown = QFontMetricsF(fonts.heading).elidedText(title, Qt.TextElideMode.ElideRight, width - left)
        words.append(Words(QRectF(left, top, width - left, fonts.heading_line), shown, fonts.heading, "text"))
        top += fonts.heading_line + 2
    for line in fonts.wrapped(caption, width - left, 2):
        words.append(Words(QRectF(left, top, width - left, fonts.line), line, fonts.small))
        top += fonts.line
    return words, top + (theme.SPACE_S if top else 0.0)


def source_lines(source: str, top: float, width: float, fonts: Lettering) -> tuple[list[Words], float]:
    """Where the grey comes from, in as many lines as it takes, and where they end."""
    words = []
    for line in fonts.wrapped(f"Reference: {source}" if source else "", width):
        words.append(Words(QRectF(0, top, width, fonts.line), line, fonts.small))
        top += fonts.line
    return words, top
