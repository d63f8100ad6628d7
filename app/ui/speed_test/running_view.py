"""A test that runs: its engines side by side, how far it is, and a way to stop it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.services.speed_test_live import LiveTest
from app.ui import theme
from app.ui.engines.wrapped import Wrapped
from app.ui.models.thin_bar import ThinBar
from app.ui.speed_test.beside import Beside
from app.ui.speed_test.live_column import LEAST_WIDTH, LiveColumnCard, best_rate
from app.ui.words import time_left

_MOST_WIDTH = 480
"""Of one column."""


class RunningView(QScrollArea):
    """Shows what it is given; the page gives it a new look at most ten times a second."""

    stop_requested = Signal()
    log_requested = Signal(str, str)
    """A sentence, and the log behind it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cards: tuple[LiveColumnCard, ...] = ()
        self._of: object = None
        self._scale = 0.0
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        page = QWidget(self)
        self._title = Wrapped(page, "Speed test", size=theme.SIZE_TITLE)
        self._title.setFont(theme.body_font(theme.SIZE_TITLE, semibold=True))
        self.stop = QPushButton("Stop", page)
        self.stop.setAccessibleDescription("Ends the engines at once; what was measured is kept")
        self.stop.clicked.connect(self._stop)
        self._bar = ThinBar("Progress of the speed test", page)
        self._left = QLabel(page)
        self._left.setFont(theme.tabular_font())
        self._left.setForegroundRole(self._left.foregroundRole().PlaceholderText)
        self._note = Wrapped(
            page,
            "Leave the machine alone meanwhile: other work shows in the figures. The test goes on while you "
            "look at other pages.",
            size=theme.SIZE_MONO,
            quiet=True,
        )
        self._columns = Beside(LEAST_WIDTH, page)
        top = QHBoxLayout()
        top.addWidget(self._title, 1)
        top.addWidget(self.stop, 0, Qt.AlignmentFlag.AlignTop)
        along = QHBoxLayout()
        along.setSpacing(theme.SPACE_M)
        along.addWidget(self._bar, 1)
        along.addWidget(self._left)
        layout = QVBoxLayout(page)
        layout.setContentsMargins(theme.SPACE_XL, theme.SPACE_XL, theme.SPACE_XL, theme.SPACE_XL)
        layout.setSpacing(theme.SPACE_M)
        layout.addLayout(top)
        layout.addLayout(along)
        layout.addWidget(self._note)
        wide = QHBoxLayout()  # one engine alone need not fill the page
        wide.addWidget(self._columns, 1000)
        wide.addStretch(1)
        layout.addLayout(wide)
        layout.addStretch(1)
        self.setWidget(page)
        self.setFocusProxy(self.stop)
        self.begin("")

    @property
    def left(self) -> str:
        """What is said of the time that is left."""
        return self._left.text()

    def begin(self, model: str) -> None:
        """A test of `model` was asked for; there is nothing of it to see yet."""
        self._of = None
        self._scale = 0.0
        self.cards = ()
        self._columns.set_widgets(())
        self._title.setText(f"Testing {model}" if model else "Speed test")
        self._bar.set_share(0.0)
        self._left.setText("getting ready")
        self.stop.setEnabled(True)
        self.stop.setText("Stop")

    def set_live(self, live: LiveTest) -> None:
        """Where it stands now."""
        if self._of != (live.test.at, len(live.columns)):
            self._of = (live.test.at, len(live.columns))
            self._make(live)
        # All bars have one scale, which grows to the fastest seen so far and never shrinks back.
        now = [rate for column in live.columns for rate in (column.rate, best_rate(column)) if rate]
        self._scale = max([self._scale, *now])
        for card, column in zip(self.cards, live.columns, strict=True):
            card.set_column(column, self._scale)
        self._bar.set_share(live.share)
        percent = f"{live.share * 100:.0f} %"
        self._left.setText(time_left(live.left_s) or percent)

    def _make(self, live: LiveTest) -> None:
        families = {column.result.contender.family for column in live.columns}
        self._title.setText(f"Testing {' and '.join(sorted(families))}")
        repetitions = live.test.workload.repetitions
        cards = []
        for column in live.columns:
            card = LiveColumnCard(column, repetitions, self._columns)
            card.log_requested.connect(self.log_requested)
            cards.append(card)
        self.cards = tuple(cards)
        self._columns.setMaximumWidth(len(cards) * _MOST_WIDTH)
        self._columns.set_widgets(cards)

    def _stop(self) -> None:
        self.stop.setEnabled(False)
        self.stop.setText("Stopping…")
        self.stop_requested.emit()
