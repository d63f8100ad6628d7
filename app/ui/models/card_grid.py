"""Cards in as many columns as there is room for, walked with the arrow keys."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QStyle, QWidget

from app.ui import theme
from app.ui.models.card import LEAST_WIDTH, Card, CardContent

MOST_COLUMNS = 4
_GAP = theme.SPACE_M


class CardGrid(QWidget):
    """One Tab stop: arrows, Home and End move between the cards."""

    opened = Signal(object)
    """The `CatalogModel` whose card was clicked."""
    focused = Signal(object)
    """The `Card` that has the keyboard now, to be scrolled to."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cards: list[Card] = []
        self._by_id: dict[str, Card] = {}
        self._current = 0
        self.setAccessibleName("Models")

    @property
    def cards(self) -> list[Card]:
        """In the order in which they stand."""
        return self._cards

    @property
    def columns(self) -> int:
        """Beside each other now."""
        return max(1, min(MOST_COLUMNS, (self.width() + _GAP) // (LEAST_WIDTH + _GAP)))

    def set_contents(self, contents: Sequence[CardContent]) -> None:
        """Show these, in this order. The card that has the keyboard keeps it if it stays."""
        focused = next((card for card in self._cards if card.hasFocus()), None)
        current = self._cards[self._current] if self._cards else None
        shown = {content.model.id for content in contents}
        for model_id, card in self._by_id.items():
            card.setVisible(model_id in shown)
        self._cards = [self._card(content) for content in contents]
        self._current = self._cards.index(current) if current in self._cards else 0
        if focused is not None and focused not in self._cards and self._cards:
            self._cards[0].setFocus(Qt.FocusReason.OtherFocusReason)
        self._mark()
        self._place()

    def focus_current(self) -> None:
        """Give the keyboard to the card that had it last."""
        if self._cards:
            self._cards[self._current].setFocus(Qt.FocusReason.OtherFocusReason)

    def _card(self, content: CardContent) -> Card:
        card = self._by_id.get(content.model.id)
        if card is None:
            card = self._by_id[content.model.id] = Card(content, self)
            card.clicked.connect(lambda _=False, it=card: self.opened.emit(it.content.model))
            card.installEventFilter(self)
            card.show()
        else:
            card.set_content(content)
        return card

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FocusIn and watched in self._cards:
            self._current = self._cards.index(watched)
            self._mark()
            self.focused.emit(watched)
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        ahead = -1 if self.layoutDirection() is Qt.LayoutDirection.RightToLeft else 1
        steps = {
            Qt.Key.Key_Right: ahead,
            Qt.Key.Key_Left: -ahead,
            Qt.Key.Key_Down: self.columns,
            Qt.Key.Key_Up: -self.columns,
            Qt.Key.Key_Home: -len(self._cards),
            Qt.Key.Key_End: len(self._cards),
        }
        step = steps.get(Qt.Key(event.key()))
        if step is None or not self._cards:
            super().keyPressEvent(event)
            return
        wanted = self._current + step
        if abs(step) < len(self._cards) and not 0 <= wanted < len(self._cards):
            return
        wanted = max(0, min(len(self._cards) - 1, wanted))
        self._cards[wanted].setFocus(Qt.FocusReason.TabFocusReason)

    def _mark(self) -> None:
        for number, card in enumerate(self._cards):
            mine = number == self._current
            card.setFocusPolicy(Qt.FocusPolicy.StrongFocus if mine else Qt.FocusPolicy.ClickFocus)

    # Placing

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        columns = max(1, min(MOST_COLUMNS, (width + _GAP) // (LEAST_WIDTH + _GAP)))
        rows = -(-len(self._cards) // columns)
        return max(0, rows * (self._height() + _GAP) - _GAP)

    def sizeHint(self) -> QSize:
        return QSize(LEAST_WIDTH, self.heightForWidth(max(self.width(), LEAST_WIDTH)))

    def minimumSizeHint(self) -> QSize:
        return QSize(LEAST_WIDTH, 0)

    def _height(self) -> int:
        return self._cards[0].sizeHint().height() if self._cards else 0

    def _place(self) -> None:
        columns, height = self.columns, self._height()
        width = (self.width() - (columns - 1) * _GAP) // columns
        for number, card in enumerate(self._cards):
            row, column = divmod(number, columns)
            where = QRect(column * (width + _GAP), row * (height + _GAP), width, height)
            card.setGeometry(QStyle.visualRect(self.layoutDirection(), self.rect(), where))
        self.setMinimumHeight(self.heightForWidth(self.width()))
        self.updateGeometry()
