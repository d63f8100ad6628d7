"""What came of a test: a verdict with its evidence, charts, tables, and all that is needed to do it again."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.benchmark.reference import reference
from app.benchmark.result_tables import main_shape, shape_words, tables
from app.benchmark.tables import Table
from app.benchmark.verdict import Topic, verdict
from app.domain.speed_test import SpeedTest, TestState
from app.ui import icons, theme
from app.ui.announce import announce
from app.ui.charts.bar_chart import BarChart
from app.ui.engines.wrapped import Wrapped
from app.ui.speed_test.beside import Beside
from app.ui.speed_test.chart_data import bars_of
from app.ui.speed_test.column_details import ColumnDetails
from app.ui.speed_test.figure_table import FigureTable
from app.ui.speed_test.verdict_lines import VerdictLines
from app.ui.words import moment

_CHART = 320
_COLUMN = 1200
_ICON = 18
_STATES = {
    TestState.CANCELLED: "It was stopped early. What was measured until then is shown.",
    TestState.INTERRUPTED: "Edgewise ended meanwhile. What was measured until then is shown.",
    TestState.RUNNING: "It still runs, in a terminal perhaps. What was measured until now is shown.",
}
EXPORTS = ("Markdown…", "CSV…", "JSON…", "Picture (PNG)…")


class ResultView(QScrollArea):
    """One finished test, from now or from the history."""

    new_requested = Signal()
    """Another test is wanted."""
    back_requested = Signal()
    """The history is wanted, out of which it was opened."""
    copy_requested = Signal()
    export_requested = Signal(str)
    """One of `EXPORTS`."""
    log_requested = Signal(str, str)
    """A sentence, and the log behind it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.test: SpeedTest | None = None
        self.differences: tuple[str, ...] = ()
        self._tables: tuple[Table, ...] = ()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        column = self._column = QWidget(self)
        column.setMaximumWidth(_COLUMN)
        self._title = _words(column, theme.body_font(theme.SIZE_TITLE, semibold=True))
        self._when = Wrapped(column, size=theme.SIZE_MONO, quiet=True)
        self._state = Wrapped(column, size=theme.SIZE_MONO)
        self.back = QPushButton("History", column)
        icons.set_icon(self.back, "back", "secondary", 16)
        self.back.clicked.connect(self.back_requested)
        self.copy = QPushButton("Copy as text", column)
        self.copy.clicked.connect(self.copy_requested)
        self.export = QPushButton("Export", column)
        icons.set_icon(self.export, "chevron-down", "secondary", 14)
        self.export.clicked.connect(self._open_exports)
        self.new = QPushButton("New test", column)
        self.new.clicked.connect(self.new_requested)
        self.verdict = VerdictLines(column)
        self._warning = QLabel(column)
        self._unlike = Wrapped(column, size=theme.SIZE_MONO)
        self.reference = QCheckBox("Show the reference in grey", column)
        self.reference.setChecked(True)
        self.reference.setToolTip(reference().note)
        self.reference.setAccessibleDescription(reference().note)
        self.reference.toggled.connect(lambda _: self._show_charts())
        self.charts = tuple(BarChart(name, column) for name in ("Throughput", "First token", "Memory"))
        self._beside = Beside(_CHART, column)
        self._beside.set_widgets(self.charts)
        self._lists = QVBoxLayout()
        self._lists.setSpacing(theme.SPACE_S)
        self._details = QVBoxLayout()
        self._details.setSpacing(0)
        self.figure_tables: list[FigureTable] = []
        self.columns: list[ColumnDetails] = []
        self._parts: list[QWidget] = []
        self._arrange(column)
        self.setFocusProxy(self.new)
        theme.source().changed.connect(self._draw_icon)
        self._draw_icon()

    def _arrange(self, column: QWidget) -> None:
        top = QHBoxLayout()
        top.setSpacing(theme.SPACE_S)
        top.addWidget(self.back)
        top.addStretch(1)
        for button in (self.copy, self.export, self.new):
            top.addWidget(button)
        unlike = QHBoxLayout()
        unlike.setSpacing(theme.SPACE_S)
        unlike.addWidget(self._warning, 0, Qt.AlignmentFlag.AlignTop)
        unlike.addWidget(self._unlike, 1)
        heading = theme.body_font(theme.SIZE_HEADING, semibold=True)
        layout = QVBoxLayout(column)
        layout.setContentsMargins(theme.SPACE_XL, theme.SPACE_L, theme.SPACE_XL, theme.SPACE_XL)
        layout.setSpacing(theme.SPACE_S)
        layout.addLayout(top)
        layout.addWidget(self._title)
        layout.addWidget(self._when)
        layout.addWidget(self._state)
        layout.addSpacing(theme.SPACE_S)
        layout.addWidget(self.verdict)
        layout.addLayout(unlike)
        layout.addSpacing(theme.SPACE_L)
        layout.addWidget(self._beside)
        layout.addWidget(self.reference, 0, Qt.AlignmentFlag.AlignLeading)
        layout.addSpacing(theme.SPACE_L)
        layout.addLayout(self._lists)
        layout.addSpacing(theme.SPACE_L)
        layout.addWidget(_words(column, heading, "What exactly ran"))
        layout.addLayout(self._details)
        layout.addStretch(1)
        page = QWidget(self)
        centred = QHBoxLayout(page)
        centred.setContentsMargins(0, 0, 0, 0)
        centred.addStretch(1)
        centred.addWidget(column, 1000)
        centred.addStretch(1)
        self.setWidget(page)

    @property
    def title(self) -> str:
        """What was tested."""
        return self._title.text()

    @property
    def machine(self) -> str:
        """When and where."""
        return self._when.text()

    def set_result(self, test: SpeedTest, differences: Sequence[str], *, from_history: bool = False) -> None:
        """Show this test. `differences`: what is not like for like among its columns."""
        self.test, self.differences = test, tuple(differences)
        self.back.setVisible(from_history)
        self._title.setText(title_of(test))
        self._when.setText(f"{moment(test.at)} · {machine_of(test)}")
        said = _STATES.get(test.state, "")
        self._state.setText(said)
        self._state.setVisible(bool(said))
        lines = verdict(test, self.differences)
        self.verdict.set_lines([line for line in lines if line.topic is not Topic.UNLIKE])
        # Right above the figures that it is about.
        self._unlike.setText("\n".join(self.differences))
        for part in (self._unlike, self._warning):
            part.setVisible(bool(self.differences))
        self._tables = tables(test)
        self._show_charts()
        self._show_tables()
        self.verticalScrollBar().setValue(0)

    def tell(self) -> None:
        """Have the verdict read out."""
        announce(self, f"{self.title}. {self.verdict.text}")

    def _show_charts(self) -> None:
        if self.test is None:
            return
        grey = reference()
        shape = main_shape(self.test)
        asked = shape_words(shape) if shape is not None else ""
        for chart, table, other in zip(
            self.charts, self._tables, (grey.throughput, grey.first_token, grey.memory), strict=False
        ):
            series = bars_of(table, other if self.reference.isChecked() else None)
            has_grey = any(bar is not None and bar.is_reference for one in series for bar in one.bars)
            chart.set_data(
                table.headings,
                series,
                write=table.unit.words,
                caption="" if table is self._tables[-1] else asked,
                source=grey.source if has_grey else "",
            )

    def _show_tables(self) -> None:
        for part in self._parts:
            part.hide()
            part.deleteLater()
        self._parts, self.figure_tables, self.columns = [], [], []
        grey = reference()
        column = self._column
        heading = theme.body_font(theme.SIZE_HEADING, semibold=True)
        for table, other in zip(self._tables, (grey.throughput, grey.first_token, grey.memory), strict=True):
            self._put(_words(column, heading, table.title))
            self.figure_tables.append(FigureTable(table, column))
            self._put(self.figure_tables[-1])
            self._put(Wrapped(column, f"Reference: {other.source}.", size=theme.SIZE_SECONDARY, quiet=True))
            self.figure_tables.append(FigureTable(other, column, grey=True))
            self._put(self.figure_tables[-1])
        assert self.test is not None
        for result in self.test.columns:
            row = ColumnDetails(result, column)
            row.log_requested.connect(self.log_requested)
            self.columns.append(row)
            self._details.addWidget(row)
            self._parts.append(row)
            row.show()

    def _put(self, widget: QWidget) -> None:
        self._lists.addWidget(widget)
        self._parts.append(widget)
        widget.show()

    def _open_exports(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for name in EXPORTS:
            menu.addAction(name).triggered.connect(
                lambda _=False, name=name: self.export_requested.emit(name)
            )
        menu.popup(self.export.mapToGlobal(self.export.rect().bottomLeft()))

    def _draw_icon(self) -> None:
        colour = theme.current().busy
        self._warning.setPixmap(icons.pixmap("warning", colour, _ICON, self.devicePixelRatioF()))


def title_of(test: SpeedTest) -> str:
    """The model, or the models."""
    return " and ".join(dict.fromkeys(column.contender.family for column in test.columns)) or "Speed test"


def machine_of(test: SpeedTest) -> str:
    """The machine in a few words."""
    machine = test.machine
    parts = [machine.cpu.model, f"{machine.cpu.usable_cores} cores", f"{machine.memory.total / 1e9:.0f} GB"]
    parts += [gpu.name for gpu in machine.gpus]
    if machine.power is not None and machine.power.on_battery:
        parts.append("on battery")
    return " · ".join(part for part in parts if part)


def _words(parent: QWidget, font: QFont, said: str = "") -> Wrapped:
    label = Wrapped(parent, said)
    label.setFont(font)
    return label
