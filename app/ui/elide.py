"""Text cut to the lines there are for it, and put to the side where it belongs."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QFontMetricsF, QTextLayout, QTextOption
from PySide6.QtWidgets import QStyle


def lines_of(text: str, font: QFont, width: float, most: int) -> list[str]:
    """`text` in at most `most` lines of `width` logical pixels, the last one cut with an ellipsis."""
    lines: list[str] = []
    if not text:
        return lines
    layout = QTextLayout(text, font)
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    layout.setTextOption(option)
    layout.beginLayout()
    while len(lines) < most:
        line = layout.createLine()
        if not line.isValid():
            break
        line.setLineWidth(max(1.0, width))
        start, length = line.textStart(), line.textLength()
        if len(lines) == most - 1 and start + length < len(text):
            rest = QFontMetricsF(font).elidedText(text[start:], Qt.TextElideMode.ElideRight, width)
            lines.append(rest)
        else:
            lines.append(text[start : start + length].strip())
    layout.endLayout()
    return lines


def aligned(direction: Qt.LayoutDirection, side: Qt.AlignmentFlag) -> int:
    """Flags for a painter that takes each text's own direction: `side` as a page in `direction` has it."""
    across = QStyle.visualAlignment(direction, side)
    return (across | Qt.AlignmentFlag.AlignAbsolute | Qt.AlignmentFlag.AlignVCenter).value
