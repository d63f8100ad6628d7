"""What the costs come to: a table, a chart over the traffic, advice, the comparison's own figures checked."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from app.advisor.cost import CostLine
from app.advisor.cost_options import Option
from app.advisor.cost_words import count, money, percent, traffic_words
from app.advisor.prices import Kind, kind_of, prices
from app.services.cost_reckoning import Reckoned
from app.ui import icons, theme
from app.ui.advisor.advice_lines import AdviceLines
from app.ui.advisor.column import heading, selectable
from app.ui.advisor.plain_table import PlainTable
from app.ui.charts.line_chart import LineChart
from app.ui.charts.line_layout import Axis
from app.ui.charts.series import Line, Marker, Point
from app.ui.engines.wrapped import Wrapped
from app.ui.words import UNKNOWN

_HEADINGS = ("Way", "1,000 tokens", "A month", "Machines", "Used")
_REFERENCE = ("Machine", "Stated", "By its inputs", "")
_MOST_RANGES = 8
_COLOURS = {
    Kind.OWN: ("#0072B2",),
    Kind.CPU: ("#E69F00",),
    Kind.GPU: ("#009E73", "#56B4E9"),
    Kind.SERVERLESS: ("#CC79A7",),
    Kind.API: ("#D55E00",),
}
"""Of the Okabe-Ito set, safe for colour-blind eyes; each line is named at its end, too."""


class CostResult(QWidget):
    """Updated in place while a person types."""

    speed_test_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._traffic = Wrapped(self, quiet=True, size=theme.SIZE_MONO)
        self._problem = Wrapped(self)
        self._problem.setForegroundRole(self._problem.foregroundRole().BrightText)
        self._best = selectable(heading(self, ""))
        self.table = PlainTable(_HEADINGS, self)
        self._cannot = selectable(Wrapped(self, size=theme.SIZE_MONO))
        self._left_out = selectable(Wrapped(self, size=theme.SIZE_MONO))
        self.test = QPushButton("Test the speed here", self)
        icons.set_icon(self.test, "speed", "secondary", 16)
        self.test.clicked.connect(self.speed_test_requested)
        self._tokens = Wrapped(
            self,
            "Tokens are those of replies. What their prompts cost is in it for an API, and for machines as "
            "far as their speed was measured with prompts.",
            size=theme.SIZE_SECONDARY,
            quiet=True,
        )
        self._currency = Wrapped(self, size=theme.SIZE_SECONDARY, quiet=True)
        self.chart = LineChart("Cost of a month", self)
        self._ranges = selectable(Wrapped(self, size=theme.SIZE_MONO))
        self._never = selectable(Wrapped(self, size=theme.SIZE_MONO))
        self.advice = AdviceLines(self)
        self.reference = PlainTable(_REFERENCE, self)
        self._explained = selectable(Wrapped(self, size=theme.SIZE_MONO))
        self._source = Wrapped(self, size=theme.SIZE_SECONDARY, quiet=True)
        self._basis = selectable(Wrapped(self, size=theme.SIZE_MONO))
        self._arrange()

    def _arrange(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.SPACE_S)
        self._body = QWidget(self)
        body = QVBoxLayout(self._body)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(theme.SPACE_S)
        layout.addWidget(self._problem)
        layout.addWidget(self._body)
        layout.addStretch(1)
        for above in (self._best, self._traffic, self.table, self._cannot, self._left_out):
            body.addWidget(above)
        body.addWidget(self.test, 0, Qt.AlignmentFlag.AlignLeading)
        body.addWidget(self._tokens)
        body.addWidget(self._currency)
        body.addSpacing(theme.SPACE_M)
        body.addWidget(self.chart)
        body.addWidget(self._ranges)
        body.addWidget(self._never)
        sections: tuple[tuple[str, tuple[QWidget, ...]], ...] = (
            ("By traffic", (self.advice,)),
            ("The comparison’s own figures, checked", (self.reference, self._explained, self._source)),
            ("What the costs rest on", (self._basis,)),
        )
        for said, parts in sections:
            body.addSpacing(theme.SPACE_M)
            body.addWidget(heading(self._body, said))
            for part in parts:
                body.addWidget(part)
        self._body.hide()
        self._problem.hide()

    def set_problem(self, sentence: str) -> None:
        """With what was typed nothing can be reckoned, and why. What was shown before stays, greyed."""
        self._problem.setText(sentence)
        self._problem.setVisible(bool(sentence))
        self._body.setEnabled(not sentence)

    def set_reckoned(self, it: Reckoned) -> None:
        """Show this."""
        self.set_problem("")
        self._body.show()
        currency = it.inputs.currency.strip()
        own = next((advice for advice in it.advice if advice.shape is it.inputs.shape), None)
        self._best.setText(own.sentence if own is not None else "")
        self._traffic.setText(traffic_words(it.inputs.traffic))
        self.table.set_rows(
            [_row(line, currency) for line in it.lines], [line.cost_per_month is None for line in it.lines]
        )
        _say(
            self._cannot,
            "\n".join(f"{line.name} cannot serve this. {line.cannot}" for line in it.lines if line.cannot),
        )
        _say(self._left_out, it.left_out)
        self.test.setVisible(bool(it.left_out) and it.inputs.own.price_per_kwh is not None)
        preset = prices().currency
        _say(
            self._currency,
            f"The presets’ prices are in {preset}: they were not converted to {currency}."
            if currency != preset
            else "",
        )
        self._show_chart(it, currency)
        self._show_ranges(it)
        self.advice.set_advice(it.advice)
        self._show_reference(it)
        self._basis.setText("\n".join(f"{line.name}: {' '.join(line.assumptions)}" for line in it.lines))

    def _show_chart(self, it: Reckoned, currency: str) -> None:
        used: dict[Kind, int] = {}
        lines = []
        for one in it.curves:
            kind = kind_of(one.option)
            colours = _COLOURS[kind]
            colour = QColor(colours[used.get(kind, 0) % len(colours)])
            used[kind] = used.get(kind, 0) + 1
            points = tuple(Point(at.requests_per_day, at.cost_per_month) for at in one.points)
            lines.append(Line(one.option.name, points, colour=colour))
        inputs = it.inputs
        markers = [Marker(inputs.traffic.requests_per_day, "your traffic")]
        low, high = it.curves[0].points[0].requests_per_day, it.curves[0].points[-1].requests_per_day
        markers += [
            Marker(found.requests_per_day, "break-even")
            for _, found in it.break_evens
            if found is not None and low <= found.requests_per_day <= high
        ]
        self.chart.set_data(
            lines,
            write_x=lambda x: f"{count(x)} a day",
            write_y=lambda y: f"{money(y, currency)} a month",
            write_tick=lambda y: money(y, currency),
            x_axis=Axis.LOG,
            y_axis=Axis.LOG,
            markers=markers,
            caption="by requests a day, with the same tokens and the same peak",
        )

    def _show_ranges(self, it: Reckoned) -> None:
        said = [
            f"{count(one.from_requests_per_day)} to {count(one.to_requests_per_day)} requests a day: "
            f"{_named(one.option)}"
            for one in it.ranges[:_MOST_RANGES]
        ]
        self._ranges.setText("\n".join(["The cheapest:", *said]))
        never = [line.name for line, found in it.break_evens if found is None]
        best = it.lines[0].name if it.lines else ""
        words = f"{', '.join(never[:-1])} and {never[-1]}" if len(never) > 1 else "".join(never)
        _say(
            self._never,
            f"{best} is cheaper than {words} at every number of requests that it can serve." if never else "",
        )

    def _show_reference(self, it: Reckoned) -> None:
        figures = [check for check in it.reference if check.stated_cost is not None]
        self.reference.set_rows(
            [
                (check.subject, check.stated, check.derived, "✓ right" if check.agrees else "✗ wrong")
                for check in figures
            ]
        )
        wrong = [check for check in it.reference if not check.agrees]
        self._explained.setText(
            "\n".join(
                f"“{check.stated}” {check.explanation}" if check.stated_cost is None else check.explanation
                for check in wrong
            )
        )
        sources = dict.fromkeys(check.source for check in it.reference)
        self._source.setText(f"For 1,000 tokens. Source: {'; '.join(sources)}.")


def _row(line: CostLine, currency: str) -> tuple[str, ...]:
    if line.cost_per_month is None or line.cost_per_1000_tokens is None:
        return line.name, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN
    return (
        line.name,
        money(line.cost_per_1000_tokens, currency),
        money(line.cost_per_month, currency),
        UNKNOWN if line.machines is None else f"{line.machines:,}",
        UNKNOWN if line.utilisation is None else percent(line.utilisation),
    )


def _named(option: Option | None) -> str:
    return option.name if option is not None else "none of them can serve so many"


def _say(label: Wrapped, said: str) -> None:
    label.setText(said)
    label.setVisible(bool(said))
