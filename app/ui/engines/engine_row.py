"""One engine: where it stands and what to do about it; all that is known of it on opening."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QFontMetrics, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.services.engine_card import EngineCard, Planned, Standing
from app.ui import icons, theme
from app.ui.announce import announce
from app.ui.chat.quiet_button import QuietButton
from app.ui.engines.dot import Dot
from app.ui.engines.engine_details import EngineDetails
from app.ui.engines.row_words import Deed, Offer, marks_of, offers_of, remark_of, spoken, state_of, version_of
from app.ui.engines.state_line import StateLine
from app.ui.engines.wrapped import Wrapped
from app.ui.models.thin_bar import ThinBar

_BESIDE_FROM = 600
"""In a narrower row the buttons stand below the words."""
_LINE = 28
_INDENT = 24 + theme.SPACE_XS + 10 + theme.SPACE_S
"""Where the names begin: behind the chevron and the dot."""
_HOLLOW = {
    Standing.LOOKING,
    Standing.NOT_HERE,
    Standing.ABSENT,
    Standing.PARTIAL,
    Standing.STALE,
    Standing.INSTALLING,
    Standing.INSTALL_FAILED,
}


class EngineRow(QWidget):
    """Updated in place, so that focus, pointer and eye stay where they are."""

    wanted = Signal(str, str)
    """The engine's id and a `Deed`."""
    model_chosen = Signal(str, str)
    """The engine's id and the name of the model that a start loads from now on."""
    wishes_changed = Signal(str, object)
    """The engine's id and its `LoadWishes`."""
    opened = Signal(str)
    """The engine's id: its details are looked at."""

    def __init__(self, card: EngineCard, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._card = card
        self._offline = False
        self._offers = offers_of(card, offline=False)
        self._toggle = QToolButton(self)
        self._toggle.setAutoRaise(True)
        self._toggle.setCheckable(True)
        self._toggle.setFixedSize(24, 28)
        self._toggle.toggled.connect(self._open)
        self._dot = Dot(card.id, self)
        self._name = QLabel(card.profile.name, self)
        self._name.setFont(theme.body_font(semibold=True))
        self._name.setTextFormat(Qt.TextFormat.PlainText)
        self._version = _quiet(self)
        self._marks = _quiet(self)
        self._state = StateLine(self)
        self._bar = ThinBar(f"Progress of {card.profile.name}", self)
        self._remark = Wrapped(self, size=theme.SIZE_MONO)
        self._remark.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._second = QPushButton(self)
        self._first = QPushButton(self)
        self._more = QuietButton("more", f"More for {card.profile.name}", self)
        self._more.set_revealed(True)
        self._second.clicked.connect(lambda: self._do(self._offers.second))
        self._first.clicked.connect(lambda: self._do(self._offers.first))
        self._more.clicked.connect(self._open_menu)
        self.details = EngineDetails(card.profile, self)
        self.details.hide()
        self.details.model_chosen.connect(lambda name: self.model_chosen.emit(self.id, name))
        self.details.wishes_changed.connect(lambda wishes: self.wishes_changed.emit(self.id, wishes))
        self._arrange()
        self._spoken = ""
        self._open(False)
        self.set_card(card)

    @property
    def id(self) -> str:
        """The engine's."""
        return self._card.id

    @property
    def card(self) -> EngineCard:
        """What is shown."""
        return self._card

    @property
    def is_open(self) -> bool:
        """Whether its details are shown."""
        return self._toggle.isChecked()

    def open(self) -> None:
        """Show the details."""
        self._toggle.setChecked(True)

    def set_card(self, card: EngineCard) -> None:
        """The same engine as it stands now."""
        self._card = card
        self._show()

    def set_offline(self, offline: bool) -> None:
        """Whether the switch is on: nothing is fetched."""
        if offline != self._offline:
            self._offline = offline
            self._show()

    def set_planned(self, planned: Planned | None) -> None:
        """What a start would do now; None where that cannot be said."""
        self.details.set_planned(planned)

    def tab_order(self) -> list[QWidget]:
        """What takes the keyboard, in the order in which it is read."""
        return [self._toggle, self._second, self._first, self._more, *self.details.tab_order()]

    def _arrange(self) -> None:
        title = QHBoxLayout()
        title.setSpacing(theme.SPACE_S)
        title.addWidget(self._name)
        title.addWidget(self._version)
        title.addWidget(self._marks)
        title.addStretch(1)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.setContentsMargins(0, (_LINE - QFontMetrics(self._name.font()).height()) // 2, 0, 0)
        words.addLayout(title)
        words.addWidget(self._state)
        words.addWidget(self._bar)
        words.addWidget(self._remark)
        deeds = QHBoxLayout()
        deeds.setSpacing(theme.SPACE_S)
        deeds.addStretch(1)
        deeds.addWidget(self._second)
        deeds.addWidget(self._first)
        self._beside = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._beside.setSpacing(theme.SPACE_S)
        self._beside.addLayout(words, 1)
        self._beside.addLayout(deeds)
        self._beside.setAlignment(deeds, Qt.AlignmentFlag.AlignTop)
        top = QHBoxLayout()
        top.setSpacing(theme.SPACE_XS)
        top.addWidget(self._toggle, 0, Qt.AlignmentFlag.AlignTop)
        top.addWidget(self._dot, 0, Qt.AlignmentFlag.AlignTop)
        top.addSpacing(theme.SPACE_XS)
        top.addLayout(self._beside, 1)
        top.addWidget(self._more, 0, Qt.AlignmentFlag.AlignTop)
        self._deeds = deeds
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, theme.SPACE_M, 0, theme.SPACE_M)
        layout.setSpacing(theme.SPACE_M)
        layout.addLayout(top)
        below = QHBoxLayout()
        below.setSpacing(0)
        below.addSpacing(_INDENT)
        below.addWidget(self.details, 1)
        below.addSpacing(theme.SPACE_XL)
        layout.addLayout(below)

    def _show(self) -> None:
        card, offline = self._card, self._offline
        state = state_of(card)
        self._dot.set_hollow(card.standing in _HOLLOW)
        self._version.setText(version_of(card))
        self._version.setVisible(bool(self._version.text()))
        self._marks.setText(" · ".join(marks_of(card)))
        self._marks.setVisible(bool(self._marks.text()))
        self._state.say(state.words, state.role, state.icon, state.figures, waiting=state.is_waiting)
        self._bar.setVisible(state.has_bar)
        self._bar.set_share(state.share)
        self._remark.setText(remark_of(card, offline=offline))
        self._remark.setVisible(bool(self._remark.text()))
        self._remark.set_quiet(not card.problem)
        self._show_offers()
        self.details.set_card(card)
        said = spoken(card, offline=offline)
        if said != self._spoken:
            if self._spoken:
                announce(self, said)
            self._spoken = said
            self.setAccessibleName(said)
            self._state.name_words(state.words)

    def _show_offers(self) -> None:
        offers = offers_of(self._card, offline=self._offline)
        focus = self.focusWidget()
        had_focus = focus is not None and focus.hasFocus()
        self._offers = offers
        for button, offer in ((self._second, offers.second), (self._first, offers.first)):
            button.setVisible(offer is not None)
            if offer is not None:
                button.setText(offer.words)
                button.setToolTip(offer.tip)
                button.setAccessibleName(f"{offer.words.rstrip('…')}: {self._card.profile.name}")
                button.setAccessibleDescription(offer.tip)
        self._more.setVisible(bool(offers.rest))
        if had_focus and focus is not None and focus.isHidden():
            (self._toggle if offers.first is None else self._first).setFocus(Qt.FocusReason.OtherFocusReason)

    def _do(self, offer: Offer | None) -> None:
        if offer is not None:
            self.wanted.emit(self.id, offer.deed)

    def _open_menu(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for offer in self._offers.rest:
            if offer.deed in (Deed.REMOVE, Deed.VISIT):
                menu.addSeparator()
            menu.addAction(offer.words).triggered.connect(lambda _=False, offer=offer: self._do(offer))
        menu.popup(self._more.mapToGlobal(QPoint(0, self._more.height())))

    def _open(self, opened: bool) -> None:
        self.details.setVisible(opened)
        mirrored = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        closed = "chevron-left" if mirrored else "chevron-right"
        icons.set_icon(self._toggle, "chevron-down" if opened else closed, "secondary", 16)
        said = "Hide details" if opened else "Show details"
        self._toggle.setToolTip(said)
        self._toggle.setAccessibleName(f"{said} of {self._card.profile.name}")
        if opened:
            self.opened.emit(self.id)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        above = self.details.isHidden() or event.position().y() < self.details.y()
        if (
            event.button() is Qt.MouseButton.LeftButton
            and above
            and self.rect().contains(event.position().toPoint())
        ):
            self._toggle.toggle()
        super().mouseReleaseEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        direction = QBoxLayout.Direction
        beside = self.width() >= _BESIDE_FROM
        self._beside.setDirection(direction.LeftToRight if beside else direction.TopToBottom)
        self._deeds.setDirection(direction.LeftToRight if beside else direction.RightToLeft)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        QPainter(self).fillRect(0, self.height() - 1, self.width(), 1, theme.current().hairline)


def _quiet(parent: QWidget) -> QLabel:
    label = QLabel(parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setFont(theme.tabular_font())
    label.setForegroundRole(label.foregroundRole().PlaceholderText)
    return label
