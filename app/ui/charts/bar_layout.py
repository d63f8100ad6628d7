"""Where everything in a bar chart stands; pure but for the fonts' measures.

    Throughput                              title
    tokens a second                         caption
    32 at once                              group
    llama.cpp     ▇▇▇▇├─┤ 151 tok/s · Q4    rows: name, bar, whisker, figure
    vLLM          ▇▇▇▇▇▇├──┤ 187 tok/s
                  0    100    200           axis
    Reference: …                            source

In a narrow chart a row's name stands above its bar. Laid out from left to right and mirrored as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf

from PySide6.QtCore import QRectF, Qt

from app.ui import theme
from app.ui.charts import scale
from app.ui.charts.lettering import Lettering, Words, flipped, masthead, source_lines
from app.ui.charts.series import Bar, Format, Series, known, shown, spread

STACKED_BELOW = 380
"""In a narrower chart names stand above the bars."""
_LEAST_PLOT = 40.0
_BAR_TO_LINE = 0.85
"""A bar's thickness, by the height of a line."""
_GAP = 4.0
"""Between two rows."""


@dataclass(frozen=True, slots=True)
class BarData:
    """All that a bar chart shows. A group without a name has no heading."""

    groups: tuple[str, ...]
    series: tuple[Series, ...]
    write: Format
    write_tick: Format
    title: str = ""
    caption: str = ""
    source: str = ""

    def rows(self) -> list[tuple[int, int]]:
        """(group, series) of every row from top to bottom: in each group what was measured before the
        references. A reference without a figure has no row: nobody measured it."""
        found = []
        for group in range(len(self.groups)):
            here = [
                (index, bar)
                for index, each in enumerate(self.series)
                if (bar := self.bar(group, index)) is not None
                and not (bar.is_reference and known(bar.value) is None)
            ]
            here.sort(key=lambda pair: pair[1].is_reference)
            found += [(group, index) for index, _bar in here]
        return found

    def bar(self, group: int, series: int) -> Bar | None:
        """One figure; None where the series has none for this group."""
        bars = self.series[series].bars
        return bars[group] if group < len(bars) else None


@dataclass(frozen=True, slots=True)
class Row:
    """One bar's place: `rect` is the whole row, `track` where the bar can be."""

    group: int
    series: int
    rect: QRectF
    track: QRectF


@dataclass(frozen=True, slots=True)
class BarLayout:
    """Everything's place, mirrored where the chart is."""

    rows: tuple[Row, ...]
    words: tuple[Words, ...]
    ticks: tuple[float, ...]
    """Where the hairlines stand, along x."""
    plot: QRectF
    scale: scale.Scale
    height: float
    mirrored: bool
    width: float

    def x(self, value: float) -> float:
        """Where a value lies, in logical pixels from the left."""
        along = self.scale.share(value) * self.plot.width()
        return self.plot.right() - along if self.mirrored else self.plot.left() + along

    def bar_rect(self, row: Row, value: float) -> QRectF:
        """The bar of a value, from zero."""
        ends = sorted((self.x(0.0), self.x(value)))
        return QRectF(ends[0], row.track.top(), ends[1] - ends[0], row.track.height())

    def figure_rect(self, row: Row, behind: float) -> QRectF:
        """Where the figure of a bar stands whose bar and whisker end at the value `behind`."""
        end = self.x(behind)
        top, height = row.track.top() - _GAP / 2, row.track.height() + _GAP
        if self.mirrored:
            return QRectF(0, top, max(0.0, end - theme.SPACE_S), height)
        return QRectF(end + theme.SPACE_S, top, max(0.0, self.width - end - theme.SPACE_S), height)


def reach(bar: Bar) -> float:
    """The value at which a bar and its whisker end; 0 without any."""
    value = known(bar.value)
    if value is None:
        return 0.0
    ends = spread(bar.low, value, bar.high)
    return ends[1] if ends else value


def figure_width(bar: Bar, write: Format, fonts: Lettering) -> float:
    """Room that a bar's figure, label and marks take."""
    marks = len(bar.marks) * (fonts.line + theme.SPACE_XS)
    return fonts.width(shown(bar, write)) + marks + 1


def lay_out(
    data: BarData,
    width: float,
    fonts: Lettering,
    *,
    mirrored: bool = False,
    least_top: float = 0.0,
    most_room: float = inf,
) -> BarLayout:
    """Place everything in `width` logical pixels.

    The axis goes to `least_top` at least and is `most_room` long at the most: so a chart that is alive does
    not jump.
    """
    rows = data.rows()
    bars = [bar for group, index in rows if (bar := data.bar(group, index)) is not None]
    names = [data.series[index].name for _group, index in rows]
    stacked = width < STACKED_BELOW
    left = 0.0 if stacked else min(fonts.widest(names), width * 0.34) + theme.SPACE_M
    figures = [(reach(bar), figure_width(bar, data.write, fonts) + theme.SPACE_S) for bar in bars]
    axis, ticks, room = _axis(data, figures, least_top, min(most_room, width - left), fonts)

    words, y = masthead(data.title, data.caption, width, fonts)
    placed: list[Row] = []
    pitch = fonts.line + _GAP
    thickness = round(fonts.line * _BAR_TO_LINE)
    plot_top = y
    group = -1
    for row_group, index in rows:
        if row_group != group:
            y += theme.SPACE_S if group >= 0 else 0.0
            group = row_group
            if data.groups[group]:
                name = fonts.cut(data.groups[group], width)
                words.append(Words(QRectF(0, y, width, fonts.line), name, fonts.strong, "text"))
                y += pitch
            plot_top = plot_top if placed else y
        bar = data.bar(group, index)
        role = "secondary" if bar is not None and bar.is_reference else "text"
        name_width = width if stacked else left - theme.SPACE_M
        name = fonts.cut(data.series[index].name, name_width)
        above = fonts.line if stacked else 0.0
        name_rect = QRectF(0, y, name_width, fonts.line if stacked else pitch)
        words.append(Words(name_rect, name, fonts.small, role))
        rect = QRectF(0, y, width, pitch + above)
        track = QRectF(left, y + above + (pitch - thickness) / 2, room, thickness)
        placed.append(Row(group, index, rect, track))
        y = rect.bottom() + (_GAP if stacked else 0.0)
    plot = QRectF(left, plot_top, room, y - plot_top)
    y += 2
    words += _named(ticks, axis, plot, y, width, data.write_tick, fonts)
    y += fonts.line
    if data.source:
        below, y = source_lines(data.source, y + theme.SPACE_XS, width, fonts)
        words += below
    found = BarLayout(
        tuple(placed),
        tuple(words),
        tuple(left + axis.share(tick) * room for tick in ticks),
        plot,
        axis,
        y,
        False,
        width,
    )
    return _mirror(found) if mirrored else found


def _axis(
    data: BarData, figures: list[tuple[float, float]], least_top: float, most_room: float, fonts: Lettering
) -> tuple[scale.Scale, tuple[float, ...], float]:
    """The axis with as many round steps as there is room to name, its ticks, and its length.

    Each bar has room for its figure behind it; `figures` are (where its bar ends, width of the figure).
    """
    top = max([least_top, *(end for end, _wide in figures)])
    for most in (6, 5, 4, 3, 2, 1):
        axis, ticks = scale.from_zero(top, most)
        rooms = [(most_room - wide) / axis.share(end) for end, wide in figures if axis.share(end) > 0]
        room = max(_LEAST_PLOT, min([most_room, *rooms]))
        widths = [fonts.width(data.write_tick(tick)) for tick in ticks]
        step = room / (len(ticks) - 1)
        if all(step >= (a + b) / 2 + theme.SPACE_M for a, b in pairwise(widths)):
            break
    return axis, ticks, room


def _named(
    ticks: Sequence[float],
    axis: scale.Scale,
    plot: QRectF,
    y: float,
    width: float,
    write: Format,
    fonts: Lettering,
) -> list[Words]:
    """The ticks' words in a line; those without room beside the one before, or in the chart, are left out."""
    found: list[Words] = []
    end = -theme.SPACE_S * 1.0
    for tick in ticks:
        text = write(tick)
        wide = fonts.width(text)
        left = plot.left() + axis.share(tick) * plot.width() - wide / 2
        left = min(max(0.0, left), width - wide)
        if left < end + theme.SPACE_S:
            continue
        rect = QRectF(left, y, wide, fonts.line)
        found.append(Words(rect, text, fonts.small, side=Qt.AlignmentFlag.AlignHCenter))
        end = left + wide
    return found


def _mirror(it: BarLayout) -> BarLayout:
    width = it.width
    return BarLayout(
        tuple(Row(r.group, r.series, flipped(r.rect, width), flipped(r.track, width)) for r in it.rows),
        tuple(words.mirrored(width) for words in it.words),
        tuple(width - x for x in it.ticks),
        flipped(it.plot, width),
        it.scale,
        it.height,
        True,
        width,
    )
