from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QAccessible, QColor, QHelpEvent, QPaintEvent
from PySide6.QtWidgets import QScrollArea, QToolTip, QVBoxLayout, QWidget

from app.ui import motion, theme
from app.ui.charts import chart as chart_module
from app.ui.charts.bar_chart import BarChart
from app.ui.charts.series import Bar, Series
from tests.gui.charts.charting import BARS, SOURCE, filled_bars, inked, one_bar, overlaps, plain, speed

WIDTHS = (160, 200, 379, 380, 620, 1500)
DIRECTIONS = (Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft)


def made(qtbot, fill: Callable[[BarChart], None] = filled_bars, width: int = 620) -> BarChart:
    found = BarChart("Throughput")
    qtbot.addWidget(found)
    fill(found)
    found.resize(width, found.heightForWidth(width))
    return found


def simple(*values: float | None) -> Callable[[BarChart], None]:
    """One group with a bar for each value, all in a colour that nothing else has."""

    def fill(chart: BarChart) -> None:
        series = [Series(f"s{at}", (Bar(each),), colour=QColor("#D55E00")) for at, each in enumerate(values)]
        chart.set_data([""], series, write=speed, write_tick=plain)

    return fill


def coloured(image, y: int, colour: str = "#D55E00") -> list[int]:
    """Where along a line of pixels a colour is."""
    wanted = QColor(colour).rgb()
    return [x for x in range(image.width()) if image.pixelColor(x, y).rgb() == wanted]


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("values", [(100.0, 50.0, 25.0, 12.5), (1e7, 3e6, 1e6), (3e-4, 2e-4, 1e-4)])
def test_a_bar_is_as_long_as_its_value(qtbot, direction, values) -> None:
    chart = made(qtbot, simple(*values))
    chart.setLayoutDirection(direction)
    image = chart.grab().toImage()
    layout = chart.layout_now
    for row, value in zip(layout.rows, values, strict=True):
        found = coloured(image, round(row.track.center().y()))
        wanted = value / layout.scale.high * layout.plot.width()
        assert abs(len(found) - wanted) <= 1.5  # its ends lie between pixels
        start = layout.plot.right() if layout.mirrored else layout.plot.left()
        assert abs((found[-1] + 1 if layout.mirrored else found[0]) - start) <= 1
    assert layout.mirrored == (direction is Qt.LayoutDirection.RightToLeft)


def test_zero_has_no_bar_and_what_is_tiny_is_seen(qtbot) -> None:
    chart = made(qtbot, simple(1e7, 1e-4, 0.0, None))
    image = chart.grab().toImage()
    lengths = [len(coloured(image, round(row.track.center().y()))) for row in chart.layout_now.rows]
    assert lengths[0] > 100
    assert lengths[1] in (0, 1, 2)
    tiny = chart.layout_now.rows[1].track
    inked_pixels = {
        image.pixelColor(x, round(tiny.center().y())).name()
        for x in range(int(tiny.left()) - 1, int(tiny.left()) + 3)
    }
    assert len(inked_pixels - {"#ffffff", theme.current().hairline.name()}) >= 1
    assert lengths[2:] == [0, 0]


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("fill", BARS, ids=lambda each: each.__name__)
def test_no_words_lie_on_others_or_outside(qtbot, fill, width, direction) -> None:
    chart = made(qtbot, fill, width)
    chart.setLayoutDirection(direction)
    layout = chart.layout_now
    rects = [(words.text, inked(words)) for words in layout.words]
    for row in layout.rows:
        bar = chart._data.bar(row.group, row.series)
        assert bar is not None
        rects.append((f"bar {row}", layout.bar_rect(row, bar.value or 0.0)))
    assert overlaps(rects) == []
    for text, rect in rects:
        assert rect.left() >= -0.5, text
        assert rect.right() <= width + 0.5, text
        assert rect.bottom() <= chart.heightForWidth(width) + 0.5, text


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("width", [380, 620, 1500])
def test_every_figure_has_room_behind_its_bar(qtbot, width, direction) -> None:
    chart = made(qtbot, width=width)
    chart.setLayoutDirection(direction)
    for row in chart.layout_now.rows:
        bar = chart._data.bar(row.group, row.series)
        assert bar is not None
        assert chart._fits(row.group, row.series, bar)


def test_references_come_last_and_one_without_a_figure_not_at_all(qtbot) -> None:
    chart = made(qtbot)
    reference = Series("A100", (Bar(None, is_reference=True), Bar(5, is_reference=True)))
    mine = Series("vLLM", (Bar(1), Bar(2)), "vllm")
    chart.set_data(["1", "32"], [reference, mine], write=speed, source=SOURCE)
    assert [(row.group, row.series) for row in chart.layout_now.rows] == [(0, 1), (1, 1), (1, 0)]
    assert f"Reference: {SOURCE}" in [words.text for words in chart.layout_now.words]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_are_in_inks_that_can_be_read(qtbot, scheme) -> None:
    theme.source().set_scheme(scheme)
    chart = made(qtbot)
    roles = {words.role for words in chart.layout_now.words}
    assert roles == {"text", "secondary"}
    image = chart.to_image(1.0)
    assert image.pixelColor(0, image.height() - 1) == theme.current().window
    assert all(
        theme.contrast(getattr(theme.current(), role), theme.current().window) >= theme.AA for role in roles
    )


def test_it_asks_for_more_room_the_more_it_shows(qtbot) -> None:
    chart = made(qtbot, one_bar)
    one = chart.sizeHint().height()
    filled_bars(chart)
    assert chart.sizeHint().height() > one
    assert chart.minimumHeight() == chart.heightForWidth(chart.width())
    assert chart.heightForWidth(200) > chart.heightForWidth(620)  # names above the bars


def test_a_picture_of_it_has_the_size_that_was_asked_for(qtbot) -> None:
    chart = made(qtbot)
    image = chart.to_image(2.0)
    assert (image.width(), image.height()) == (2 * chart.width(), 2 * chart.height())
    assert image.devicePixelRatio() == 2.0
    wide = chart.to_image(3.0, 900)
    assert (wide.width(), wide.height()) == (2700, 3 * chart.heightForWidth(900))
    chart.setFocus()
    chart._point_at(1)
    assert chart.to_image(2.0) == image  # what is pointed at is no part of it


def test_its_figures_are_there_as_text(qtbot) -> None:
    text = made(qtbot).as_text().splitlines()
    assert text[0] == "Throughput"
    assert text[2].startswith("1 at once")
    assert "113.0 tok/s (104.0 tok/s to 121.0 tok/s), Q4_1" in text[2]
    assert "Short: two rounds had fewer tokens than asked" in text[2]
    assert "not measured" in text[3]
    assert "—" in text[3]
    assert "800.0 tok/s, reference" in text[3]
    assert text[-1] == f"Reference: {SOURCE}"


def test_without_figures_it_says_so(qtbot) -> None:
    chart = BarChart("Memory")
    qtbot.addWidget(chart)
    chart.empty_text = "Start a test to see what each engine takes."
    assert chart.empty
    chart.resize(300, 120)
    blank = chart.grab().toImage()
    assert any(
        blank.pixelColor(x, 60 + y) != theme.current().window for x in range(300) for y in range(-10, 10)
    )
    simple(None, float("nan"))(chart)
    assert chart.empty
    assert chart._stops() == 0
    simple(None, 0.0)(chart)
    assert not chart.empty


numbers = st.one_of(st.none(), st.floats(), st.floats(0, 1e7), st.floats(1e-4, 1e-3))


@settings(max_examples=60)
@example([(2.0, None, None, ""), (5e-324, None, None, "")])
@given(st.lists(st.tuples(numbers, numbers, numbers, st.text(max_size=30)), max_size=6))
def test_whatever_it_is_given_it_draws(qapp, values) -> None:
    chart = BarChart("Anything")
    bars = tuple(Bar(*value) for value in values)
    chart.set_data([value[3] for value in values], [Series("one", bars), Series("two", bars)], write=speed)
    assert not chart.to_image(1.0, 300).isNull()
    assert chart.as_text()
    assert all(chart._told(stop) for stop in range(chart._stops()))
    for value, *_rest in values:
        chart.set_live(1, value)
    assert not chart.to_image(1.0, 300).isNull()
    chart.deleteLater()


def test_ten_times_a_second_is_no_load(qtbot) -> None:
    chart = made(qtbot)
    chart.show()
    chart.repaint()
    times = []
    for step in range(20):
        begun = perf_counter()
        chart.set_live(0, 50.0 + step)
        chart.repaint()
        times.append(perf_counter() - begun)
    assert sorted(times)[10] < 0.02  # 1.5 ms where nothing else runs


# Keyboard, pointer, screen reader.


@pytest.mark.parametrize(
    ("direction", "forward"),
    [(DIRECTIONS[0], Qt.Key.Key_Right), (DIRECTIONS[1], Qt.Key.Key_Left)],
)
def test_the_arrow_keys_read_each_figure(qtbot, monkeypatch, direction, forward) -> None:
    said: list[str] = []
    monkeypatch.setattr(chart_module, "announce", lambda _about, sentence: said.append(sentence))
    chart = made(qtbot)
    chart.setLayoutDirection(direction)
    chart.show()
    chart.setFocus()
    reader = QAccessible.queryAccessibleInterface(chart)
    assert reader.text(QAccessible.Text.Name) == "Throughput"
    assert "7 figures" in reader.text(QAccessible.Text.Description)
    qtbot.keyClick(chart, Qt.Key.Key_Down)
    qtbot.keyClick(chart, forward)
    qtbot.keyClick(chart, Qt.Key.Key_End)
    qtbot.keyClick(chart, Qt.Key.Key_Down)  # nothing lies there
    qtbot.keyClick(chart, Qt.Key.Key_Up)
    assert said[0].startswith("llama.cpp, 1 at once: 113.0 tok/s (104.0 tok/s to")
    assert "Short: two rounds" in said[1]
    assert said[2:] == ["vLLM, 32 at once: 800.0 tok/s, reference", "vLLM, 32 at once: not measured"]
    assert reader.text(QAccessible.Text.Description) == said[-1] == chart.read_out
    qtbot.keyClick(chart, Qt.Key.Key_Escape)
    assert chart.read_out == ""


def test_a_key_that_moves_nothing_is_left_to_the_page(qtbot) -> None:
    chart = made(qtbot, one_bar)
    page = QWidget()
    qtbot.addWidget(page)
    pressed: list[int] = []
    page.keyPressEvent = lambda event: pressed.append(event.key())  # type: ignore[method-assign]
    chart.setParent(page)
    page.show()
    chart.setFocus()
    qtbot.keyClick(chart, Qt.Key.Key_Down)
    qtbot.keyClick(chart, Qt.Key.Key_Down)
    assert pressed == [Qt.Key.Key_Down]


def test_the_page_scrolls_to_what_is_read(qtbot) -> None:
    area, content = QScrollArea(), QWidget()
    qtbot.addWidget(area)
    chart = BarChart("Fifty")
    BARS[2](chart)
    QVBoxLayout(content).addWidget(chart)
    area.setWidget(content)
    area.setWidgetResizable(True)
    area.resize(400, 200)
    area.show()
    chart.setFocus()
    qtbot.keyClick(chart, Qt.Key.Key_End)
    place = chart._place(49).translated(chart.mapTo(area.viewport(), QPoint(0, 0)))
    assert area.viewport().rect().contains(place.center())


def test_the_pointer_reads_too(qtbot, monkeypatch) -> None:
    tips: list[str] = []
    monkeypatch.setattr(QToolTip, "showText", lambda _at, text, *_rest: tips.append(text))
    chart = made(qtbot)
    chart.show()
    where = chart._place(0).center()
    qtbot.mouseMove(chart, where)
    assert chart.read_out.startswith("llama.cpp, 1 at once")
    chart.event(QHelpEvent(QEvent.Type.ToolTip, where, chart.mapToGlobal(where)))
    assert "104.0 tok/s to 121.0 tok/s" in tips[0]
    assert chart._stop_at(QPointF(2, 2)) is None
    chart.leaveEvent(QEvent(QEvent.Type.Leave))
    assert chart.read_out == ""


# Alive.


class Watched(BarChart):
    """Says what of it was painted."""

    def __init__(self) -> None:
        super().__init__("Live")
        self.painted: list[QRect] = []

    def paintEvent(self, event: QPaintEvent) -> None:
        self.painted.append(event.region().boundingRect())
        super().paintEvent(event)


def test_a_live_bar_paints_its_row_alone(qtbot, monkeypatch) -> None:
    monkeypatch.setattr(motion, "duration", lambda _widget: 0)
    chart = Watched()
    qtbot.addWidget(chart)
    simple(100.0, 40.0, 60.0)(chart)
    chart.resize(620, chart.heightForWidth(620))
    with qtbot.waitExposed(chart):
        chart.show()
    qtbot.waitUntil(lambda: bool(chart.painted))
    chart.painted.clear()
    chart.set_live(1, 55.0)
    qtbot.waitUntil(lambda: bool(chart.painted))
    row = chart.layout_now.rows[1].rect.toAlignedRect()
    assert all(row.contains(each) for each in chart.painted)
    assert chart._data.series[1].bars[0] == Bar(55.0)
    chart.painted.clear()
    chart.set_live(1, 450.0)  # beyond the axis
    qtbot.waitUntil(lambda: bool(chart.painted))
    assert chart.painted[0] == chart.rect()
    assert chart.layout_now.scale.high >= 450


def test_the_axis_of_a_live_chart_does_not_shrink(qtbot, monkeypatch) -> None:
    monkeypatch.setattr(motion, "duration", lambda _widget: 0)
    chart = made(qtbot, simple(None, None))
    height = chart.heightForWidth(620)
    chart.set_live(0, 90.0)
    assert chart.heightForWidth(620) == height  # nothing below it jumps
    top = chart.layout_now.scale.high
    room = chart.layout_now.plot.width()
    chart.set_live(0, 3.0)
    chart.set_live(1, 5.0)
    assert chart.layout_now.scale.high == top
    assert chart.layout_now.plot.width() <= room
    chart.set_live(0, None)
    assert chart.as_text().splitlines()[1].count("not measured") == 1
    simple(3.0, 5.0)(chart)
    assert chart.layout_now.scale.high < top


def test_a_bar_moves_there_where_motion_is_allowed(qtbot, monkeypatch) -> None:
    monkeypatch.setattr(motion, "duration", lambda _widget: 40)
    chart = made(qtbot, simple(100.0, 40.0))
    with qtbot.waitExposed(chart):
        chart.show()
    chart.set_live(1, 80.0)
    assert chart._drawn[0, 1] == pytest.approx(40.0, abs=20)
    chart.set_live(0, 90.0)  # both go on
    assert set(chart._moves) == {(0, 0), (0, 1)}
    qtbot.waitUntil(lambda: not chart._moves)
    assert chart._drawn == {}
    monkeypatch.setattr(motion, "duration", lambda _widget: 0)
    chart.set_live(1, 20.0)
    assert chart._drawn == {}
