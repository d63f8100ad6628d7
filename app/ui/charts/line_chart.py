"""Lines over a range or over time, each named where it ends."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from app.ui import theme
from app.ui.charts import lettering
from app.ui.charts.chart import NARROWEST, Chart
from app.ui.charts.lettering import Words
from app.ui.charts.line_layout import Axis, LineData, LineLayout, lay_out, least_height
from app.ui.charts.series import Format, Line, Marker, Point, named, spread, table, told

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

_DOT = 3.0
_NEAR = 32.0
"""A pointer means a point that is no farther away, in logical pixels."""
_BAND_FROM = 13
"""A line of so many points has its spread as a band, not as whiskers."""
_CAP = 3.0
_DASHES: tuple[list[float], ...] = ([], [6, 3], [2, 2], [8, 3, 2, 3])
"""Lines of one colour differ by these."""


class LineChart(Chart):
    """Lines with their points. Left and Right walk a line, Up and Down change to the next one."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(title, parent)
        self._data = LineData((), str, str, str)
        self._layout: LineLayout | None = None
        self._described()

    def set_data(
        self,
        lines: Sequence[Line],
        *,
        write_x: Format,
        write_y: Format,
        write_tick: Format | None = None,
        x_axis: Axis = Axis.LINEAR,
        y_axis: Axis = Axis.LINEAR,
        markers: Sequence[Marker] = (),
        caption: str = "",
        source: str = "",
    ) -> None:
        """Show these. `write_x` and `write_y` word a place and a value with their units; `write_tick` a value
        of the axis (as `write_y` if there is none)."""
        self._data = LineData(
            tuple(lines),
            write_x,
            write_y,
            write_tick or write_y,
            x_axis,
            y_axis,
            tuple(markers),
            self.title,
            caption,
            source,
        )
        self._stop = None
        self._changed()
        self._described()

    @property
    def layout_now(self) -> LineLayout:
        """Where everything is."""
        return self._arranged()

    @property
    def empty(self) -> bool:
        return not self._data.points()

    def as_text(self) -> str:
        data = self._data
        places = sorted({point.x for line in data.lines for point in line.points})
        rows = [[data.caption or self.title, *(named(line) for line in data.lines)]]
        for x in places:
            row = [data.write_x(x)]
            for line in data.lines:
                here = [told(point, data.write_y) for point in line.points if point.x == x]
                row.append("; ".join(here) or "—")
            rows.append(row)
        lines = [self.title] if data.caption else []
        lines += [table(rows), *(f"{marker.label}: {data.write_x(marker.x)}" for marker in data.markers)]
        return "\n".join([*lines, f"Reference: {data.source}"] if data.source else lines)

    def sizeHint(self) -> QSize:
        return QSize(480, max(260, self.heightForWidth(480)))

    def heightForWidth(self, width: int) -> int:
        return round(least_height(self._data, width, self.fonts))

    def _lay_out(self, size: QSize) -> LineLayout:
        return lay_out(
            self._data,
            max(NARROWEST, size.width()),
            max(size.height(), self.heightForWidth(size.width())),
            self.fonts,
            mirrored=self.layoutDirection() is Qt.LayoutDirection.RightToLeft,
        )

    def _arranged(self) -> LineLayout:
        if self._layout is None:
            self._layout = self._lay_out(self.size())
        return self._layout

    def _rearrange(self) -> None:
        self._layout = None

    # Painting.

    def _draw(self, painter: QPainter, size: QSize, region: QRectF, *, live: bool) -> None:  # noqa: ARG002
        layout = self._arranged() if size == self.size() else self._lay_out(size)
        colours = theme.current()
        painter.setPen(QPen(colours.hairline, 1))
        for y in layout.y_ticks:
            crisp = round(y) + 0.5
            painter.drawLine(QPointF(layout.plot.left(), crisp), QPointF(layout.plot.right(), crisp))
        painter.setPen(QPen(colours.secondary, 1, Qt.PenStyle.DashLine))
        for x, top in layout.markers:
            painter.drawLine(QPointF(round(x) + 0.5, top), QPointF(round(x) + 0.5, layout.plot.bottom()))
        inks = [self._ink(line, colours) for line in self._data.lines]
        for index, line in enumerate(self._data.lines):
            alike = inks[:index].count(inks[index])
            self._draw_line(painter, layout, line, inks[index], _DASHES[alike % len(_DASHES)])
        for index, end, name in layout.name_anchors:
            if abs(end.y() - name.y()) > 2 or name.x() - end.x() > 2 * theme.SPACE_M:
                ink = QColor(inks[index])
                ink.setAlphaF(0.45)
                painter.setPen(QPen(ink, 1))
                painter.drawLine(end + QPointF(_DOT + 1, 0), name)
        for words in layout.words:
            lettering.write(painter, words, colours)
        if live and self._stop is not None and self._stop < len(layout.stops):
            self._draw_read_out(painter, layout, self._stop, size, colours)

    def _ink(self, line: Line, colours: theme.Theme) -> QColor:
        if line.is_reference:
            return lettering.visible(lettering.reference_fill(colours), colours)
        plain = line.colour or (theme.engine_colour(line.engine_id) if line.engine_id else colours.accent)
        return lettering.visible(plain, colours)

    def _draw_line(
        self, painter: QPainter, layout: LineLayout, line: Line, ink: QColor, dashes: list[float]
    ) -> None:
        points = self._data.shown(line)
        places = [None if point is None else layout.place(point.x, point.y or 0.0) for point in points]
        if len(points) >= _BAND_FROM:
            self._draw_band(painter, layout, points, ink)
        else:
            painter.setPen(QPen(ink, 1))
            for point, place in zip(points, places, strict=True):
                ends = spread(point.low, point.y or 0.0, point.high) if point else None
                if ends and place:
                    x, low, high = place.x(), layout.y(ends[0]), layout.y(ends[1])
                    painter.drawLine(QPointF(x, low), QPointF(x, high))
                    for y in (low, high):
                        painter.drawLine(QPointF(x - _CAP, y), QPointF(x + _CAP, y))
        pen = QPen(ink, 2)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        if dashes:
            pen.setDashPattern(dashes)
        painter.setPen(pen)
        for run in _runs(places):
            painter.drawPolyline(QPolygonF(run))
        painter.setPen(QPen(ink, 1.5))
        radius = _DOT if len(points) < 2 * _BAND_FROM else _DOT / 2
        for point, place in zip(points, places, strict=True):
            if point is not None and place is not None:  # a doubtful one is hollow
                painter.setBrush(theme.current().window if point.marks else ink)
                painter.drawEllipse(place, radius, radius)

    @staticmethod
    def _draw_band(
        painter: QPainter, layout: LineLayout, points: Sequence[Point | None], ink: QColor
    ) -> None:
        fill = QColor(ink)
        fill.setAlphaF(0.16)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        edges: list[tuple[QPointF, QPointF] | None] = []
        for point in points:
            ends = spread(point.low, point.y or 0.0, point.high) if point else None
            if point is None or ends is None:
                edges.append(None)
                continue
            x = layout.place(point.x, point.y or 0.0).x()
            edges.append((QPointF(x, layout.y(ends[0])), QPointF(x, layout.y(ends[1]))))
        for one, other in pairwise(edges):
            if one and other:
                painter.drawPolygon(QPolygonF([one[0], one[1], other[1], other[0]]))

    def _draw_read_out(
        self, painter: QPainter, layout: LineLayout, stop: int, size: QSize, colours: theme.Theme
    ) -> None:
        index, _point, place = layout.stops[stop]
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self._ink(self._data.lines[index], colours), 2))
        painter.drawEllipse(place, _DOT + 3, _DOT + 3)
        fonts = self.fonts
        room = min(320.0, size.width() - 2.0 * theme.SPACE_S)
        lines = fonts.wrapped(self._told(stop), room - 2 * theme.SPACE_S, 5)
        box = QRectF(0, 0, fonts.widest(lines) + 2 * theme.SPACE_S, len(lines) * fonts.line + theme.SPACE_S)
        box.moveBottomLeft(place + QPointF(-box.width() / 2, -theme.SPACE_M))
        if box.top() < 0:
            box.moveTop(place.y() + theme.SPACE_M)
        box.moveLeft(min(max(1.0, box.left()), size.width() - box.width() - 1))
        box.moveTop(min(box.top(), size.height() - box.height() - 1))
        painter.setPen(QPen(colours.hairline, 1))
        painter.setBrush(colours.raised)
        painter.drawRoundedRect(box, 4, 4)
        for row, text in enumerate(lines):
            where = QRectF(box.left() + theme.SPACE_S, box.top() + theme.SPACE_XS + row * fonts.line,
                           box.width() - 2 * theme.SPACE_S, fonts.line)  # fmt: skip
            words = Words(where, text, fonts.small, "text")
            lettering.write(painter, words, colours)

    # Walking.

    def _stops(self) -> int:
        return len(self._data.points())

    def _told(self, stop: int) -> str:
        index, point, _place = self._arranged().stops[stop]
        name = named(self._data.lines[index])
        return f"{name}, {self._data.write_x(point.x)}: {told(point, self._data.write_y)}"

    def _tip(self, stop: int) -> str:  # noqa: ARG002
        return ""  # the read-out stands beside the point already

    def _place(self, stop: int) -> QRect:
        at = self._arranged().stops[stop][2].toPoint()
        return QRect(at.x() - 8, at.y() - 8, 16, 16)

    def _stop_at(self, at: QPointF) -> int | None:
        if self.empty:
            return None
        away = [(place - at).manhattanLength() for _line, _point, place in self._arranged().stops]
        nearest = min(range(len(away)), key=away.__getitem__)
        return nearest if away[nearest] <= _NEAR else None

    def _beside(self, stop: int, key: Qt.Key) -> int:
        stops = self._arranged().stops
        line, point, _place = stops[stop]
        if key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            target = stop + (1 if key == Qt.Key.Key_Right else -1)
            return target if 0 <= target < len(stops) and stops[target][0] == line else stop
        step = 1 if key == Qt.Key.Key_Down else -1
        lines = sorted({each[0] for each in stops})
        position = lines.index(line) + step
        if not 0 <= position < len(lines):
            return stop
        others = [index for index, each in enumerate(stops) if each[0] == lines[position]]
        return min(others, key=lambda index: abs(stops[index][1].x - point.x))


def _runs(places: Sequence[QPointF | None]) -> list[list[QPointF]]:
    """Points that belong together, between gaps."""
    runs: list[list[QPointF]] = [[]]
    for place in places:
        if place is None:
            runs.append([])
        else:
            runs[-1].append(place)
    return [run for run in runs if len(run) > 1]
