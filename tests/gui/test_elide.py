from __future__ import annotations

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QFontMetricsF, QImage, QPainter

from app.ui import theme
from app.ui.elide import aligned, lines_of

LONG = "A lighthouse is a tower with a bright light at the top that guides ships at night. " * 3


def test_what_fits_is_one_line(qapp) -> None:
    assert lines_of("Short.", theme.body_font(), 400, 2) == ["Short."]
    assert lines_of("", theme.body_font(), 400, 2) == []


@pytest.mark.parametrize("most", [1, 2, 3])
def test_what_does_not_is_cut_in_the_last_line(qapp, most) -> None:
    font = theme.body_font()
    lines = lines_of(LONG, font, 240, most)
    assert len(lines) == most
    assert lines[-1].endswith("…")
    assert all(QFontMetricsF(font).horizontalAdvance(line) <= 240 for line in lines)
    assert LONG.startswith(lines[0].rstrip("…"))


@pytest.mark.parametrize("text", ["漢字" * 100, "x" * 500, "سلام " * 100])
def test_every_script_is_cut(qapp, text) -> None:
    lines = lines_of(text, theme.body_font(), 200, 2)
    assert len(lines) == 2
    assert lines[-1].endswith("…")


def test_figures_keep_their_order_on_a_page_from_right_to_left(qapp) -> None:
    image = [QImage(200, 24, QImage.Format.Format_RGB32) for _ in range(2)]
    for picture, direction in zip(
        image, (Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft), strict=True
    ):
        picture.fill(Qt.GlobalColor.white)
        painter = QPainter(picture)
        painter.setLayoutDirection(Qt.LayoutDirection.LayoutDirectionAuto)
        # The side is mirrored, so the same side of the picture is asked for by the other name.
        leading = direction is Qt.LayoutDirection.LeftToRight
        side = Qt.AlignmentFlag.AlignLeading if leading else Qt.AlignmentFlag.AlignTrailing
        painter.drawText(QRect(0, 0, 200, 24), aligned(direction, side), "2.5 GB")
        painter.end()
    assert image[0] == image[1]
