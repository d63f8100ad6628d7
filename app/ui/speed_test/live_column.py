"""One engine while a test runs: what it is at, how fast it is now, and what it has measured."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.benchmark.progress import Stage
from app.domain.speed_test import CaseResult
from app.services.speed_test_live import LiveColumn
from app.ui import theme
from app.ui.announce import announce
from app.ui.elided_label import ElidedLabel
from app.ui.engines.dot import Dot
from app.ui.engines.state_line import StateLine
from app.ui.engines.wrapped import Wrapped
from app.ui.speed_test.case_words import (
    case_words,
    column_name,
    rate,
    seconds,
    stage_figures,
    stage_words,
)
from app.ui.speed_test.live_bar import LiveBar

LEAST_WIDTH = 232
_LOOKS = {
    Stage.WAITING: ("secondary", ""),
    Stage.DONE: ("ready", "check"),
    Stage.FAILED: ("failed", "warning"),
}


class LiveColumnCard(QFrame):
    """Updated in place. Stages are announced, figures that change all the time are not."""

    log_requested = Signal(str, str)
    """A sentence, and the log behind it."""

    def __init__(self, column: LiveColumn, repetitions: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        contender = column.result.contender
        self._repetitions = repetitions
        self._name = column_name(contender)
        self._column = column
        self._told: tuple[object, ...] = ()
        self._cases: tuple[CaseResult, ...] = ()
        self._rows: list[QWidget] = []
        self._dot = Dot(contender.engine_id, self)
        engine = ElidedLabel(self)
        engine.setText(contender.engine)
        engine.setFont(theme.body_font(semibold=True))
        precision = ElidedLabel(self)
        precision.setText(" · ".join(part for part in (contender.precision, contender.model) if part))
        precision.setFont(theme.tabular_font())
        precision.setForegroundRole(precision.foregroundRole().PlaceholderText)
        self._state = StateLine(self)
        self._where = ElidedLabel(self)
        self._where.setFont(theme.tabular_font())
        self._where.setForegroundRole(self._where.foregroundRole().PlaceholderText)
        self._figure = ElidedLabel(self)
        self._figure.setFont(theme.tabular_font(theme.SIZE_TITLE))
        self._bar = LiveBar(contender.engine_id, self)
        self._problem = Wrapped(self, size=theme.SIZE_MONO)
        self._log = QPushButton("Show log", self)
        self._log.setAccessibleName(f"Show log of {self._name}")
        self._log.clicked.connect(self._ask_log)
        self._finished = QGridLayout()
        self._finished.setHorizontalSpacing(theme.SPACE_M)
        self._finished.setVerticalSpacing(theme.SPACE_XS)
        self._finished.setColumnStretch(0, 1)
        title = QHBoxLayout()
        title.setSpacing(theme.SPACE_S)
        title.addWidget(self._dot)
        title.addWidget(engine, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.SPACE_L, theme.SPACE_M, theme.SPACE_L, theme.SPACE_L)
        layout.setSpacing(theme.SPACE_XS)
        layout.addLayout(title)
        layout.addWidget(precision)
        layout.addSpacing(theme.SPACE_S)
        layout.addWidget(self._state)
        layout.addWidget(self._where)
        layout.addWidget(self._figure)
        layout.addWidget(self._bar)
        layout.addWidget(self._problem)
        layout.addWidget(self._log, 0, Qt.AlignmentFlag.AlignLeading)
        layout.addSpacing(theme.SPACE_S)
        layout.addLayout(self._finished)
        layout.addStretch(1)
        self.set_column(column, 0.0)

    @property
    def share(self) -> float:
        """How much of the bar is filled, 0 to 1."""
        return self._bar.share

    def texts(self) -> list[str]:
        """All that is said, from top to bottom."""
        return [label.text() for label in self.findChildren(QLabel) if not label.isHidden() and label.text()]

    def set_column(self, column: LiveColumn, scale: float) -> None:
        """As it stands now; the bar is full at `scale` tokens a second."""
        self._column = column
        role, icon = _LOOKS.get(column.stage, ("busy", ""))
        words = stage_words(column)
        if not self._told or self._told[0] is not column.stage:
            self._state.say(words, role, icon, waiting=column.is_running)
        self._where.setText(stage_figures(column, self._repetitions))
        best = best_rate(column)
        shown = column.rate if column.is_running else best
        self._figure.setText(
            " " if shown is None else rate(shown) if column.is_running else f"up to {rate(shown)}"
        )
        self._bar.set_share(shown / scale if shown is not None and scale > 0 else 0.0)
        failure = column.result.failure
        self._problem.setText(failure)
        self._problem.setVisible(bool(failure))
        self._log.setVisible(bool(failure and column.result.detail))
        if column.result.cases != self._cases:
            self._show_cases(column.result.cases)
        self._tell(column, words)

    def _show_cases(self, cases: tuple[CaseResult, ...]) -> None:
        for result in cases[len(self._cases) :]:
            row = self._finished.rowCount()
            what = _small(case_words(result.case), self, quiet=True)
            alone = result.case.batch == 1
            figure = result.decode_rate if alone else None
            if figure is None and result.output_rate is not None:
                figure = result.output_rate.median
            speed = _small(rate(figure), self)
            first = _small(seconds(result.ttft.median if result.ttft is not None else None), self, quiet=True)
            first.setToolTip("First token")
            said = f"{what.text()}: {speed.text()}, first token {first.text()}"
            if result.problem:
                said += f". {result.problem}"
                speed.setToolTip(result.problem)
            speed.setAccessibleName(said)
            for place, label in enumerate((what, speed, first)):
                side = Qt.AlignmentFlag.AlignLeading if place == 0 else Qt.AlignmentFlag.AlignTrailing
                self._finished.addWidget(label, row, place, side)
                label.show()
        self._cases = cases

    def _tell(self, column: LiveColumn, words: str) -> None:
        told = (column.stage, column.case)
        if told == self._told:
            return
        said = f"{self._name}: {words}"
        if column.case is not None and column.is_running:
            said += f", {case_words(column.case)}"
        if column.result.failure and column.stage is Stage.FAILED:
            said += f". {column.result.failure}"
        self.setAccessibleName(said)
        if self._told:
            announce(self, said)
        self._told = told
        self.update()

    def _ask_log(self) -> None:
        self.log_requested.emit(self._column.result.failure, self._column.result.detail)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        running = self._column.is_running
        painter.setPen(QPen(colours.accent if running else colours.hairline, 1))
        painter.setBrush(colours.raised)
        radius = theme.RADIUS_CARD
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)


def best_rate(column: LiveColumn) -> float | None:
    """The most tokens a second of all requests together that were measured so far."""
    rates = [it.output_rate.median for it in column.result.cases if it.output_rate is not None]
    return max(rates, default=None)


def _small(said: str, parent: QWidget, *, quiet: bool = False) -> QLabel:
    label = QLabel(said, parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setFont(theme.tabular_font())
    if quiet:
        label.setForegroundRole(label.foregroundRole().PlaceholderText)
    return label
