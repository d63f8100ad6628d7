"""Searching the hub: words, format and order above, repositories below, their files on opening."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from app.domain.download import Download
from app.domain.hub import Format, HubModel, Variant
from app.domain.model import LocalModel
from app.ui import theme
from app.ui.announce import announce
from app.ui.choice import Choice
from app.ui.models.invitation import Invitation
from app.ui.models.search_result import SearchResult
from app.ui.models.variant_list import Key, key_of
from app.ui.spinner import Spinner

PAUSE_MS = 400
"""Words are searched for after this long without a key."""
_FORMATS: tuple[tuple[str, Format | None], ...] = (
    ("GGUF", Format.GGUF),
    ("safetensors", Format.SAFETENSORS),
    ("Both formats", None),
)
_ORDERS = (("Most downloaded", "downloads"), ("Most liked", "likes"), ("Newest", "lastModified"))
"""Words, and the name the hub has for the order (`app.models.hub.Sort`)."""
_BESIDE_CROSS = 28
"""Room for the field's own cross."""
_LONGEST = 200


class SearchView(QWidget):
    """Pure view. Answers name the words they answer: one that comes too late is not shown."""

    searched = Signal(str, object, str)
    """Words, `Format` or None for both, order ("downloads", "likes" or "lastModified")."""
    repository_opened = Signal(str)
    """Its variants are wanted: `set_variants` or `set_repository_failed`."""
    download_requested = Signal(object, str)
    """`Variant`, name to show for it."""
    advice_requested = Signal(str)
    """Repository whose ladder is wanted."""
    token_requested = Signal(str)
    """Repository that needs a token."""
    settings_requested = Signal()
    """To turn the offline switch off."""
    log_requested = Signal(str, str)
    """Sentence, detail."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._asked: tuple[str, Format | None, str] | None = None
        self._failure: tuple[str, str] | None = None
        self._answered = False
        self._offline = False
        self._has_token = False
        self._downloads: dict[Key, Download] = {}
        self._local: Sequence[LocalModel] = ()
        self._results: list[SearchResult] = []
        self._field = QLineEdit(self)
        self._field.setPlaceholderText("Search the hub for models…")
        self._field.setAccessibleName("Search the hub for models")
        self._field.setClearButtonEnabled(True)
        self._field.setMaxLength(_LONGEST)
        self._field.textChanged.connect(self._typed)
        self._field.returnPressed.connect(self._search_now)
        self._spinner = Spinner(self._field)
        self._format = _choice("Format", [(words, None) for words, _ in _FORMATS], self)
        self._order = _choice("Order", _ORDERS, self)
        for choice in (self._format, self._order):
            choice.activated.connect(self._search)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MS)
        self._pause.timeout.connect(self._search)
        self._scroll = QScrollArea(self)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._empty = Invitation(self)
        self._empty.chosen.connect(self._accept_invitation)
        self._arrange()
        self._show()

    def _arrange(self) -> None:
        inside = QHBoxLayout(self._field)
        inside.setContentsMargins(0, 0, _BESIDE_CROSS, 0)
        inside.addStretch(1)
        inside.addWidget(self._spinner)
        tools = QHBoxLayout()
        tools.setSpacing(theme.SPACE_S)
        tools.addWidget(self._field, 1)
        tools.addWidget(self._format)
        tools.addWidget(self._order)
        page = QWidget(self._scroll)
        self._list = QVBoxLayout(page)
        self._list.setContentsMargins(0, 0, 0, theme.SPACE_L)
        self._list.setSpacing(0)
        self._list.addStretch(1)
        self._scroll.setWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.SPACE_XL, theme.SPACE_M, theme.SPACE_XL, 0)
        layout.setSpacing(theme.SPACE_M)
        layout.addLayout(tools)
        layout.addWidget(self._scroll, 1)
        layout.addWidget(self._empty, 1)

    def search_for(self, words: str) -> None:
        """Type these words for the person and search."""
        self._field.setText(words)
        self._search_now()

    def set_results(self, words: str, results: Sequence[HubModel]) -> None:
        """What was found for `words`; ignored if the field says something else by now."""
        if not self._waits_for(words):
            return
        self._settle()
        self._answered = True
        self._clear()
        for place, found in enumerate(results):
            row = SearchResult(found, self._scroll)
            row.set_has_token(self._has_token)
            row.set_downloads(self._downloads)
            row.set_local(self._local)
            row.opened.connect(self.repository_opened)
            row.download_requested.connect(self.download_requested)
            row.advice_requested.connect(self.advice_requested)
            row.token_requested.connect(self.token_requested)
            row.log_requested.connect(self.log_requested)
            row.walked.connect(self._walk)
            self._results.append(row)
            self._list.insertWidget(place, row)
        self._scroll.verticalScrollBar().setValue(0)
        self._show()
        announce(self, f"{len(results)} found" if results else "Nothing found")

    def set_failed(self, words: str, sentence: str, detail: str = "") -> None:
        """The search for `words` did not go through, because of this."""
        if not self._waits_for(words):
            return
        self._settle()
        self._failure = (sentence, detail)
        self._clear()
        self._show()
        announce(self, sentence)

    def set_offline(self, offline: bool) -> None:
        """The offline switch: while it is on there is nothing to search."""
        if offline == self._offline:
            return
        self._offline = offline
        self._pause.stop()
        self._settle()
        if offline:
            self._asked = None
            self._answered = False
            self._clear()
        for field in (self._field, self._format, self._order):
            field.setEnabled(not offline)
        self._show()
        if not offline:
            self._search()

    def set_has_token(self, has_token: bool) -> None:
        """Whether a token is kept; gated repositories then may be tried."""
        self._has_token = has_token
        for row in self._results:
            row.set_has_token(has_token)

    def set_variants(self, repository: str, variants: Sequence[Variant]) -> None:
        """What there is to download of a repository."""
        for row in self._rows_of(repository):
            row.set_variants(variants)

    def set_repository_failed(
        self, repository: str, sentence: str, *, needs_token: bool, detail: str = ""
    ) -> None:
        """Its files could not be listed, because of this."""
        for row in self._rows_of(repository):
            row.set_failed(sentence, needs_token=needs_token, detail=detail)

    def set_downloads(self, downloads: Sequence[Download]) -> None:
        """What is on its way or done: its button says so."""
        self._downloads = {key_of(download.variant): download for download in downloads}
        for row in self._results:
            row.set_downloads(self._downloads)

    def set_local(self, models: Sequence[LocalModel]) -> None:
        """The models on this machine: what is here needs no download."""
        self._local = models
        for row in self._results:
            row.set_local(models)

    def focus_search(self) -> None:
        """Put the cursor into the search field."""
        self._field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._field.selectAll()

    def _words(self) -> str:
        return " ".join(self._field.text().split())

    def _wanted_format(self) -> Format | None:
        # Not the box's data: of a `Format` Qt would give back a mere string.
        return _FORMATS[self._format.currentIndex()][1]

    def _waits_for(self, words: str) -> bool:
        return self._asked is not None and self._asked[0] == words == self._words()

    def _rows_of(self, repository: str) -> list[SearchResult]:
        return [row for row in self._results if row.found.repository == repository]

    def _typed(self) -> None:
        if self._words():
            self._pause.start()
            return
        self._pause.stop()
        self._settle()
        self._asked, self._answered = None, False
        self._clear()
        self._show()

    def _search_now(self) -> None:
        """Again, even for the same words."""
        self._asked = None
        self._search()

    def _search(self) -> None:
        self._pause.stop()
        wanted = (self._words(), self._wanted_format(), self._order.currentData())
        if self._offline or not wanted[0] or wanted == self._asked:
            return
        self._asked = wanted
        self._failure = None
        self._answered = False
        self._spinner.set_busy(True)
        self._show()
        self.searched.emit(*wanted)

    def _settle(self) -> None:
        self._failure = None
        self._spinner.set_busy(False)

    def _clear(self) -> None:
        for row in self._results:
            row.hide()
            self._list.removeWidget(row)
            row.deleteLater()
        self._results = []

    def _show(self) -> None:
        self._scroll.setVisible(bool(self._results))
        self._empty.setVisible(not self._results)
        if self._results:
            return
        if self._offline:
            self._empty.say(
                "You work offline",
                "The offline switch is on, so nothing is looked up. The models on this machine work as ever.",
                ("Open settings",),
            )
        elif self._failure is not None:
            deeds = ("Try again", "Show log") if self._failure[1] else ("Try again",)
            self._empty.say("The search did not go through", self._failure[0], deeds)
        elif self._asked is None:
            self._empty.say(
                "Search the hub",
                "Type a model’s name or its maker, such as “qwen3 4b”. GGUF files run on llama.cpp; "
                "safetensors are for the other engines.",
            )
        elif not self._answered:
            self._empty.say("", "Searching…")
        else:
            self._say_nothing_found()

    def _say_nothing_found(self) -> None:
        narrowed = self._wanted_format() is not None
        self._empty.say(
            "Nothing found",
            f"The hub has no model for “{self._words()[:60]}”"
            + (
                f" in {self._format.currentText()}. Try fewer words, or both formats."
                if narrowed
                else ". Try fewer words."
            ),
            ("Search both formats",) if narrowed else (),
        )

    def _accept_invitation(self, deed: str) -> None:
        match deed:
            case "Open settings":
                self.settings_requested.emit()
            case "Show log" if self._failure is not None:
                self.log_requested.emit(*self._failure)
            case "Search both formats":
                self._format.setCurrentIndex(_FORMATS.index(("Both formats", None)))
                self._search()
            case "Try again":
                self._search_now()

    def _walk(self, step: int) -> None:
        rows = [row.header for row in self._results]
        here = next((place for place, row in enumerate(rows) if row.hasFocus()), -1)
        if 0 <= here + step < len(rows):
            rows[here + step].setFocus(Qt.FocusReason.OtherFocusReason)
            self._scroll.ensureWidgetVisible(rows[here + step])
        elif here + step < 0:
            self.focus_search()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Down and self._field.hasFocus() and self._results:
            self._results[0].header.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            super().keyPressEvent(event)


def _choice(name: str, values: Sequence[tuple[str, object]], parent: QWidget) -> Choice:
    field = Choice(parent)
    field.setAccessibleName(name)
    for words, value in values:
        field.addItem(words, value)
    return field
