from __future__ import annotations

import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont

from app.ui import theme
from app.ui.charts.lettering import SEEN, Lettering, Words, masthead, reference_fill, source_lines, visible

BOTH = pytest.mark.parametrize("colours", [theme.light(), theme.dark()], ids=["light", "dark"])


@BOTH
@pytest.mark.parametrize("engine", theme.ENGINE_COLOURS)
def test_a_line_in_any_engines_colour_is_seen(colours: theme.Theme, engine: str) -> None:
    assert theme.contrast(visible(theme.ENGINE_COLOURS[engine], colours), colours.window) >= SEEN


@BOTH
def test_a_colour_that_is_seen_stays_and_a_reference_is_grey(colours: theme.Theme) -> None:
    assert visible(colours.text, colours) == colours.text
    assert visible(colours.window, colours) != colours.window
    assert visible(QColor("#D55E00"), colours).name() == "#d55e00"
    assert reference_fill(colours).hsvSaturationF() < 0.1


def test_words_grow_with_the_widgets_font(qapp) -> None:
    font, points = QFont(), QFont()
    font.setPixelSize(28)
    points.setPointSizeF(30)
    large, plain = Lettering.of(font), Lettering(14)
    assert plain.heading.pixelSize() == 14
    assert plain.small.pixelSize() == 12
    assert large.small.pixelSize() == 24
    assert large.line > 1.5 * plain.line
    assert Lettering.of(points).small.pixelSize() > 20
    assert plain.small.featureValue(QFont.Tag("tnum")) == 1


def test_a_mirror_changes_sides_and_keeps_middles(qapp) -> None:
    words = Words(QRectF(10, 0, 30, 12), "llama.cpp", QFont())
    assert words.mirrored(200).rect == QRectF(160, 0, 30, 12)
    assert words.mirrored(200).side is Qt.AlignmentFlag.AlignRight
    assert words.mirrored(200).mirrored(200) == words
    middle = Words(words.rect, "", QFont(), side=Qt.AlignmentFlag.AlignHCenter)
    assert middle.mirrored(200).side is Qt.AlignmentFlag.AlignHCenter


def test_a_title_is_cut_and_a_caption_wrapped(qapp) -> None:
    fonts = Lettering(14)
    words, top = masthead(
        "A title too long for so small a chart", "first words and then some more", 120, fonts
    )
    assert words[0].text.endswith("…")
    assert len(words) == 3
    assert top >= words[-1].rect.bottom()
    assert masthead("", "", 120, fonts) == ([], 0.0)


def test_a_source_says_what_it_is(qapp) -> None:
    fonts = Lettering(14)
    words, bottom = source_lines("the comparison, on an A100", 100, 400, fonts)
    assert [each.text for each in words] == ["Reference: the comparison, on an A100"]
    assert bottom == 100 + fonts.line
    assert source_lines("", 100, 400, fonts) == ([], 100)
