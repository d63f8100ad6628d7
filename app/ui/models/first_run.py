"""Before there is any model: what this machine can do, and one download to begin with."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.domain.download import Download, DownloadState
from app.services.first_model import FirstModel
from app.ui import theme
from app.ui.models.thin_bar import ThinBar
from app.ui.spinner import Spinner
from app.ui.words import decode_speed, size, size_of, time_left, transfer

_WIDTH = 520
ASKS_FROM = 100_000_000
"""Bytes. Giving up less than this needs no question."""

_STATES = {
    DownloadState.WAITING: "Waiting to begin",
    DownloadState.RUNNING: "",
    DownloadState.VERIFYING: "Checking what arrived",
    DownloadState.RETRYING: "The connection broke; it goes on by itself",
    DownloadState.PAUSED: "Paused",
    DownloadState.DONE: "It is here",
}


class FirstRun(QWidget):
    """Four states: looking, an offer, its download, and offline or nothing to offer."""

    download_requested = Signal(object)
    """The `FirstModel` that was offered."""
    models_requested = Signal()
    """See all models."""
    add_requested = Signal()
    """Add a file that is here already."""
    pause_requested = Signal(int)
    resume_requested = Signal(int)
    retry_requested = Signal(int)
    cancel_requested = Signal(int)
    """It is not wanted any more: what came of it may go."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._offer: FirstModel | None = None
        self._download: Download | None = None
        self._offline = False
        self._asked = False
        self._asking = False
        """Whether to give up what has arrived is being asked."""
        self._problem = ""
        self._words = _label(self)
        self._choice = _label(self)
        self._choice.setFont(theme.body_font(semibold=True))
        self._about = _label(self)
        self._spinner = Spinner(self)
        self._bar = ThinBar("Download", self)
        self._bar.setMaximumWidth(_WIDTH)
        self._progress = _label(self)
        self._progress.setFont(theme.tabular_font())
        self._deed = QPushButton(self)
        self._deed.setDefault(True)
        self._deed.setAutoDefault(False)
        self._deed.clicked.connect(self._do)
        self._cancel = QPushButton(self)
        self._cancel.clicked.connect(self._give_up)
        self._all = QPushButton("See all models", self)
        self._all.clicked.connect(self.models_requested)
        self._add = QPushButton("Add a file…", self)
        self._add.clicked.connect(self.add_requested)
        deeds = QHBoxLayout()
        deeds.setSpacing(theme.SPACE_S)
        deeds.addStretch(1)
        deeds.addWidget(self._deed)
        deeds.addWidget(self._cancel)
        deeds.addWidget(self._all)
        deeds.addWidget(self._add)
        deeds.addStretch(1)
        bar = QHBoxLayout()
        bar.addStretch(1)
        bar.addWidget(self._bar, 10)
        bar.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.SPACE_S)
        layout.addWidget(self._words)
        layout.addWidget(self._spinner, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addSpacing(theme.SPACE_S)
        layout.addWidget(self._choice)
        layout.addWidget(self._about)
        layout.addLayout(bar)
        layout.addWidget(self._progress)
        layout.addSpacing(theme.SPACE_S)
        layout.addLayout(deeds)
        self._show()

    def set_offer(self, offer: FirstModel) -> None:
        """What this machine can do, and what suits it."""
        self._offer = offer
        self._show()

    def set_download(self, download: Download | None) -> None:
        """Where the offered download stands, None while there is none."""
        if download != self._download:
            running = download is not None and self._download is not None and download.id == self._download.id
            self._asking = self._asking and running
            self._download = download
            self._asked = self._asked and download is None
            self._problem = "" if download else self._problem
            self._show()

    def set_offline(self, offline: bool) -> None:
        """The offline switch: then nothing is offered, and a file of one's own is the way."""
        self._offline = offline
        self._show()

    def set_problem(self, sentence: str) -> None:
        """The download could not begin."""
        self._asked = False
        self._problem = sentence
        self._show()

    def take_focus(self) -> None:
        """Give the keyboard to the offer; to the list of all models while nothing is to be begun here."""
        beginning = self._download is None and self._deed.isVisible() and self._deed.isEnabled()
        (self._deed if beginning else self._all).setFocus(Qt.FocusReason.OtherFocusReason)

    def _do(self) -> None:
        download = self._download
        if download is None:
            if self._offer is not None and self._offer.model is not None:
                self._asked = True
                self._problem = ""
                self._show()
                self.download_requested.emit(self._offer)
        elif self._asking:
            self._asking = False
            self._show()
        elif download.state is DownloadState.PAUSED:
            self.resume_requested.emit(download.id)
        elif download.state is DownloadState.FAILED:
            self.retry_requested.emit(download.id)
        else:
            self.pause_requested.emit(download.id)

    def _give_up(self) -> None:
        download = self._download
        if download is None:
            return
        if download.done < ASKS_FROM or self._asking:
            self.cancel_requested.emit(download.id)
        else:
            self._asking = True
            self._show()

    def _show(self) -> None:
        offer, download = self._offer, self._download
        offered = offer is not None and offer.model is not None and offer.rung is not None
        self._spinner.set_busy(offer is None)
        self._spinner.setVisible(offer is None)
        words = offer.machine_words if offer is not None else "Looking at this machine…"
        if self._offline and download is None:
            words += (
                " Edgewise is set to work offline, so nothing is downloaded. Add a GGUF model file that you "
                "have, or drop it onto this window."
            )
        elif offer is not None and not offered and download is None:
            words += " Choose a model, or add a GGUF file that you have."
        self._words.setText(words)
        shown = download is not None or (offered and not self._offline)
        for widget in (self._choice, self._about, self._deed):
            widget.setVisible(shown)
        self._deed.setDefault(download is None)  # to pause is nothing to be led to
        self._bar.setVisible(download is not None)
        self._cancel.setVisible(download is not None and download.state is not DownloadState.DONE)
        if download is not None:
            self._show_download(download)
        elif shown:
            self._show_offer()
        self._progress.setVisible(bool(self._progress.text()) and shown)

    def _show_offer(self) -> None:
        offer = self._offer
        assert offer is not None and offer.model is not None and offer.rung is not None  # noqa: PT018
        rung = offer.rung
        facts = [rung.quantization]
        if rung.speed is not None:
            facts.append(f"about {decode_speed(rung.speed)}")
        self._choice.setText(f"{offer.model.name} · {' · '.join(facts)}")
        self._about.setText(offer.model.good_for)
        self._deed.setText(f"Download {size(rung.file_size)}")
        self._deed.setAccessibleName(f"Download {offer.model.name}, {size(rung.file_size)}")
        self._deed.setEnabled(not self._asked)
        self._progress.setText(self._problem or ("Asking the hub for its files…" if self._asked else ""))

    def _show_download(self, download: Download) -> None:
        self._choice.setText(download.name)
        self._bar.set_share(download.done / download.size if download.size else None)
        self._bar.setAccessibleName(f"Download of {download.name}")
        held = download.state is DownloadState.PAUSED and bool(download.error)
        state = "Waits: Edgewise works offline" if held else _STATES.get(download.state, "")
        parts = [size_of(download.done, download.size), state]
        if download.state is DownloadState.RUNNING:
            parts += [transfer(download.speed), time_left(download.seconds_left)]
        words = (
            download.error if download.state is DownloadState.FAILED else " · ".join(p for p in parts if p)
        )
        deed = {DownloadState.PAUSED: "Go on", DownloadState.FAILED: "Try again"}.get(download.state, "Pause")
        if self._asking:
            words, deed = f"Give it up? The {size(download.done)} that are here will be deleted.", "Keep"
        self._progress.setText(words)
        self._deed.setText(deed)
        self._cancel.setText("Give up" if self._asking else "Cancel")
        self._cancel.setAccessibleName(f"{self._cancel.text()}: {download.name}")
        self._deed.setAccessibleName(f"{self._deed.text()}: {download.name}")
        self._deed.setEnabled(download.state not in (DownloadState.VERIFYING, DownloadState.DONE))


def _label(parent: QWidget) -> QLabel:
    label = QLabel(parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
    label.setWordWrap(True)
    return label
