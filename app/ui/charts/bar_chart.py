"""Bars from zero, one row each, in groups: engines beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, QVariantAnimation
from PySide6.QtGui import QColor, QPainter, QPen

from app.ui import motion, theme
from app.ui.charts import lettering
from app.ui.charts.bar_layout import BarData, BarLayout, Row, figure_width, lay_out, reach
from app.ui.charts.chart import NARROWEST, Chart
from app.ui.charts.lettering import Lettering, Words
from app.ui.charts.series import Bar, Format, Series, known, shown, spread, table, told

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

_RADIUS = 2.0
_CAP = 3.0
"""Half the height of a whisker's ends."""


class BarChart(Chart):
    """Grouped bars. Set all of it with `set_data`; while a test runs, move single bars with `set_live`."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(title, parent)
        self._data = BarData((), (), str, str)
        self._layout: BarLayout | None = None
        self._held: BarLayout | None = None
        """While bars are alive, the axis' end does not go below that of this one, nor its length above."""
        self._drawn: dict[tuple[int, int], float] = {}
        """Where a moving bar is now, by group and series."""
        self._moves: dict[tuple[int, int], tuple[float, float]] = {}
        self._motion = QVariantAnimation(self)
        self._motion.setStartValue(0.0)
        self._motion.setEndValue(1.0)
        self._motion.valueChanged.connect(self._move)
        self._motion.finished.connect(self._arrived)
        self._described()

    def set_data(
        self,
        groups: Sequence[str],
        series: Sequence[Series],
        *,
        write: Format,
        write_tick: Format | None = None,
        caption: str = "",
        source: str = "",
    ) -> None:
        """Show these. `groups` are headings ("32 at once"; "" for none), `series` have a bar for each.

        `write` words a value with its unit, `write_tick` one of the axis (as `write` if there is none);
        `source` says where references are from.
        """
        self._motion.stop()
        self._moves.clear()
        self._drawn.clear()
        self._held = None
        self._data = BarData(
            tuple(groups), tuple(series), write, write_tick or write, self.title, caption, source
        )
        self._stop = None
        self._described()
        self._changed()

    def set_live(self, series: int, value: float | None, group: int = 0) -> None:
        """Move one bar to `value`. Only its row is painted again, unless the axis has to grow for it."""
        before = self._data.bar(group, series)
        if before is None or before.value == value:
            return
        bar = replace(before, value=value, low=None, high=None)
        old = self._data.series[series]
        bars = (*old.bars[:group], bar, *old.bars[group + 1 :])
        everything = list(self._data.series)
        everything[series] = replace(old, bars=bars)
        was_empty = self.empty
        self._data = replace(self._data, series=tuple(everything))
        self._held = None if was_empty else self._arranged()
        if was_empty or not self._fits(group, series, bar):
            self._changed()
        self._begin_move((group, series), known(before.value), known(value))
        self._update_row(group, series)

    @property
    def layout_now(self) -> BarLayout:
        """Where everything is."""
        return self._arranged()

    @property
    def empty(self) -> bool:
        return not any(
            known(bar.value) is not None
            for group, index in self._data.rows()
            if (bar := self._data.bar(group, index)) is not None
        )

    def as_text(self) -> str:
        data = self._data
        rows = [[data.caption or self.title, *(each.name for each in data.series)]]
        for group, name in enumerate(data.groups):
            cells = (data.bar(group, index) for index in range(len(data.series)))
            rows.append([name, *("—" if bar is None else told(bar, data.write) for bar in cells)])
        lines = [self.title, table(rows)] if data.caption else [table(rows)]
        return "\n".join([*lines, f"Reference: {data.source}"] if data.source else lines)

    def sizeHint(self) -> QSize:
        return QSize(480, self.heightForWidth(480))

    def heightForWidth(self, width: int) -> int:
        if not self._data.rows():
            fonts = self.fonts
            return round(fonts.heading_line + 4 * fonts.line)
        return round(self._lay_out(width).height)

    def _lay_out(self, width: float) -> BarLayout:
        held = self._held
        return lay_out(
            self._data,
            width,
            self.fonts,
            mirrored=self.layoutDirection() is Qt.LayoutDirection.RightToLeft,
            least_top=held.scale.high if held else 0.0,
            most_room=held.plot.width() if held and held.width == width else inf,
        )

    def _arranged(self) -> BarLayout:
        if self._layout is None:
            self._layout = self._lay_out(max(NARROWEST, self.width()))
        return self._layout

    def _fits(self, group: int, series: int, bar: Bar) -> bool:
        """Whether there is room for a bar, and for its figure behind it."""
        layout, row, end = self._arranged(), self._row(group, series), reach(bar)
        if row is None or end > layout.scale.high:
            return False
        needs = figure_width(bar, self._data.write, self.fonts)
        return needs <= layout.figure_rect(row, end).width()

    def _rearrange(self) -> None:
        self._layout = None

    # Motion.

    def _begin_move(self, at: tuple[int, int], before: float | None, value: float | None) -> None:
        milliseconds = motion.duration(self) if self.isVisible() else 0
        if value is None or not milliseconds:
            self._drawn.pop(at, None)
            self._moves.pop(at, None)
            return
        for moving, (_start, end) in list(self._moves.items()):
            self._moves[moving] = (self._drawn.get(moving, end), end)
        self._moves[at] = (self._drawn.get(at, before or 0.0), value)
        self._drawn[at] = self._moves[at][0]
        self._motion.stop()
        self._motion.setDuration(milliseconds)
        self._motion.start()

    def _move(self, share: float) -> None:
        for at, (start, end) in self._moves.items():
            self._drawn[at] = start + (end - start) * share
            self._update_row(*at)

    def _arrived(self) -> None:
        moved = list(self._moves)
        self._moves.clear()
        self._drawn.clear()
        for at in moved:
            self._update_row(*at)

    def _row(self, group: int, series: int) -> Row | None:
        rows = self._arranged().rows
        return next((row for row in rows if (row.group, row.series) == (group, series)), None)

    def _update_row(self, group: int, series: int) -> None:
        row = self._row(group, series)
        if row is not None:
            self.update(row.rect.toAlignedRect())

    # Painting.

    def _draw(self, painter: QPainter, size: QSize, region: QRectF, *, live: bool) -> None:
        layout = self._arranged() if size.width() == self.width() else self._lay_out(size.width())
        colours = theme.current()
        fonts = self.fonts
        if live and self._stop is not None and self._stop < len(layout.rows):
            painter.setPen(QPen(colours.accent, 1) if self.hasFocus() else Qt.PenStyle.NoPen)
            painter.setBrush(colours.wash(0.06))
            at = layout.rows[self._stop].rect.adjusted(0.5, 0.5, -0.5, -0.5)
            painter.drawRoundedRect(at, _RADIUS, _RADIUS)
        painter.setPen(QPen(colours.hairline, 1))
        for x in layout.ticks:
            crisp = round(x) + 0.5
            painter.drawLine(QPointF(crisp, layout.plot.top()), QPointF(crisp, layout.plot.bottom()))
        for row in layout.rows:
            if row.rect.intersects(region):
                self._draw_row(painter, layout, row, colours, fonts, live=live)
        for words in layout.words:
            if words.rect.intersects(region):
                lettering.write(painter, words, colours)

    def _draw_row(
        self,
        painter: QPainter,
        layout: BarLayout,
        row: Row,
        colours: theme.Theme,
        fonts: Lettering,
        *,
        live: bool,
    ) -> None:
        bar = self._data.bar(row.group, row.series)
        if bar is None:
            return
        value = known(bar.value)
        veiled = live and self._stop is not None and layout.rows.index(row) == self._stop
        drawn = self._drawn.get((row.group, row.series), value) if live else value
        behind = 0.0
        if value is not None and drawn is not None:
            fill = self._fill(row.series, bar, colours)
            self._draw_bar(painter, layout.bar_rect(row, drawn), fill, colours)
            ends = spread(bar.low, value, bar.high)
            if ends:
                _draw_whisker(painter, layout.x(ends[0]), layout.x(ends[1]), row.track.center().y(), colours)
            behind = max(drawn, ends[1] if ends else 0.0)
        self._draw_figure(painter, layout, row, bar, behind, colours, fonts, veiled=veiled)

    def _fill(self, series: int, bar: Bar, colours: theme.Theme) -> QColor:
        if bar.is_reference:
            return lettering.reference_fill(colours)
        each = self._data.series[series]
        return each.colour or (theme.engine_colour(each.engine_id) if each.engine_id else colours.accent)

    @staticmethod
    def _draw_bar(painter: QPainter, rect: QRectF, fill: QColor, colours: theme.Theme) -> None:
        painter.setBrush(fill)
        painter.setPen(Qt.PenStyle.NoPen)
        if rect.width() < 3:  # a thin line is crisp only as it is
            painter.fillRect(rect if rect.width() >= 1 or rect.width() == 0 else _at_least(rect), fill)
            return
        edge = lettering.visible(fill, colours)
        if edge != fill:
            painter.setPen(QPen(edge, 1))
            rect = rect.adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(rect, _RADIUS, _RADIUS)

    def _draw_figure(
        self,
        painter: QPainter,
        layout: BarLayout,
        row: Row,
        bar: Bar,
        behind: float,
        colours: theme.Theme,
        fonts: Lettering,
        *,
        veiled: bool,
    ) -> None:
        where = layout.figure_rect(row, behind)
        text = fonts.cut(shown(bar, self._data.write), where.width())
        quiet = bar.is_reference or known(bar.value) is None
        side = Qt.AlignmentFlag.AlignRight if layout.mirrored else Qt.AlignmentFlag.AlignLeft
        words = Words(where, text, fonts.small, "secondary" if quiet else "text", side, not veiled)
        lettering.write(painter, words, colours)
        x = fonts.width(text) + theme.SPACE_XS
        for mark in bar.marks:
            disc = QRectF(0, 0, fonts.line - 2, fonts.line - 2)
            start = where.right() - x - disc.width() if layout.mirrored else where.left() + x
            disc.moveTopLeft(QPointF(start, where.center().y() - disc.height() / 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(colours.busy, 1))
            painter.drawEllipse(disc)
            letter = Words(disc, mark.letter[:1], fonts.strong, "busy", Qt.AlignmentFlag.AlignHCenter)
            lettering.write(painter, letter, colours)
            x += fonts.line + theme.SPACE_XS

    # Walking.

    def _stops(self) -> int:
        return 0 if self.empty else len(self._arranged().rows)

    def _told(self, stop: int) -> str:
        row = self._arranged().rows[stop]
        bar = self._data.bar(row.group, row.series)
        assert bar is not None
        heading = [self._data.series[row.series].name, self._data.groups[row.group]]
        return f"{', '.join(part for part in heading if part)}: {told(bar, self._data.write)}"

    def _place(self, stop: int) -> QRect:
        return self._arranged().rows[stop].rect.toAlignedRect()

    def _stop_at(self, at: QPointF) -> int | None:
        if self.empty:
            return None
        rows = self._arranged().rows
        return next((index for index, row in enumerate(rows) if row.rect.contains(at)), None)

    def _beside(self, stop: int, key: Qt.Key) -> int:
        forward = (
            Qt.Key.Key_Left if self.layoutDirection() is Qt.LayoutDirection.RightToLeft else Qt.Key.Key_Right
        )
        step = 1 if key in (Qt.Key.Key_Down, forward) else -1
        return min(max(0, stop + step), self._stops() - 1)


def _at_least(rect: QRectF) -> QRectF:
    """What is not zero is seen."""
    return QRectF(rect.left(), rect.top(), 1.0, rect.height())


def _draw_whisker(painter: QPainter, start: float, end: float, y: float, colours: theme.Theme) -> None:
    """On a halo of the page, so that it is seen on a bar of any colour."""
    lines = (
        (QPointF(start, y), QPointF(end, y)),
        (QPointF(start, y - _CAP), QPointF(start, y + _CAP)),
        (QPointF(end, y - _CAP), QPointF(end, y + _CAP)),
    )
    for ink, width in ((colours.window, 3.0), (colours.text, 1.0)):
        painter.setPen(QPen(ink, width))
        for one, other in lines:
            painter.drawLine(one, other)
