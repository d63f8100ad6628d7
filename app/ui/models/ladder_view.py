"""A model's ladder: its quantizations on this machine, moved live by what a person asks for."""

from __future__ import annotations

from PySide6.QtCore import QEasingCurve, QPoint, QPropertyAnimation, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.advisor.ladder import Goal, Ladder
from app.domain.catalog import CatalogModel
from app.ui import icons, motion, theme
from app.ui.models import hub_page
from app.ui.models.goal_sliders import GoalSliders
from app.ui.models.ladder_table import LadderTable
from app.ui.spinner import Spinner
from app.ui.words import parameters, size, tokens

_WIDEST = 940
_SLIDE = 40
"""Logical pixels that it comes from the side."""


class LadderView(QScrollArea):
    """Pure view: it is told what it shows, and tells what a person asks for."""

    closed = Signal()
    goal_changed = Signal(object)
    """A `Goal` to reckon with."""
    download_requested = Signal(object)
    """A `Rung`."""
    chat_requested = Signal(object)
    """A `Rung` that is on this machine."""
    retry_requested = Signal()
    token_requested = Signal(str)
    """The repository that asks for a token."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._repository = ""
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._column = QWidget()
        self._column.setMaximumWidth(_WIDEST)
        self._back = QToolButton(self._column)
        self._back.setAutoRaise(True)
        self._back.setFixedSize(34, 34)
        self._back.setAccessibleName("Back")
        self._back.setToolTip("Back (Esc)")
        icons.set_icon(self._back, "back", "text", 20)
        self._back.clicked.connect(self.closed)
        self._title = QLabel(self._column)
        self._title.setFont(theme.body_font(theme.SIZE_TITLE, semibold=True))
        self._spinner = Spinner(self._column)
        self._about = _words(self._column)
        self._facts = _words(self._column, small=True)
        self.sliders = GoalSliders(self._column)
        self.sliders.changed.connect(self.goal_changed)
        self._machine = _words(self._column, small=True)
        self._problem = _words(self._column)
        self._retry = QPushButton("Try again", self._column)
        self._retry.clicked.connect(self.retry_requested)
        self._token = QPushButton("Enter token…", self._column)
        self._token.clicked.connect(lambda: self.token_requested.emit(self._repository))
        self._page = QPushButton(hub_page.WORDS, self._column)
        self._page.clicked.connect(lambda: hub_page.open_hub_page(self._repository))
        self.table = LadderTable(self._column)
        self.table.download_requested.connect(self.download_requested)
        self.table.chat_requested.connect(self.chat_requested)
        self._because = _words(self._column)
        self._others = _words(self._column)
        self._source = _words(self._column, small=True)
        self._build()
        self._slide = QPropertyAnimation(self._column, b"pos", self)
        self._slide.setEasingCurve(QEasingCurve.Type.OutCubic)

    def _build(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(theme.SPACE_S)
        top.addWidget(self._back)
        top.addWidget(self._title, 1)
        top.addWidget(self._spinner)
        deeds = QHBoxLayout()
        deeds.setSpacing(theme.SPACE_S)
        deeds.addWidget(self._retry)
        deeds.addWidget(self._token)
        deeds.addWidget(self._page)
        deeds.addStretch(1)
        layout = QVBoxLayout(self._column)
        layout.setContentsMargins(theme.SPACE_L, theme.SPACE_M, theme.SPACE_L, theme.SPACE_XL)
        layout.setSpacing(theme.SPACE_S)
        layout.addLayout(top)
        layout.addWidget(self._about)
        layout.addWidget(self._facts)
        layout.addSpacing(theme.SPACE_S)
        layout.addWidget(self.sliders)
        layout.addWidget(self._machine)
        layout.addSpacing(theme.SPACE_XS)
        layout.addWidget(self._problem)
        layout.addLayout(deeds)
        layout.addWidget(self._because)
        layout.addWidget(self.table)
        layout.addSpacing(theme.SPACE_XS)
        layout.addWidget(self._others)
        layout.addWidget(self._source)
        layout.addStretch(1)
        page = QWidget(self)
        centred = QHBoxLayout(page)
        centred.setContentsMargins(theme.SPACE_S, 0, theme.SPACE_S, 0)
        centred.addStretch(1)
        centred.addWidget(self._column, 1000)
        centred.addStretch(1)
        self.setWidget(page)
        self.clear("", 0, Goal())

    def show_catalog_model(self, model: CatalogModel, goal: Goal) -> None:
        """Begin with what the catalog knows; `set_ladder` follows."""
        self.clear(model.name, model.context_length, goal)
        self._about.setText(model.good_for)
        self._about.show()
        facts = [
            model.maker,
            f"{parameters(model.parameters)} parameters",
            f"{parameters(model.active_parameters)} of them for each token"
            if model.active_parameters < model.parameters
            else "",
            model.licence,
            f"context {tokens(model.context_length)}",
            model.repository,
        ]
        self._facts.setText(" · ".join(fact for fact in facts if fact))
        self._facts.show()

    def clear(self, name: str, trained: int, goal: Goal) -> None:
        """Begin with a model of which no more is known than this; `set_ladder` follows."""
        self._title.setText(name)
        self._column.setAccessibleName(name)
        for label in (self._about, self._facts, self._machine, self._problem, self._because, self._others):
            label.clear()
            label.hide()
        self._source.hide()
        self._retry.hide()
        self._token.hide()
        self._page.hide()
        self.table.forget_choice()
        self.table.hide()
        self.table.set_waiting(False)
        self.sliders.set_goal(goal, trained)
        self.sliders.setEnabled(False)
        self._spinner.set_busy(bool(name))
        self.verticalScrollBar().setValue(0)

    def set_trained(self, trained: int, goal: Goal) -> None:
        """The model's own context length is known now."""
        self.sliders.set_goal(goal, trained)

    def set_ladder(self, ladder: Ladder) -> None:
        """Show it. It may be the same one for another goal: nothing jumps."""
        self._spinner.set_busy(False)
        self._problem.hide()
        self._retry.hide()
        self._token.hide()
        self._page.hide()
        self.sliders.setEnabled(True)
        self._machine.setText(_machine_words(ladder))
        self._machine.show()
        first = self.table.isHidden()
        self.table.set_ladder(ladder)
        self.table.show()
        if first:
            QTimer.singleShot(0, self._reveal_choice)  # once the rows have their places
        _say(self._because, ladder.because)
        _say(self._others, " ".join((*ladder.runners_up, *ladder.would_change)))
        _say(self._source, _source_words(ladder))

    def _reveal_choice(self) -> None:
        row = self.table.chosen_row
        if row is not None:
            self.ensureWidgetVisible(row, 0, row.height())

    def set_problem(self, sentence: str, *, retry: bool, needs_token: str = "") -> None:
        """Something is in the way of the ladder, or of what was asked of it. A ladder that is there stays."""
        self._spinner.set_busy(False)
        self.table.set_waiting(False)
        self._repository = needs_token
        _say(self._problem, sentence)
        self._retry.setVisible(retry)
        self._token.setVisible(bool(needs_token))
        self._page.setVisible(bool(needs_token))

    def begin_deed(self) -> None:
        """A download is being asked for."""
        self.table.set_waiting(True)
        self._spinner.set_busy(True)

    def end_deed(self) -> None:
        """It is in the queue, or it could not be."""
        self.table.set_waiting(False)
        self._spinner.set_busy(False)

    def slide_in(self) -> None:
        """Come from the side; at once where the system asks for less motion."""
        milliseconds = motion.duration(self)
        self._slide.stop()
        if milliseconds:
            end = self._column.pos()
            mirrored = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
            self._slide.setStartValue(end + QPoint(-_SLIDE if mirrored else _SLIDE, 0))
            self._slide.setEndValue(end)
            self._slide.setDuration(milliseconds)
            self._slide.start()
        self._column.setFocus(Qt.FocusReason.OtherFocusReason)  # Tab then begins on top

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)


def _machine_words(ladder: Ladder) -> str:
    parts = [f"{size(ladder.available)} of memory free"]
    if ladder.gpu_available:
        parts.append(f"{size(ladder.gpu_available)} on the GPU")
    if ladder.bandwidth is not None:
        parts.append(f"memory moves {ladder.bandwidth / 1e9:.0f} GB/s")
    else:
        parts.append("speed not known until the memory is measured")
    return "This machine: " + ", ".join(parts)


def _source_words(ladder: Ladder) -> str:
    source = ladder.quality_source
    here = ladder.measured_here
    measured = f"Measured here, with this very model: {', '.join(here)}. " if here else ""
    figures = (
        f"{measured}Quality figures{' of the others' if here else ''}: {source}. They order quantizations; "
        "this model may lose more or less."
    )
    reckoned = (
        " Files and memory are reckoned from the model’s published sizes: the hub has not told them yet."
    )
    speeds = " Speeds are those with half of the context filled: a chat begins faster."
    timed = any(rung.speed is not None for rung in ladder.rungs)
    return figures + (speeds if timed else "") + (reckoned if ladder.sketched else "")


def _say(label: QLabel, words: str) -> None:
    label.setText(words)
    label.setVisible(bool(words))


def _words(parent: QWidget, *, small: bool = False) -> QLabel:
    label = QLabel(parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    if small:
        label.setFont(theme.tabular_font())
        label.setForegroundRole(label.foregroundRole().PlaceholderText)
    return label
