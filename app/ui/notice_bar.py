"""One calm line above the page: what happened, and the one or two things to do about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QTimer
from PySide6.QtGui import QAccessible, QAccessibleEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QWidget

from app.ui import icons, theme

UNDO_MS = 12_000
"""How long an undo is offered."""

Action = tuple[str, Callable[[], None]]


_MOST_WAITING = 3
_MOST_DEEDS = 2
_BESIDE_FROM = 560
"""In a narrower bar the buttons stand below the words."""


@dataclass(frozen=True, slots=True)
class _Notice:
    sentence: str
    actions: Sequence[Action]
    details: Action | None
    about: str
    failed: bool
    ms: int

    @property
    def deeds(self) -> list[Action]:
        return [*([self.details] if self.details else []), *self.actions]

    def is_again(self, other: _Notice) -> bool:
        """Whether it says what `other` said, or what became of it."""
        return self.sentence == other.sentence or bool(self.about and self.about == other.about)


class NoticeBar(QWidget):
    """Hidden until there is something to say. What stays until it is dismissed waits for what came later."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon = QLabel(self)
        self._words = QLabel(self)
        self._words.setWordWrap(True)
        self._words.setTextFormat(self._words.textFormat().PlainText)
        self._words.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        # Made once and before the cross: Tab then meets them in the order in which they stand.
        self._buttons = [QPushButton(self) for _ in range(_MOST_DEEDS)]
        for place, button in enumerate(self._buttons):
            button.hide()
            button.clicked.connect(partial(self._do, place))
        self._close = close = QToolButton(self)
        close.setAutoRaise(True)
        close.setAccessibleName("Dismiss")
        close.setToolTip("Dismiss")
        icons.set_icon(close, "close", "secondary", 16)
        close.clicked.connect(self._next)
        self._deeds = QHBoxLayout()
        self._deeds.setSpacing(theme.SPACE_S)
        for button in self._buttons:
            self._deeds.addWidget(button)
        self._deeds.addStretch(1)
        self._middle = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._middle.setSpacing(theme.SPACE_S)
        self._middle.addWidget(self._words, 1)
        self._middle.addLayout(self._deeds)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(theme.SPACE_L, theme.SPACE_S, theme.SPACE_S, theme.SPACE_S)
        layout.setSpacing(theme.SPACE_S)
        layout.addWidget(self._icon)
        layout.addLayout(self._middle, 1)
        layout.addWidget(close)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._next)
        self._shown: _Notice | None = None
        self._waiting: list[_Notice] = []
        theme.source().changed.connect(self._draw_icon)
        self.hide()

    @property
    def text(self) -> str:
        """The sentence shown."""
        return self._words.text()

    def say(
        self,
        sentence: str,
        actions: Sequence[Action] = (),
        *,
        details: Action | None = None,
        about: str = "",
        failed: bool = True,
        ms: int = 0,
    ) -> None:
        """Show `sentence` with up to two deeds. `ms` 0 keeps it until it is dismissed.

        An action settles the notice; `details`, which only shows more of it, does not. `about` names the
        matter, so that `settle` can take the notice back when it is over.
        """
        notice = _Notice(sentence, tuple(actions), details, about, failed, ms)
        offer = self._shown if self._shown is not None and self._shown.ms else None
        before = self._waiting if offer or self._shown is None else [*self._waiting, self._shown]
        waiting = [old for old in before if not notice.is_again(old)][-_MOST_WAITING:]
        if offer and about and not ms:
            self._waiting = [*waiting, notice]  # it can wait until the offer to undo is over
        else:
            self._waiting = waiting
            self._show(notice)

    def settle(self, about: str) -> None:
        """Take back the notice about this matter, shown or waiting."""
        self._waiting = [notice for notice in self._waiting if notice.about != about]
        if self._shown is not None and self._shown.about == about:
            self._next()

    def _next(self) -> None:
        self._timer.stop()
        self._shown = None
        if self._waiting:
            self._show(self._waiting.pop())
        else:
            self.hide()

    def _show(self, notice: _Notice) -> None:
        self._shown = notice
        self._draw_icon()
        self._words.setText(notice.sentence)
        for place, button in enumerate(self._buttons):
            offered = place < len(notice.deeds)
            button.setVisible(offered)
            button.setText(notice.deeds[place][0] if offered else "")
        self._words.setAccessibleName(notice.sentence)
        self.setAccessibleName(notice.sentence)
        self._timer.stop()
        if notice.ms:
            self._timer.start(notice.ms)
        self.show()
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))

    def _do(self, place: int) -> None:
        assert self._shown is not None
        deed = self._shown.deeds[place]
        if deed is not self._shown.details:
            self._next()
        deed[1]()

    def _draw_icon(self) -> None:
        failed = self._shown is not None and self._shown.failed
        self._icon.setVisible(failed)
        if failed:
            colour = theme.current().failed
            self._icon.setPixmap(icons.pixmap("warning", colour, 18, self.devicePixelRatioF()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        direction = QBoxLayout.Direction
        beside = self.width() >= _BESIDE_FROM
        self._middle.setDirection(direction.LeftToRight if beside else direction.TopToBottom)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        colours = theme.current()
        painter = QPainter(self)
        painter.fillRect(self.rect(), colours.surface)
        painter.setPen(colours.hairline)
        painter.drawLine(0, self.height() - 1, self.width(), self.height() - 1)
