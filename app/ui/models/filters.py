"""What of the catalog a person wants to see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QCheckBox, QHBoxLayout, QLineEdit, QWidget

from app.domain.catalog import Purpose
from app.ui import theme
from app.ui.choice import Choice

_ONE_ROW_FROM = 860
_LEAST_SEARCH = 180

_SIZES = (
    ("Any size", None),
    ("Up to 2B", 2_000_000_000),
    ("Up to 5B", 5_000_000_000),
    ("Up to 10B", 10_000_000_000),
    ("Up to 35B", 35_000_000_000),
)
"""By parameters: what a person compares models by."""

_PURPOSES = (
    ("Any purpose", None),
    ("Chat", Purpose.CHAT),
    ("Code", Purpose.CODE),
    ("Reasoning", Purpose.REASONING),
    ("Vision", Purpose.VISION),
    ("Many languages", Purpose.MULTILINGUAL),
)


@dataclass(frozen=True, slots=True)
class Filter:
    """Nothing set means everything. `largest` is a count of parameters."""

    words: str = ""
    fits: bool = False
    largest: int | None = None
    purpose: Purpose | None = None
    licence: str | None = None


class FilterBar(QWidget):
    """Every change takes effect at once."""

    changed = Signal(object)
    """A `Filter`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words = QLineEdit(self)
        self._words.setPlaceholderText("Filter by name, maker or language…")
        self._words.setAccessibleName("Filter the catalog")
        self._words.setClearButtonEnabled(True)
        self._words.setMinimumWidth(_LEAST_SEARCH)
        self._words.textChanged.connect(self._tell)
        self._fits = QCheckBox("Fits this machine", self)
        self._fits.toggled.connect(self._tell)
        self._size = _choice("Size", self)
        for label, largest in _SIZES:
            self._size.addItem(label, largest)
        self._purpose = _choice("Purpose", self)
        for label, purpose in _PURPOSES:
            self._purpose.addItem(label, purpose)
        self._licence = _choice("Licence", self)
        self._licence.addItem("Any licence", None)
        for box in (self._size, self._purpose, self._licence):
            box.currentIndexChanged.connect(self._tell)
        first = QHBoxLayout()
        first.setSpacing(theme.SPACE_M)
        first.addWidget(self._words, 1)
        first.addWidget(self._fits)
        second = QHBoxLayout()
        second.setSpacing(theme.SPACE_S)
        for box in (self._size, self._purpose, self._licence):
            second.addWidget(box)
        self._rows = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(theme.SPACE_M)
        self._rows.addLayout(first, 1)
        self._rows.addLayout(second)

    @property
    def filter(self) -> Filter:
        """What is set now."""
        return Filter(
            words=self._words.text().strip(),
            fits=self._fits.isChecked(),
            largest=self._size.currentData(),
            purpose=self._purpose.currentData(),
            licence=self._licence.currentData(),
        )

    def set_licences(self, licences: Iterable[str]) -> None:
        """The licences there are to choose from."""
        chosen = self._licence.currentData()
        self._licence.blockSignals(True)
        self._licence.clear()
        self._licence.addItem("Any licence", None)
        for licence in sorted(set(licences), key=str.casefold):
            self._licence.addItem(licence, licence)
        self._licence.setCurrentIndex(max(0, self._licence.findData(chosen)))
        self._licence.blockSignals(False)

    def clear(self) -> None:
        """Show everything again."""
        before = self.filter
        self.blockSignals(True)
        self._words.clear()
        self._fits.setChecked(False)
        for box in (self._size, self._purpose, self._licence):
            box.setCurrentIndex(0)
        self.blockSignals(False)
        if before != self.filter:
            self._tell()

    def focus_words(self) -> None:
        """Put the cursor into the field for words."""
        self._words.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._words.selectAll()

    def _tell(self) -> None:
        self.changed.emit(self.filter)

    def minimumSizeHint(self) -> QSize:
        # Of the two rows it can be, not of the one it may be now: else it could not become narrower.
        boxes = sum(box.minimumSizeHint().width() for box in (self._size, self._purpose, self._licence))
        return QSize(boxes + 2 * theme.SPACE_S, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        direction = QBoxLayout.Direction
        self._rows.setDirection(
            direction.LeftToRight if self.width() >= _ONE_ROW_FROM else direction.TopToBottom
        )


def _choice(name: str, parent: QWidget) -> Choice:
    box = Choice(parent)
    box.setAccessibleName(name)
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    box.setSizeAdjustPolicy(Choice.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(11)
    return box
