"""One download in the shelf: how far it is in words and as a line, and what can be done about it."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.domain.download import Download, DownloadState
from app.domain.hub import Format
from app.ui import icons, theme, words
from app.ui.announce import announce
from app.ui.chat.quiet_button import QuietButton
from app.ui.elided_label import ElidedLabel
from app.ui.models import hub_page
from app.ui.models.thin_bar import ThinBar

ASKS_FROM = 100_000_000
"""Bytes. Giving up less than this needs no question."""
DONE_MS = 60_000
"""A done one says so for this long."""
_NAMED_EVERY_MS = 10_000
"""How often a screen reader may find new figures in the words."""
_FIGURES_BESIDE_FROM = 480
"""In a narrower row the figures stand below the name."""
_DEEDS_BESIDE_FROM = 760
"""Likewise the buttons below the words."""
_ICON = 16
_LINE = 28
"""Height of the name's line, which the icon and the buttons stand beside."""
_STATE_ICON = {
    DownloadState.FAILED: ("warning", "failed"),
    DownloadState.RETRYING: ("warning", "busy"),
    DownloadState.DONE: ("check", "ready"),
}
_TOGGLE = {
    DownloadState.WAITING: ("pause", "Pause"),
    DownloadState.RUNNING: ("pause", "Pause"),
    DownloadState.VERIFYING: ("pause", "Pause"),
    DownloadState.RETRYING: ("regenerate", "Try again now"),
    DownloadState.PAUSED: ("play", "Go on"),
    DownloadState.FAILED: ("regenerate", "Try again"),
}
_BAR = {DownloadState.PAUSED: "secondary", DownloadState.FAILED: "failed", DownloadState.DONE: "ready"}


class DownloadRow(QWidget):
    """Updated in place, so that focus, pointer and eye stay where they are."""

    pause_requested = Signal(int)
    resume_requested = Signal(int)
    cancel_requested = Signal(int)
    retry_requested = Signal(int)
    forget_requested = Signal(int)
    token_requested = Signal(str)
    log_requested = Signal(str, str)
    chat_requested = Signal(object)
    """The `Variant` that is on this machine now."""

    def __init__(self, download: Download, parent: QWidget) -> None:
        super().__init__(parent)
        self._download = download
        self._asking = False
        self._icon = QLabel(self)
        self._icon.setFixedSize(_ICON, _LINE)
        self._name = ElidedLabel(self)
        self._name.setMinimumHeight(_LINE)
        self._words = ElidedLabel(self)
        self._words.setFont(theme.tabular_font())
        self._words.setForegroundRole(self._words.foregroundRole().PlaceholderText)
        self._sentence = QLabel(self)
        self._sentence.setWordWrap(True)
        self._sentence.setTextFormat(Qt.TextFormat.PlainText)
        self._sentence.setFont(theme.body_font(theme.SIZE_SECONDARY))
        self._bar = ThinBar(f"Downloaded of {download.name}", self)
        self._token = QPushButton("Enter token…", self)
        self._page = QPushButton(hub_page.WORDS, self)
        self._log = QPushButton("Show log", self)
        self._chat = QPushButton("Chat with it", self)
        self._give_up = QPushButton("Give up", self)
        self._keep = QPushButton("Keep", self)
        self._toggle = _Toggle(self)
        self._cross = QuietButton("close", "Cancel", self)
        self._cross.set_revealed(True)
        self._token.clicked.connect(lambda: self.token_requested.emit(self._download.variant.repository))
        self._page.clicked.connect(lambda: hub_page.open_hub_page(self._download.variant.repository))
        self._log.clicked.connect(
            lambda: self.log_requested.emit(self._download.error, self._download.detail)
        )
        self._chat.clicked.connect(lambda: self.chat_requested.emit(self._download.variant))
        self._give_up.clicked.connect(lambda: self.cancel_requested.emit(self._download.id))
        self._keep.clicked.connect(self._keep_it)
        self._toggle.clicked.connect(self._toggled)
        self._cross.clicked.connect(self._crossed)
        self._arrange()
        self._leave = QTimer(self)
        self._leave.setSingleShot(True)
        self._leave.timeout.connect(self._left)
        self._naming = QTimer(self)
        self._naming.setSingleShot(True)
        self._naming.setInterval(_NAMED_EVERY_MS)
        theme.source().changed.connect(self._draw_icon)
        self._show(changed=True)

    def _arrange(self) -> None:
        self._line = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._line.setSpacing(theme.SPACE_XS)
        self._line.addWidget(self._name, 1)
        self._line.addWidget(self._words)
        middle = QVBoxLayout()
        middle.setSpacing(0)
        middle.addLayout(self._line)
        middle.addWidget(self._bar)
        middle.addWidget(self._sentence)
        self._sentence.setContentsMargins(0, theme.SPACE_XS, 0, theme.SPACE_XS)
        self._deeds = QHBoxLayout()
        self._deeds.setSpacing(theme.SPACE_S)
        for button in (self._token, self._page, self._log, self._chat, self._give_up, self._keep):
            self._deeds.addWidget(button)
        self._deeds.addStretch(1)
        self._beside = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._beside.setSpacing(theme.SPACE_S)
        self._beside.addLayout(middle, 1)
        self._beside.addLayout(self._deeds)
        self._beside.setAlignment(self._deeds, Qt.AlignmentFlag.AlignTop)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(theme.SPACE_S, theme.SPACE_XS, theme.SPACE_M, theme.SPACE_XS)
        layout.setSpacing(theme.SPACE_S)
        layout.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(self._beside, 1)
        layout.addWidget(self._toggle, 0, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self._cross, 0, Qt.AlignmentFlag.AlignTop)

    @property
    def download(self) -> Download:
        """What is shown."""
        return self._download

    @property
    def held(self) -> bool:
        """Whether a person is about to do something here: then it must not go away under their hand."""
        focus = self.focusWidget()
        return self._asking or self.underMouse() or (focus is not None and focus.hasFocus())

    def set_download(self, download: Download) -> None:
        """The same download as it stands now."""
        if download == self._download:
            return
        # Held by the offline switch is another thing than paused, though both rest.
        held = [
            each.state is DownloadState.PAUSED and bool(each.error) for each in (download, self._download)
        ]
        changed = download.state is not self._download.state or held[0] is not held[1]
        self._download = download
        self._show(changed=changed)
        if changed:
            announce(self, self.accessibleName())

    def _show(self, *, changed: bool) -> None:
        download = self._download
        self._name.setText(download.name)
        self._words.setText(_figures(download))
        self._bar.set_share(_share(download), _BAR.get(download.state, "accent"))
        if changed:
            if not download.active:
                self._asking = False
            self._show_deeds()
            self._draw_icon()
            self._turn()
            if download.state is DownloadState.DONE:
                self._leave.start(DONE_MS)
            else:
                self._leave.stop()
        self._show_sentence()
        if changed or not self._naming.isActive():
            self._naming.start()
            # Words that change four times a second would be read out without end: a name of its own
            # keeps the label from telling of each of them.
            self._words.setAccessibleName(self._words.text())
            spoken = (download.name, self._words.text(), self._sentence.text())
            self.setAccessibleName(". ".join(part.rstrip(".") for part in spoken if part) + ".")

    def _show_sentence(self) -> None:
        download = self._download
        failing = download.state in (DownloadState.FAILED, DownloadState.RETRYING)
        sentence = download.error if failing else ""
        if self._asking:
            sentence = f"Give it up? The {words.size(download.done)} that are here will be deleted."
        self._sentence.setText(sentence)
        self._sentence.setVisible(bool(sentence))
        self._bar.setVisible(download.state not in (DownloadState.FAILED, DownloadState.DONE))

    def _show_deeds(self) -> None:
        download = self._download
        failed = download.state is DownloadState.FAILED
        focus = self.focusWidget()
        had_focus = focus is not None and focus.hasFocus()
        self._token.setVisible(failed and download.needs_token and not self._asking)
        self._page.setVisible(failed and download.needs_token and not self._asking)
        self._log.setVisible(failed and bool(download.detail) and not self._asking)
        done = download.state is DownloadState.DONE
        self._chat.setVisible(done and download.variant.format is Format.GGUF)
        self._give_up.setVisible(self._asking)
        self._keep.setVisible(self._asking)
        self._toggle.setVisible(download.state in _TOGGLE and not self._asking)
        if download.state in _TOGGLE:
            icon, name = _TOGGLE[download.state]
            held = download.state is DownloadState.PAUSED and bool(download.error)
            self._toggle.show_as(icon, download.error if held else name, f"{name}: {download.name}")
        self._cross.setVisible(not self._asking)
        cross = "Dismiss" if done else "Cancel"
        self._cross.setToolTip(cross)
        self._cross.setAccessibleName(f"{cross}: {download.name}")
        for button in (self._token, self._page, self._log, self._chat, self._give_up, self._keep):
            button.setAccessibleDescription(download.name)
        if had_focus and focus is not None and focus.isHidden():
            (self._keep if self._asking else self._cross).setFocus(Qt.FocusReason.OtherFocusReason)

    def _draw_icon(self) -> None:
        name, role = _STATE_ICON.get(self._download.state, ("download", "secondary"))
        colour = getattr(theme.current(), role)
        self._icon.setPixmap(icons.pixmap(name, colour, _ICON, self.devicePixelRatioF()))

    def _toggled(self) -> None:
        state = self._download.state
        if state in (DownloadState.FAILED, DownloadState.RETRYING):
            self.retry_requested.emit(self._download.id)
        elif state is DownloadState.PAUSED:
            self.resume_requested.emit(self._download.id)
        elif state is not DownloadState.DONE:
            self.pause_requested.emit(self._download.id)

    def _crossed(self) -> None:
        download = self._download
        if download.state is DownloadState.DONE:
            self.forget_requested.emit(download.id)
        elif download.done < ASKS_FROM:
            self.cancel_requested.emit(download.id)
        else:
            self._asking = True
            self._show_deeds()
            self._show_sentence()
            self._keep.setFocus(Qt.FocusReason.OtherFocusReason)
            announce(self, self._sentence.text())

    def _keep_it(self) -> None:
        self._asking = False
        self._show_deeds()
        self._show_sentence()
        self._cross.setFocus(Qt.FocusReason.OtherFocusReason)

    def _left(self) -> None:
        if self.held:
            self._leave.start(DONE_MS)
        else:
            self.forget_requested.emit(self._download.id)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._turn()

    def _turn(self) -> None:
        """Put things beside each other as far as there is room; one short button always has it."""
        done = self._download.state is DownloadState.DONE
        deeds_from = _FIGURES_BESIDE_FROM if done else _DEEDS_BESIDE_FROM
        direction = QBoxLayout.Direction
        for line, beside_from in ((self._line, _FIGURES_BESIDE_FROM), (self._beside, deeds_from)):
            beside = self.width() >= beside_from
            line.setDirection(direction.LeftToRight if beside else direction.TopToBottom)


class _Toggle(QuietButton):
    """Pause, go on and try again: one button in one place, so that the focus stays on it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__("pause", "Pause", parent)
        self.set_revealed(True)

    def show_as(self, icon: str, word: str, name: str) -> None:
        self._icon = icon
        self.setToolTip(word)
        self.setAccessibleName(name)
        self.update()


def _share(download: Download) -> float | None:
    if download.state in (DownloadState.VERIFYING, DownloadState.DONE):
        return 1.0
    return download.done / download.size if download.size else None


def _figures(download: Download) -> str:
    """The state in words: "0.6 of 2.5 GB · 11 MB/s · 2 min left"."""
    there = words.size_of(download.done, download.size)
    match download.state:
        case DownloadState.WAITING:
            said = ["Waiting", words.size(download.size) if download.size else ""]
        case DownloadState.RUNNING:
            speed = words.transfer(download.speed) or ("" if download.done else "starting")
            said = [there, speed, words.time_left(download.seconds_left)]
        case DownloadState.VERIFYING:
            said = ["Checking that it is whole", words.size(download.size) if download.size else ""]
        case DownloadState.RETRYING:
            wait = download.retry_in_s
            said = [f"Trying again in {words.duration(wait)}" if wait else "Trying again", there]
        case DownloadState.PAUSED:
            # By a person there is nothing to say; by the offline switch it goes on once that is cleared.
            said = ["Waits: Edgewise works offline" if download.error else "Paused", there]
        case DownloadState.FAILED:
            said = ["Not downloaded"]
        case DownloadState.DONE:
            said = ["On this machine", words.size(download.size) if download.size else ""]
    return " · ".join(part for part in said if part)
