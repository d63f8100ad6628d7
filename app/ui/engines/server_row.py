"""One attached server: what it is, where it is, and that talking to it leaves this machine."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.domain.attached import UNSEEN, AttachedServer, ServerFacts
from app.domain.engine import EngineState
from app.services.engine_card import ServerCard
from app.ui import theme
from app.ui.announce import announce
from app.ui.chat.quiet_button import QuietButton
from app.ui.elided_label import ElidedLabel
from app.ui.engines.dot import Dot
from app.ui.engines.row_words import server_state
from app.ui.engines.state_line import StateLine
from app.ui.engines.wrapped import Wrapped
from app.ui.words import tokens

REMOTE = "leaves this machine"
_BESIDE_FROM = 600
_LINE = 28
_MOST_MODELS = 3


class ServerRow(QWidget):
    """Updated in place."""

    detach_requested = Signal(str)
    """The server's id, as in the signals that follow."""
    look_requested = Signal(str)
    """Ask it anew what it is and has."""
    log_requested = Signal(str)

    def __init__(self, card: ServerCard, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._card = card
        self._offline = False
        self._spoken = ""
        self._dot = Dot(card.id, self)
        self._name = ElidedLabel(self)
        self._name.setFont(theme.body_font(semibold=True))
        self._mark = StateLine(self)
        self._mark.say(REMOTE, "busy", "info")
        self._state = StateLine(self)
        self._address = ElidedLabel(self, Qt.TextElideMode.ElideMiddle)
        self._address.setFont(theme.tabular_font())
        self._address.setForegroundRole(self._address.foregroundRole().PlaceholderText)
        self._remark = Wrapped(self, size=theme.SIZE_MONO)
        self._log = QPushButton("Show log", self)
        self._look = QuietButton("regenerate", "Look again", self)
        self._look.set_revealed(True)
        self._detach = QPushButton("Detach", self)
        for button, signal in (
            (self._log, self.log_requested),
            (self._look, self.look_requested),
            (self._detach, self.detach_requested),
        ):
            button.clicked.connect(lambda _=False, signal=signal: signal.emit(self._card.id))
        self._arrange()
        self.set_card(card)

    @property
    def id(self) -> str:
        """The server's."""
        return self._card.id

    def set_card(self, card: ServerCard) -> None:
        """The same server as it stands now."""
        self._card = card
        self._show()

    def set_offline(self, offline: bool) -> None:
        """Whether the switch is on: then a server on another machine is not asked."""
        if offline != self._offline:
            self._offline = offline
            self._show()

    def tab_order(self) -> list[QWidget]:
        """What takes the keyboard, in the order in which it is read."""
        return [self._log, self._look, self._detach]

    def _arrange(self) -> None:
        title = QHBoxLayout()
        title.setSpacing(theme.SPACE_S)
        title.addWidget(self._name)
        title.addWidget(self._mark)
        title.addStretch(1)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.setContentsMargins(0, (_LINE - QFontMetrics(self._name.font()).height()) // 2, 0, 0)
        words.addLayout(title)
        words.addWidget(self._state)
        words.addWidget(self._address)
        words.addWidget(self._remark)
        deeds = QHBoxLayout()
        deeds.setSpacing(theme.SPACE_S)
        for button in (self._log, self._look, self._detach):
            deeds.addWidget(button)
        deeds.addStretch(1)
        self._beside = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._beside.setSpacing(theme.SPACE_S)
        self._beside.addLayout(words, 1)
        self._beside.addLayout(deeds)
        self._beside.setAlignment(deeds, Qt.AlignmentFlag.AlignTop)
        layout = QHBoxLayout(self)
        # The dot stands where those of the engines above do, behind their chevrons.
        layout.setContentsMargins(24 + theme.SPACE_XS, theme.SPACE_M, 0, theme.SPACE_M)
        layout.setSpacing(theme.SPACE_S)
        layout.addWidget(self._dot, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(self._beside, 1)

    def _show(self) -> None:
        card, server = self._card, self._card.server
        status = card.status
        words, role, icon = server_state(status.state)
        said = ""
        if status.state is EngineState.FAILED:
            said = status.error
        elif self._offline and server.address.remote:
            words, role, icon = "Not asked", "secondary", "offline"
            said = "Offline mode is on, so nothing is sent to another machine."
        elif server.address.readable_by_others:
            said = "The connection is not encrypted: whoever is on the network between can read what is sent."
        self._name.setText(server.name)
        self._mark.setVisible(server.address.remote)
        self._state.say(
            words,
            role,
            icon,
            "" if server.facts == UNSEEN else f"{kind_words(server.facts)} · {models_words(server.facts)}",
            waiting=status.state is EngineState.STARTING,
        )
        self._state.name_words(words)
        self._address.setText(server.address.url)
        self._remark.setText(said)
        self._remark.setVisible(bool(said))
        self._log.setVisible(status.state is EngineState.FAILED and bool(status.log))
        self._look.setEnabled(not (self._offline and server.address.remote))
        for button, does in ((self._log, "Show log"), (self._look, "Look again"), (self._detach, "Detach")):
            button.setAccessibleName(f"{does}: {server.name}")
        spoken = f"{describe(server)}. {words}. {said}".rstrip()
        if spoken != self._spoken:
            if self._spoken:
                announce(self, spoken)
            self._spoken = spoken
            self.setAccessibleName(spoken)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        direction = QBoxLayout.Direction
        beside = self.width() >= _BESIDE_FROM
        self._beside.setDirection(direction.LeftToRight if beside else direction.TopToBottom)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        QPainter(self).fillRect(0, self.height() - 1, self.width(), 1, theme.current().hairline)


def kind_words(facts: ServerFacts) -> str:
    """What a server is: "vLLM 0.33.0"."""
    return f"{facts.kind.value} {facts.version}".rstrip()


def models_words(facts: ServerFacts) -> str:
    """What it serves: the names of a few, with the context length where that is known."""
    if not facts.models:
        return "no models"
    named = [
        f"{model.name} ({tokens(model.context_length)})" if model.context_length else model.name
        for model in facts.models[:_MOST_MODELS]
    ]
    more = len(facts.models) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def describe(server: AttachedServer) -> str:
    """A server for a screen reader."""
    where = f", {REMOTE}" if server.address.remote else ""
    return f"{server.name}{where}: {kind_words(server.facts)}, {models_words(server.facts)}"
