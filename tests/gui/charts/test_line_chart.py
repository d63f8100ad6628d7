from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QAccessible, QColor

from app.ui import theme
from app.ui.charts import chart as chart_module
from app.ui.charts.line_chart import LineChart
from app.ui.charts.line_layout import Axis
from app.ui.charts.series import Line, Marker, Point
from tests.gui.charts.charting import (
    LINES,
    LONG,
    SHORT,
    SOURCE,
    inked,
    one_point,
    over_time,
    overlaps,
    plain,
    speed,
    throughput,
)

WIDTHS = (160, 200, 320, 620, 1500)


def made(
    qtbot, fill: Callable[[LineChart], None] = throughput, width: int = 620, height: int = 0
) -> LineChart:
    found = LineChart("Throughput")
    qtbot.addWidget(found)
    fill(found)
    found.resize(width, max(height, found.heightForWidth(width)))
    return found


@pytest.mark.parametrize("axis", [Axis.LINEAR, Axis.LOG])
def test_a_point_lies_where_its_values_say(qtbot, axis) -> None:
    chart = LineChart("Points")
    qtbot.addWidget(chart)
    points = (Point(1, 10), Point(10, 25), Point(100, 50))
    chart.set_data([Line("one", points, colour=QColor("#D55E00"))], write_x=plain, write_y=speed, x_axis=axis)
    chart.resize(500, 300)
    plot = chart.layout_now.plot
    (_a, _b, first), (_c, _d, middle), (_e, _f, last) = chart.layout_now.stops
    assert (first.x(), last.x()) == pytest.approx((plot.left(), plot.right()))
    share = 0.5 if axis is Axis.LOG else 9 / 99
    assert middle.x() == pytest.approx(plot.left() + share * plot.width(), abs=0.5)
    assert plot.bottom() - last.y() == pytest.approx(5 * (plot.bottom() - first.y()))
    image = chart.grab().toImage()
    for place in (first, middle, last):
        assert image.pixelColor(place.toPoint()).name() == "#d55e00"


@pytest.mark.parametrize("direction", [Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("fill", LINES, ids=lambda each: each.__name__)
def test_no_words_lie_on_others_or_outside(qtbot, fill, width, direction) -> None:
    chart = made(qtbot, fill, width)
    chart.setLayoutDirection(direction)
    rects = [(words.text, inked(words)) for words in chart.layout_now.words]
    assert overlaps(rects) == []
    for text, rect in rects:
        assert rect.left() >= -0.5, text
        assert rect.right() <= width + 0.5, text
        assert -0.5 <= rect.top() <= rect.bottom() <= chart.height() + 0.5, text
    ground = theme.current().window
    image = chart.grab().toImage()
    drawn = [at for _line, _point, at in chart.layout_now.stops]
    assert all(image.pixelColor(at.toPoint()) != ground for at in drawn)


def test_lines_are_named_at_their_ends_in_their_order(qtbot) -> None:
    chart = made(qtbot, height=300)
    names = [words for words in chart.layout_now.words if words.rect.left() > chart.layout_now.plot.right()]
    names.sort(key=lambda words: words.rect.top())
    assert [words.text for words in names] == [
        "vLLM (reference)", "vLLM", names[2].text, "Transformers", "llama.cpp"
    ]  # fmt: skip
    assert LONG.startswith(names[2].text.rstrip("…"))
    assert {words.role for words in names} == {"text", "secondary"}


def test_a_gap_is_left_where_nothing_was_measured(qtbot) -> None:
    def fill(chart: LineChart, middle: float | None) -> None:
        points = (Point(1, 10), Point(2, middle), Point(3, 10))
        chart.set_data([Line("one", points, colour=QColor("#D55E00"))], write_x=plain, write_y=speed)

    chart = LineChart("Gap")
    qtbot.addWidget(chart)
    chart.resize(400, 200)
    for middle, there in ((10.0, True), (None, False), (float("nan"), False)):
        fill(chart, middle)
        (_line, _point, first), *_rest = chart.layout_now.stops
        x = chart.layout_now.plot.left() + 0.25 * chart.layout_now.plot.width()
        pixel = chart.grab().toImage().pixelColor(round(x), int(first.y()))
        assert (pixel.name() == "#d55e00") is there


def test_what_has_no_place_is_not_drawn_and_is_told(qtbot) -> None:
    chart = LineChart("No place")
    qtbot.addWidget(chart)
    points = (Point(0, 5), Point(-3, 5), Point(float("nan"), 5), Point(4, 0.0), Point(8, 6), Point(5e-324, 1))
    chart.set_data(
        [Line("one", points, "vllm")], write_x=plain, write_y=speed, x_axis=Axis.LOG, y_axis=Axis.LOG
    )
    assert [point.x for _line, point, _at in chart.layout_now.stops] == [8]
    assert "0.0 tok/s" in chart.as_text()
    chart.grab()


def test_lines_of_one_colour_are_told_apart(qtbot) -> None:
    chart = LineChart("Two precisions")
    qtbot.addWidget(chart)
    chart.resize(500, 300)
    two = [
        Line(name, (Point(1, y), Point(100, y)), "vllm")
        for name, y in (("vLLM bf16", 20.0), ("vLLM AWQ", 60.0))
    ]
    chart.set_data(two, write_x=plain, write_y=speed)
    image = chart.grab().toImage()
    ink = theme.engine_colour("vllm").name()

    def covered(stop: int) -> int:
        middle = round(chart.layout_now.stops[stop][2].y())
        rows = range(middle - 1, middle + 2)
        return max(sum(image.pixelColor(x, y).name() == ink for x in range(image.width())) for y in rows)

    assert covered(2) < 0.8 * covered(0)


def test_a_marker_stands_at_its_place_when_it_has_one(qtbot) -> None:
    chart = made(qtbot, LINES[2])
    layout = chart.layout_now
    assert len(layout.markers) == 1
    share = layout.x_scale.share(3429)
    assert layout.markers[0][0] == pytest.approx(layout.plot.left() + share * layout.plot.width())
    assert "break-even, 3,429 a day: 3,429" in chart.as_text()
    assert "beyond: 1,000,000,000" in chart.as_text()


def test_time_is_named_in_dates(qtbot) -> None:
    chart = made(qtbot, over_time)
    assert [words.text for words in chart.layout_now.words if " 2026" in words.text] == [
        "Mar 2026", "Apr 2026", "May 2026", "Jun 2026", "Jul 2026", "Aug 2026"
    ]  # fmt: skip
    lone = made(qtbot)
    lone.set_data([Line("one", (Point(1_772_000_000, 3),))], write_x=plain, write_y=speed, x_axis=Axis.TIME)
    assert "25 Feb 2026" in [words.text for words in lone.layout_now.words]
    lone.set_data([Line("one", (Point(1e300, 3),))], write_x=plain, write_y=speed, x_axis=Axis.TIME)
    assert lone.empty
    lone.set_data([Line("one", (Point(1e17, 3),))], write_x=plain, write_y=speed, x_axis=Axis.TIME)
    lone.grab()  # beyond all dates


def test_the_axes_keep_their_places_from_right_to_left(qtbot) -> None:
    chart = made(qtbot)
    plot, places = chart.layout_now.plot, [at for _line, _point, at in chart.layout_now.stops]
    chart.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    assert chart.layout_now.plot == plot
    assert [at for _line, _point, at in chart.layout_now.stops] == places
    title = next(words for words in chart.layout_now.words if words.text == "Throughput")
    assert title.side is Qt.AlignmentFlag.AlignRight


def test_left_and_right_walk_a_line_up_and_down_change_it(qtbot, monkeypatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(chart_module, "announce", lambda _about, sentence: said.append(sentence))
    chart = made(qtbot)
    chart.show()
    chart.setFocus()
    right, left, down, up = Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_Down, Qt.Key.Key_Up
    for key in (right, left, right, down, right, down, up, Qt.Key.Key_End, down, Qt.Key.Key_Home):
        qtbot.keyClick(chart, key)
    assert [sentence.partition(":")[0] for sentence in said] == [
        "llama.cpp, 1",
        "llama.cpp, 8",
        "vLLM, 8",
        "vLLM, 32",
        f"{LONG}, 8",
        "vLLM, 8",
        "vLLM (reference), 128",
        "llama.cpp, 1",
    ]
    assert said[1] == "llama.cpp, 8: 151.0 tok/s (135.9 tok/s to 166.1 tok/s)"
    reader = QAccessible.queryAccessibleInterface(chart)
    assert reader.text(QAccessible.Text.Description) == said[-1] == chart.read_out


def test_the_pointer_means_the_nearest_point(qtbot) -> None:
    chart = made(qtbot, height=400)
    chart.show()
    plain_picture = chart.grab().toImage()
    _line, _point, place = chart.layout_now.stops[1]
    qtbot.mouseMove(chart, place.toPoint() + QPoint(3, 2))
    assert chart.read_out.startswith("llama.cpp, 8")
    assert chart.grab().toImage() != plain_picture
    assert chart.to_image(1.0) == chart.to_image(1.0)
    assert chart._stop_at(QPointF(0, 0)) is None
    chart.leaveEvent(QEvent(QEvent.Type.Leave))
    assert chart.read_out == ""


def test_a_doubtful_point_is_hollow_and_says_why(qtbot) -> None:
    chart = LineChart("Doubt")
    qtbot.addWidget(chart)
    chart.resize(300, 200)
    chart.set_data([Line("one", (Point(1, 5, marks=(SHORT,)),), "vllm")], write_x=plain, write_y=speed)
    place = chart.layout_now.stops[0][2].toPoint()
    assert chart.grab().toImage().pixelColor(place) == theme.current().window
    assert "Short: two rounds" in chart._told(0)


def test_a_picture_of_it_has_the_size_that_was_asked_for(qtbot) -> None:
    chart = made(qtbot, height=320)
    image = chart.to_image(2.0)
    assert (image.width(), image.height()) == (1240, 640)
    assert chart.to_image(1.5, 800).width() == 1200


def test_its_figures_are_there_as_text(qtbot) -> None:
    text = made(qtbot).as_text().splitlines()
    assert text[0] == "Throughput"
    assert text[1].startswith("tokens a second, by requests at once  llama.cpp")
    assert text[1].endswith("vLLM (reference)")
    assert [row.split()[0] for row in text[2:6]] == ["1", "8", "32", "128"]
    assert "not measured" in text[4]
    assert text[-1] == f"Reference: {SOURCE}"


def test_many_points_have_their_spread_as_a_band(qtbot) -> None:
    def fill(count: int) -> int:
        points = tuple(Point(x, 50, 20, 80) for x in range(count))
        chart.set_data([Line("one", points, "vllm")], write_x=plain, write_y=speed)
        plot, image = chart.layout_now.plot, chart.grab().toImage()
        y = round(chart.layout_now.y(70))
        ground = theme.current().window
        inside = range(int(plot.left()) + 2, int(plot.right()) - 1)
        return sum(image.pixelColor(x, y) != ground for x in inside) * 100 // len(inside)

    chart = LineChart("Spread")
    qtbot.addWidget(chart)
    chart.resize(500, 300)
    assert fill(5) < 20
    assert fill(30) == 100


def test_a_read_out_stays_inside(qtbot) -> None:
    theme.source().set_scheme("dark")  # where the box has a colour of its own
    chart = made(qtbot, width=240)
    raised = theme.current().raised
    for stop in range(chart._stops()):
        chart._point_at(stop)
        image = chart.grab().toImage()
        columns = {x for x in range(240) for y in range(image.height()) if image.pixelColor(x, y) == raised}
        assert columns
        assert columns.isdisjoint({0, 239})


numbers = st.one_of(st.none(), st.floats(), st.floats(0, 1e7), st.floats(1e-4, 1e-3))


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.floats(), numbers, numbers, numbers), max_size=6),
    st.sampled_from(Axis),
    st.sampled_from([Axis.LINEAR, Axis.LOG]),
)
def test_whatever_it_is_given_it_draws(qapp, values, x_axis, y_axis) -> None:
    chart = LineChart("Anything")
    points = tuple(Point(*value) for value in values)
    chart.set_data(
        [Line("one", points), Line("two", points[:2], "vllm", is_reference=True)],
        write_x=plain,
        write_y=speed,
        x_axis=x_axis,
        y_axis=y_axis,
        markers=[Marker(value[0], "here") for value in values[:2]],
    )
    assert not chart.to_image(1.0, 300).isNull()
    assert chart.as_text()
    assert all(chart._told(stop) for stop in range(chart._stops()))
    chart.deleteLater()


def test_it_grows_with_its_lines(qtbot) -> None:
    chart = made(qtbot, one_point)
    least = chart.heightForWidth(620)
    many = [Line(f"line {number}", (Point(1, number), Point(2, number))) for number in range(30)]
    chart.set_data(many, write_x=plain, write_y=speed)
    assert chart.heightForWidth(620) > least + 150
    chart.resize(620, chart.minimumHeight())
    assert overlaps([(words.text, inked(words)) for words in chart.layout_now.words]) == []


def test_without_figures_it_says_so(qtbot) -> None:
    chart = LineChart("History")
    qtbot.addWidget(chart)
    assert chart.empty
    chart.set_data([Line("one", (Point(1, None),))], write_x=plain, write_y=speed)
    assert chart.empty
    assert chart.accessibleDescription() == "Nothing was measured yet."
    chart.grab()
