"""Where everything in a line chart stands; pure but for the fonts' measures.

    Throughput                                     title
    tokens a second, by requests at once           caption
                       break-even                  markers
    200 ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┊┄┄┄┄┄●  vLLM           lines, named at their end
    100 ┄┄┄┄┄●━━━━━━━━━━━━●━━━━━┄  llama.cpp
      0 ─────────────────────────
         1          8         32                   x
    Reference: …                                   source

The axes keep their places where the page runs from right to left, as in mathematics; only words change side.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from PySide6.QtCore import QPointF, QRectF, Qt

from app.ui import theme
from app.ui.charts import dates, scale
from app.ui.charts.lettering import Lettering, Words, masthead, source_lines
from app.ui.charts.series import LEAST, Format, Line, Marker, Point, known, named, spread

_LEAST_PLOT = 48.0
LEAST_HEIGHT = 120.0
"""Of the plot alone, where the chart asks for its height."""
_X_GAP = 1.0
"""Between the words of the lowest hairline and those of x."""
_TICK_AWAY = 36.0
"""Between two hairlines of y, at the least."""
_OWN_TICKS = 10
"""With no more places along x than this, they are what is named there."""


class Axis(StrEnum):
    """How values lie along an axis."""

    LINEAR = "linear"
    LOG = "log"
    """By the logarithm, as requests at once: 1, 8, 32, 128. What is not above zero has no place."""
    TIME = "time"
    """Seconds since the epoch, named as dates. Only along x."""


@dataclass(frozen=True, slots=True)
class LineData:
    """All that a line chart shows. A linear y begins at zero."""

    lines: tuple[Line, ...]
    write_x: Format
    write_y: Format
    write_tick: Format
    x_axis: Axis = Axis.LINEAR
    y_axis: Axis = Axis.LINEAR
    markers: tuple[Marker, ...] = ()
    title: str = ""
    caption: str = ""
    source: str = ""

    def shown(self, line: Line) -> list[Point | None]:
        """The points of a line by rising x; None for a gap, where there is no figure or no place for it."""
        places = (point for point in line.points if self._has_x(point.x))
        ordered = sorted(places, key=lambda point: point.x)
        return [point if self._has_y(point) else None for point in ordered]

    def points(self) -> list[tuple[int, Point]]:
        """(line, point) of all that is drawn, line by line."""
        return [
            (index, point)
            for index, line in enumerate(self.lines)
            for point in self.shown(line)
            if point is not None
        ]

    def _has_x(self, x: float) -> bool:
        return known(abs(x)) is not None and (self.x_axis is not Axis.LOG or x >= LEAST)

    def _has_y(self, point: Point) -> bool:
        y = known(point.y)
        return y is not None and (self.y_axis is not Axis.LOG or y >= LEAST)


@dataclass(frozen=True, slots=True)
class LineLayout:
    """Everything's place."""

    plot: QRectF
    x_scale: scale.Scale
    y_scale: scale.Scale
    y_ticks: tuple[float, ...]
    """Where the hairlines stand, from the top."""
    words: tuple[Words, ...]
    name_anchors: tuple[tuple[int, QPointF, QPointF], ...]
    """(line, its last point, the start of its name): where they lie apart, a hairline joins them."""
    markers: tuple[tuple[float, float], ...]
    """(x, top) of each marker's line."""
    stops: tuple[tuple[int, Point, QPointF], ...]
    """(line, point, place) of all points."""

    def place(self, x: float, y: float) -> QPointF:
        """Where a point lies, in logical pixels."""
        return QPointF(
            self.plot.left() + self.x_scale.share(x) * self.plot.width(),
            self.plot.bottom() - self.y_scale.share(y) * self.plot.height(),
        )

    def y(self, value: float) -> float:
        """Where a value lies from the top; what is off the axis lies at its end."""
        value = min(max(value, self.y_scale.low), self.y_scale.high)
        return self.plot.bottom() - self.y_scale.share(value) * self.plot.height()


def least_height(data: LineData, width: float, fonts: Lettering) -> float:
    """What a chart of these lines takes at the least: their names stand below each other."""
    _words, top = masthead(data.title, data.caption, width, fonts)
    names = sum(1 for line in data.lines if any(data.shown(line)))
    _more, below = source_lines(data.source, theme.SPACE_XS if data.source else 0.0, width, fonts)
    markers = len(data.markers) * fonts.line
    return top + markers + max(LEAST_HEIGHT, names * fonts.line) + fonts.line * 2 + _X_GAP + below


def lay_out(
    data: LineData, width: float, height: float, fonts: Lettering, *, mirrored: bool = False
) -> LineLayout:
    """Place everything in so many logical pixels. There is at least one point."""
    found = data.points()
    head, top = masthead(data.title, data.caption, width, fonts)
    foot, below = source_lines(data.source, theme.SPACE_XS if data.source else 0.0, width, fonts)
    for each in foot:
        each.rect.translate(0, height - below)
    y_top = top + fonts.line / 2
    bottom = height - below - 1.5 * fonts.line - _X_GAP
    x_scale = _x_scale(data, [point.x for _line, point in found])
    ended = [index for index, line in enumerate(data.lines) if any(data.shown(line))]
    inside = [marker for marker in data.markers if x_scale.holds(marker.x)]
    most = max(1, int((bottom - y_top) / _TICK_AWAY))
    y_scale, y_values = _y_scale(data, [point for _line, point in found], most)
    tick_words = [data.write_tick(value) for value in y_values]
    left = fonts.widest(tick_words) + theme.SPACE_S
    most_name = min(width * 0.32, width - left - _LEAST_PLOT - theme.SPACE_M)
    names = {index: fonts.cut(named(data.lines[index]), most_name) for index in ended}
    name_room = fonts.widest(names.values()) + theme.SPACE_M
    plot = QRectF(left, y_top, max(_LEAST_PLOT, width - left - name_room), max(1.0, bottom - y_top))
    marker_words, marker_lines, rows = _markers(inside, x_scale, plot, width, fonts, top)
    plot.setTop(y_top + rows * fonts.line)

    def down(value: float) -> float:
        return plot.bottom() - y_scale.share(value) * plot.height()

    words = [each.mirrored(width) if mirrored else each for each in [*head, *foot]]
    for value, text in zip(y_values, tick_words, strict=True):
        rect = QRectF(0, down(value) - fonts.line / 2, left - theme.SPACE_S, fonts.line)
        words.append(Words(rect, text, fonts.small, side=Qt.AlignmentFlag.AlignRight))
    words += _x_words(data, x_scale, plot, width, fonts)
    words += marker_words
    unnamed = LineLayout(plot, x_scale, y_scale, tuple(map(down, y_values)), (), (), marker_lines, ())
    stops = tuple((index, point, unnamed.place(point.x, point.y or 0.0)) for index, point in found)
    last = {index: place for index, _point, place in stops}
    middles = scale.spaced([last[each].y() for each in ended], fonts.line, 0.0, plot.top() - fonts.line / 2,
                           plot.bottom() + fonts.line / 2)  # fmt: skip
    anchors = []
    for index, middle in zip(ended, middles, strict=True):
        start = plot.right() + theme.SPACE_M
        rect = QRectF(start, middle - fonts.line / 2, max(1.0, width - start), fonts.line)
        role = "secondary" if data.lines[index].is_reference else "text"
        words.append(Words(rect, names[index], fonts.small, role))
        anchors.append((index, last[index], QPointF(start - 2, middle)))
    return LineLayout(
        plot, x_scale, y_scale, unnamed.y_ticks, tuple(words), tuple(anchors), marker_lines, stops
    )


def _x_scale(data: LineData, xs: list[float]) -> scale.Scale:
    """From the first to the last; one alone stands in the middle."""
    low, high = min(xs), max(xs)
    logarithmic = data.x_axis is Axis.LOG
    if low == high:
        if logarithmic:
            return scale.Scale(low / 2, high * 2, logarithmic=True)
        pad = max(abs(low) / 2, 0.5)
        return scale.Scale(low - pad, high + pad)
    return scale.Scale(low, high, logarithmic)


def _y_scale(data: LineData, points: list[Point], most: int) -> tuple[scale.Scale, tuple[float, ...]]:
    values = [known(point.y) or 0.0 for point in points]
    ends = [
        e for point, y in zip(points, values, strict=True) for e in spread(point.low, y, point.high) or ()
    ]
    if data.y_axis is not Axis.LOG:
        return scale.from_zero(max(values + ends), most)
    low, high = min(values), max(values + ends)
    if low == high:
        low, high = low / 2, high * 2
    return scale.Scale(low, high, logarithmic=True), scale.decades(low, high, most + 1)


def _x_words(
    data: LineData, x_scale: scale.Scale, plot: QRectF, width: float, fonts: Lettering
) -> list[Words]:
    """The places along x, in a line below; those without room beside the one before are left out."""
    found: list[Words] = []
    end = -float(theme.SPACE_S)
    for value, text in _x_ticks(data, x_scale, plot.width(), fonts):
        wide = fonts.width(text)
        left = plot.left() + x_scale.share(value) * plot.width() - wide / 2
        left = min(max(0.0, left), width - wide)
        if left < end + theme.SPACE_S:
            continue
        rect = QRectF(left, plot.bottom() + fonts.line / 2 + _X_GAP, wide, fonts.line)
        found.append(Words(rect, text, fonts.small, side=Qt.AlignmentFlag.AlignHCenter))
        end = left + wide
    return found


def _x_ticks(data: LineData, x_scale: scale.Scale, width: float, fonts: Lettering) -> list[tuple[float, str]]:
    low, high = x_scale.low, x_scale.high
    own = sorted({point.x for _line, point in data.points()})
    if data.x_axis is Axis.TIME:
        if len(own) == 1:
            return [(own[0], _date(own[0]))]
        most = max(1, int(width / (fonts.width("Sep 2026") + theme.SPACE_M)))
        return list(dates.ticks(low, high, most))
    if len(own) <= _OWN_TICKS:
        return [(value, data.write_x(value)) for value in own]
    most = max(1, int(width / (fonts.widest([data.write_x(low), data.write_x(high)]) + theme.SPACE_L)))
    if x_scale.logarithmic:
        return [(value, data.write_x(value)) for value in scale.decades(low, high, most)]
    return [(value, data.write_x(value)) for value in scale.between(low, high, most)]


def _date(moment: float) -> str:
    try:
        found = datetime.fromtimestamp(moment)
    except (OverflowError, OSError, ValueError):
        return ""
    return f"{found.day} {found:%b %Y}"


def _markers(
    markers: list[Marker], x_scale: scale.Scale, plot: QRectF, width: float, fonts: Lettering, top: float
) -> tuple[list[Words], tuple[tuple[float, float], ...], int]:
    """The words of markers above the plot, in as many rows as they take beside each other; their lines; the
    rows."""
    words: list[Words] = []
    lines = []
    ends: list[float] = []
    for marker in sorted(markers, key=lambda each: each.x):
        x = plot.left() + x_scale.share(marker.x) * plot.width()
        text = fonts.cut(marker.label, width)
        wide = fonts.width(text)
        left = min(max(0.0, x - wide / 2), width - wide)
        row = next((row for row, end in enumerate(ends) if left >= end + theme.SPACE_S), len(ends))
        ends[row : row + 1] = [left + wide]
        rect = QRectF(left, top + row * fonts.line, wide, fonts.line)
        words.append(Words(rect, text, fonts.small, "text", Qt.AlignmentFlag.AlignHCenter, True))
        lines.append((x, rect.bottom()))
    return words, tuple(lines), len(ends)
