"""Below a repository that was opened: its variants, or why they are not there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.domain.download import Download
from app.domain.hub import Access, Format, HubModel, Variant
from app.domain.model import LocalModel
from app.ui import theme
from app.ui.models import hub_page
from app.ui.models.variant_list import Key, VariantList
from app.ui.spinner import Spinner

_INDENT = 30
"""In line with the repository's name."""


class RepositoryPanel(QWidget):
    """Says what it waits for, what there is, and what of it needs a token."""

    wanted = Signal(str)
    """Repository whose variants are awaited."""
    download_requested = Signal(object, str)
    advice_requested = Signal(str)
    token_requested = Signal(str)
    log_requested = Signal(str, str)

    def __init__(self, found: HubModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._found = found
        self._has_token = False
        self._downloads: Mapping[Key, Download] = {}
        self._local: Sequence[LocalModel] = ()
        self._variants: VariantList | None = None
        self._failure = ("", "")
        self._spinner = Spinner(self)
        self._words = QLabel(self)
        self._words.setWordWrap(True)
        self._words.setTextFormat(Qt.TextFormat.PlainText)
        self._words.setForegroundRole(self._words.foregroundRole().PlaceholderText)
        self._token = QPushButton("Enter token…", self)
        self._page = QPushButton(hub_page.WORDS, self)
        self._retry = QPushButton("Try again", self)
        self._log = QPushButton("Show log", self)
        self._advice = QPushButton("Which one suits this machine?", self)
        self._token.clicked.connect(lambda: self.token_requested.emit(found.repository))
        self._page.clicked.connect(lambda: hub_page.open_hub_page(found.repository))
        self._retry.clicked.connect(self.ask)
        self._log.clicked.connect(lambda: self.log_requested.emit(*self._failure))
        self._advice.clicked.connect(lambda: self.advice_requested.emit(found.repository))
        self._buttons = (self._token, self._page, self._retry, self._log, self._advice)
        self._arrange()

    def _arrange(self) -> None:
        said = QHBoxLayout()
        said.setSpacing(theme.SPACE_S)
        said.addWidget(self._spinner)
        said.addWidget(self._words, 1)
        deeds = QHBoxLayout()
        deeds.setSpacing(theme.SPACE_S)
        for button in self._buttons:
            button.setAccessibleDescription(self._found.repository)
            button.hide()
            deeds.addWidget(button)
        deeds.addStretch(1)
        self._inner = QVBoxLayout(self)
        self._inner.setContentsMargins(_INDENT, theme.SPACE_XS, theme.SPACE_S, theme.SPACE_L)
        self._inner.setSpacing(theme.SPACE_S)
        self._inner.addLayout(said)
        self._inner.addLayout(deeds)
        self.setMaximumWidth(theme.COLUMN_WIDTH)  # so that the eye finds the button of its line

    @property
    def filled(self) -> bool:
        """Whether its variants are known."""
        return self._variants is not None

    def ask(self) -> None:
        """Ask for the variants, and say so."""
        self._say("Looking at its files…", busy=True)
        for button in self._buttons:
            button.hide()
        self.wanted.emit(self._found.repository)

    def set_variants(self, variants: Sequence[Variant]) -> None:
        """What there is to download."""
        for button in self._buttons:
            button.hide()
        if self._variants is not None:
            self._variants.hide()
            self._variants.deleteLater()
            self._variants = None
        if not variants:
            self._say("There is nothing in it that an engine here could load.")
            return
        self._variants = VariantList(variants, self)
        self._variants.download_requested.connect(self.download_requested)
        self._variants.set_downloads(self._downloads)
        self._variants.set_local(self._local)
        self._inner.addWidget(self._variants)
        self._variants.show()
        self._advice.setVisible(any(variant.format is Format.GGUF for variant in variants))
        self._show_access()

    def set_failed(self, sentence: str, *, needs_token: bool, detail: str = "") -> None:
        """The variants could not be listed."""
        self._failure = (sentence, detail)
        self._say(sentence)
        self._token.setVisible(needs_token)
        self._page.setVisible(needs_token)
        self._retry.show()
        self._log.setVisible(bool(detail))

    def set_has_token(self, has_token: bool) -> None:
        """Whether there is a token to try it with."""
        self._has_token = has_token
        if self._variants is not None:
            self._show_access()

    def set_downloads(self, downloads: Mapping[Key, Download]) -> None:
        """What is on its way or done."""
        self._downloads = downloads
        if self._variants is not None:
            self._variants.set_downloads(downloads)

    def set_local(self, models: Sequence[LocalModel]) -> None:
        """The models on this machine."""
        self._local = models
        if self._variants is not None:
            self._variants.set_local(models)

    def _show_access(self) -> None:
        access = self._found.access
        locked = access is not Access.OPEN and not self._has_token
        if self._variants is not None:
            self._variants.set_locked(locked)
        self._token.setVisible(locked)
        self._page.setVisible(access is Access.GATED)
        if access is Access.GATED:
            self._say(
                "Its owners ask for an account that accepted their conditions on the hub. "
                + ("Downloads use your token." if self._has_token else "Enter a token of that account.")
            )
        elif locked:
            self._say("It is private. Enter the token of an account that may see it.")
        else:
            self._say("")

    def _say(self, sentence: str, *, busy: bool = False) -> None:
        self._words.setText(sentence)
        self._words.setVisible(bool(sentence))
        self._spinner.setVisible(busy)
        self._spinner.set_busy(busy)
