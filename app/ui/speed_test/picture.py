"""The charts of a result as one picture, with what was tested and where."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QImage, QImageWriter, QPainter

from app.ui import theme
from app.ui.charts.bar_chart import BarChart

SCALE = 2.0
"""Pixels to a logical one."""
_WIDTH = 960
_MARGIN = 32
_GAP = 24


def picture(title: str, machine: str, charts: Sequence[BarChart]) -> QImage:
    """All charts below each other under a title, as wide as a page, in the theme that is shown."""
    colours = theme.current()
    inner = _WIDTH - 2 * _MARGIN
    drawn = [chart.to_image(SCALE, inner) for chart in charts if not chart.empty]
    lines: list[tuple[str, QFont, QColor]] = [
        (title, theme.body_font(theme.SIZE_TITLE, semibold=True), colours.text),
        (machine, theme.tabular_font(theme.SIZE_MONO), colours.secondary),
        ("Measured with Edgewise", theme.body_font(theme.SIZE_SECONDARY), colours.secondary),
    ]
    heights = [QFontMetrics(font).height() + theme.SPACE_XS for _, font, _ in lines]
    charts_height = sum(round(image.height() / SCALE) + _GAP for image in drawn)
    height = 2 * _MARGIN + sum(heights) + _GAP + charts_height
    image = QImage(round(_WIDTH * SCALE), round(height * SCALE), QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(SCALE)
    image.fill(colours.window)
    painter = QPainter(image)
    y = float(_MARGIN)
    for (words, font, ink), line in zip(lines, heights, strict=True):
        painter.setFont(font)
        painter.setPen(ink)
        cut = QFontMetrics(font).elidedText(words, Qt.TextElideMode.ElideRight, inner)
        painter.drawText(QRectF(_MARGIN, y, inner, line), Qt.AlignmentFlag.AlignVCenter, cut)
        y += line
    y += _GAP
    for one in drawn:
        painter.drawImage(QRectF(_MARGIN, y, inner, one.height() / SCALE), one)
        y += one.height() / SCALE + _GAP
    painter.end()
    return image


def png(image: QImage) -> bytes:
    """The picture as a PNG file. It may be called on a worker thread."""
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, QByteArray(b"png")).write(image)
    return bytes(data.data())
