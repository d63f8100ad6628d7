"""The engines of this machine as rows, the attached servers below them, and when idle models go."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.services.engine_card import EngineCard, Planned, ServerCard
from app.ui import theme
from app.ui.chat.parameters import WheelGuard
from app.ui.choice import Choice
from app.ui.engines.engine_row import EngineRow
from app.ui.engines.server_row import ServerRow
from app.ui.engines.wrapped import Wrapped
from app.ui.words import duration

_COLUMN = 920
_IDLE_MINUTES: tuple[int | None, ...] = (5, 15, 30, 60, 240, None)


class EnginesView(QScrollArea):
    """Knows values alone; what is wanted is told by signals."""

    wanted = Signal(str, str)
    """An engine's id and a `Deed`."""
    model_chosen = Signal(str, str)
    """An engine's id and the model that a start loads."""
    wishes_changed = Signal(str, object)
    """An engine's id and its `LoadWishes`."""
    opened = Signal(str)
    """An engine's id: its details are looked at."""
    attach_requested = Signal()
    detach_requested = Signal(str)
    """A server's id, as in the two that follow."""
    look_requested = Signal(str)
    server_log_requested = Signal(str)
    idle_changed = Signal(object)
    """Minutes; None: never."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._offline = False
        self.rows: dict[str, EngineRow] = {}
        self.servers: dict[str, ServerRow] = {}
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        column = QWidget(self)
        column.setMaximumWidth(_COLUMN)
        title = _label("Engines", column, theme.body_font(theme.SIZE_TITLE, semibold=True))
        self.attach = QPushButton("Attach a server…", column)
        self.attach.clicked.connect(self.attach_requested)
        what = "Each engine is a program of its own that runs models. A chat starts the one it needs."
        intro = Wrapped(column, what, quiet=True)
        self._looking = Wrapped(column, "Looking at the engines…", quiet=True)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(0)
        self._servers_title = _label(
            "Attached servers", column, theme.body_font(theme.SIZE_HEADING, semibold=True)
        )
        self._no_server = Wrapped(
            column,
            "A server that already runs, here or on your team’s GPU machine, is used like an engine of this "
            "one. That is how to outgrow one machine.",
            quiet=True,
        )
        self._servers = QVBoxLayout()
        self._servers.setSpacing(0)
        self._idle = Choice(column)
        self._idle.setAccessibleName("Unload idle models")
        self._idle.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._idle.installEventFilter(WheelGuard(self._idle))
        self._idle.activated.connect(lambda: self.idle_changed.emit(self._idle.currentData()))
        self._arrange(column, title, intro)

    def _arrange(self, column: QWidget, title: QLabel, intro: QLabel) -> None:
        top = QHBoxLayout()
        top.addWidget(title, 1)
        top.addWidget(self.attach)
        idle = QHBoxLayout()
        idle.setSpacing(theme.SPACE_S)
        words = QLabel("Unload idle models", column)
        words.setBuddy(self._idle)
        idle.addWidget(words)
        idle.addWidget(self._idle)
        idle.addStretch(1)
        layout = QVBoxLayout(column)
        layout.setContentsMargins(theme.SPACE_XL, theme.SPACE_XL, theme.SPACE_XL, theme.SPACE_XL)
        layout.setSpacing(theme.SPACE_S)
        layout.addLayout(top)
        layout.addWidget(intro)
        layout.addWidget(self._looking)
        layout.addLayout(self._rows)
        layout.addSpacing(theme.SPACE_L)
        layout.addWidget(self._servers_title)
        layout.addWidget(self._no_server)
        layout.addLayout(self._servers)
        layout.addSpacing(theme.SPACE_L)
        layout.addLayout(idle)
        layout.addStretch(1)
        page = QWidget(self)
        centred = QHBoxLayout(page)
        centred.setContentsMargins(0, 0, 0, 0)
        centred.addStretch(1)
        centred.addWidget(column, 1000)
        centred.addStretch(1)
        self.setWidget(page)

    def set_cards(self, cards: Sequence[EngineCard]) -> None:
        """The engines, in the order they are shown in, as they stand now."""
        self._looking.setVisible(not cards)
        before = len(self.rows)
        for card in cards:
            row = self.rows.get(card.id)
            if row is None:
                self._add(card)
            elif card != row.card:
                row.set_card(card)
        if len(self.rows) > before:
            self._order()

    def set_servers(self, cards: Sequence[ServerCard]) -> None:
        """The attached servers as they stand now."""
        self._no_server.setVisible(not cards)
        there = {card.id for card in cards}
        for id_ in self.servers.keys() - there:
            row = self.servers.pop(id_)
            focus = row.focusWidget()
            if focus is not None and focus.hasFocus():
                self.attach.setFocus(Qt.FocusReason.OtherFocusReason)
            self._servers.removeWidget(row)
            row.hide()
            row.deleteLater()
        for card in cards:
            if card.id in self.servers:
                self.servers[card.id].set_card(card)
            else:
                self._add_server(card)
        self._order()

    def set_planned(self, engine: str, planned: Planned | None) -> None:
        """What a start of an engine would do now."""
        if engine in self.rows:
            self.rows[engine].set_planned(planned)

    def set_offline(self, offline: bool) -> None:
        """Whether the switch is on."""
        self._offline = offline
        for row in self.rows.values():
            row.set_offline(offline)
        for server in self.servers.values():
            server.set_offline(offline)

    def set_idle_minutes(self, minutes: int | None) -> None:
        """After how long an idle model is unloaded now; None: never."""
        offered = _IDLE_MINUTES
        if minutes is not None and minutes not in offered:
            offered = (*sorted({minutes, *filter(None, offered)}), None)
        self._idle.clear()
        for each in offered:
            self._idle.addItem("never" if each is None else f"after {duration(each * 60)}", each)
        self._idle.setCurrentIndex(offered.index(minutes))

    def _order(self) -> None:
        """Tab reads the page downwards, whenever a row was added."""
        engines = [part for row in self.rows.values() for part in row.tab_order()]
        servers = [part for row in self.servers.values() for part in row.tab_order()]
        chain = [self.attach, *engines, *servers, self._idle]
        for before, after in pairwise(chain):
            QWidget.setTabOrder(before, after)

    def _add(self, card: EngineCard) -> None:
        row = EngineRow(card, self.widget())
        row.set_offline(self._offline)
        row.wanted.connect(self.wanted)
        row.model_chosen.connect(self.model_chosen)
        row.wishes_changed.connect(self.wishes_changed)
        row.opened.connect(self.opened)
        self.rows[card.id] = row
        self._rows.addWidget(row)
        row.show()

    def _add_server(self, card: ServerCard) -> None:
        row = ServerRow(card, self.widget())
        row.set_offline(self._offline)
        row.detach_requested.connect(self.detach_requested)
        row.look_requested.connect(self.look_requested)
        row.log_requested.connect(self.server_log_requested)
        self.servers[card.id] = row
        self._servers.addWidget(row)
        row.show()


def _label(said: str, parent: QWidget, font: QFont) -> QLabel:
    label = Wrapped(parent, said)
    label.setFont(font)
    return label
