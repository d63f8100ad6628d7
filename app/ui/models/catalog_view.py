"""The catalog: this machine on top, filters, and a card for each model, the most suitable first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.advisor.ladder import Level, Verdict
from app.domain.catalog import CatalogModel
from app.ui import theme
from app.ui.models.card import Card, CardContent, Presence
from app.ui.models.card_grid import CardGrid
from app.ui.models.filters import Filter, FilterBar
from app.ui.models.machine_card import MachineCard

_RANK = {Level.WELL: 0, Level.READABLE: 1, Level.SLOW: 2, Level.TIGHT: 2, Level.TOO_BIG: 3}

Matching = Callable[[Sequence[CatalogModel], Filter], Sequence[CatalogModel]]
"""Those models that a filter (its `fits` apart) lets through."""


def by_suitability(models: Sequence[CatalogModel], verdicts: Mapping[str, Verdict]) -> list[CatalogModel]:
    """What suits this machine first.

    Of the models that run well, and then of those that are readable, the largest leads, since it is the most
    capable; of the slow and tight ones the quickest and of those that are too big the smallest, since they
    are nearest to what is wanted. Without verdicts the order stays as it is.
    """

    def key(model: CatalogModel) -> tuple[int, float]:
        verdict = verdicts.get(model.id)
        if verdict is None:
            return max(_RANK.values()) + 1, 0.0
        within = {
            Level.WELL: -float(model.parameters),
            Level.READABLE: -float(model.parameters),
            Level.SLOW: -(verdict.speed or 0.0),
            Level.TIGHT: -(verdict.speed or 0.0),
            Level.TOO_BIG: float(model.parameters),
        }
        return _RANK[verdict.level], within[verdict.level]

    return sorted(models, key=key)


class CatalogView(QScrollArea):
    """Pure view: what it shows is set, what a person does is told."""

    opened = Signal(object)
    """A `CatalogModel`, whose ladder is wanted."""
    search_wanted = Signal(str)
    """The words that the catalog has nothing for, to be searched for on the hub."""

    def __init__(self, matching: Matching, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._matching = matching
        self._models: Sequence[CatalogModel] = ()
        self._verdicts: Mapping[str, Verdict] = {}
        self._presence: Mapping[str, Presence] = {}
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inside = QWidget(self)
        self.machine = MachineCard(inside)
        self.filters = FilterBar(inside)
        self.filters.changed.connect(self._fill)
        self.grid = CardGrid(inside)
        self.grid.opened.connect(self.opened)
        self.grid.focused.connect(self._reveal)
        self._nothing = QLabel(inside)
        self._nothing.setWordWrap(True)
        self._nothing.setTextFormat(Qt.TextFormat.PlainText)
        self._nothing.setForegroundRole(self._nothing.foregroundRole().PlaceholderText)
        self._clear = QPushButton("Show all models", inside)
        self._clear.clicked.connect(self._show_all)
        self._search = QPushButton(inside)
        self._search.clicked.connect(lambda: self.search_wanted.emit(self.filters.filter.words))
        layout = QVBoxLayout(inside)
        layout.setContentsMargins(theme.SPACE_XL, theme.SPACE_M, theme.SPACE_XL, theme.SPACE_XL)
        layout.setSpacing(theme.SPACE_M)
        layout.addWidget(self.machine)
        layout.addSpacing(theme.SPACE_XS)
        layout.addWidget(self.filters)
        layout.addWidget(self._nothing)
        layout.addWidget(self._clear, 0, Qt.AlignmentFlag.AlignLeading)
        layout.addWidget(self._search, 0, Qt.AlignmentFlag.AlignLeading)
        layout.addWidget(self.grid)
        layout.addStretch(1)
        self.setWidget(inside)
        self._fill()

    def set_models(self, models: Sequence[CatalogModel]) -> None:
        """All of the catalog."""
        self._models = models
        self.filters.set_licences(model.licence for model in models)
        self._fill()

    def set_verdicts(self, verdicts: Mapping[str, Verdict]) -> None:
        """What this machine makes of each, by `CatalogModel.id`."""
        self._verdicts = verdicts
        self._fill()

    def set_presence(self, presence: Mapping[str, Presence]) -> None:
        """Which are here or on their way, by `CatalogModel.id`."""
        if presence != self._presence:
            self._presence = presence
            self._fill()

    def focus_card(self) -> None:
        """Give the keyboard back to the card it was on."""
        self.grid.focus_current()

    def _fill(self) -> None:
        wanted = self.filters.filter
        models = self._matching(self._models, wanted)
        if wanted.fits:
            models = [model for model in models if self._fits(model)]
        contents = [
            CardContent(model, self._verdicts.get(model.id), self._presence.get(model.id, Presence.NONE))
            for model in by_suitability(models, self._verdicts)
        ]
        self.grid.set_contents(contents)
        nothing = bool(self._models) and not contents
        self._nothing.setVisible(nothing)
        self._clear.setVisible(nothing)
        self._search.setVisible(nothing and bool(wanted.words))
        self.grid.setVisible(not nothing)
        if nothing:
            self._nothing.setText(_taught(wanted))
            self._search.setText(f"Search the hub for “{wanted.words[:40]}”".replace("&", "&&"))

    def _fits(self, model: CatalogModel) -> bool:
        verdict = self._verdicts.get(model.id)
        return verdict is not None and verdict.level is not Level.TOO_BIG

    def _show_all(self) -> None:
        self.filters.clear()
        self.filters.focus_words()

    def _reveal(self, card: Card) -> None:
        self.ensureWidgetVisible(card, 0, theme.SPACE_M)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.filters.filter != Filter():
            self.filters.clear()
        else:
            super().keyPressEvent(event)


def _taught(wanted: Filter) -> str:
    if wanted.words:
        filtered = " with these filters" if wanted != Filter(words=wanted.words) else ""
        return (
            f"The catalog has no model for “{wanted.words}”{filtered}. It is a short list of models "
            "that are known to run; the hub has many more."
        )
    return "No model of the catalog passes these filters. Take one of them away."
