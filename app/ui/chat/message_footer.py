"""What stands below a finished reply: how it went, and what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from app.domain.conversation import Message, MessageState
from app.ui import icons, theme
from app.ui.chat.quiet_button import SIZE, QuietButton

_STATE_WORDS = {
    MessageState.STOPPED: "Stopped.",
    MessageState.CUT: "Cut: the longest reply or the end of the context was reached.",
}
_FAILURE = "The reply was interrupted."


def status_line(message: Message) -> str:
    """How the reply went, in one line: its state if it did not end by itself, then its speed."""
    parts: list[str] = []
    if (state := _STATE_WORDS.get(message.state)) is not None:
        parts.append(state)
    speed: list[str] = []
    if message.metrics is not None:
        rate, first = message.metrics.tokens_per_second, message.metrics.ttft_s
        if rate is not None:
            speed.append(f"{rate:,.1f} tok/s")
        if first is not None:
            speed.append(f"first token {first:.2f} s")
    if speed:
        parts.append(" · ".join(speed))
    return "  ".join(parts)


class MessageFooter(QWidget):
    """The status line and the actions. Its height is the same whether the actions show or not."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._status = QLabel(self)
        self._status.setFont(theme.tabular_font())
        self.copy_button = QuietButton("copy", "Copy reply", self)
        self.regenerate_button = QuietButton("regenerate", "Regenerate reply", self)

    def show_message(self, message: Message) -> None:
        """Tell how `message` went."""
        self._tint()
        line = status_line(message)
        self._status.setText(line)
        self._status.setAccessibleName(line)
        self.copy_button.settle()
        broken_off_at_once = message.state is MessageState.INTERRUPTED and not message.text
        self.setVisible(message.state is not MessageState.STREAMING and not broken_off_at_once)

    @property
    def status(self) -> str:
        """The words it shows."""
        return self._status.text()

    def set_revealed(self, revealed: bool) -> None:
        """Show or hide the actions, in their place."""
        self.copy_button.set_revealed(revealed)
        self.regenerate_button.set_revealed(revealed)

    def height_for(self, width: int) -> int:
        """Arrange in `width` pixels; the actions follow the words."""
        actions = 2 * SIZE + theme.SPACE_XS
        words = min(self._status.sizeHint().width(), width - actions - theme.SPACE_M)
        self._status.setGeometry(0, 0, max(0, words), SIZE)
        # Without words the icon, not its hover wash, lines up with the text above.
        x = words + theme.SPACE_M if words > 0 else -theme.SPACE_XS - 1
        self.copy_button.move(x, 0)
        self.regenerate_button.move(x + SIZE + theme.SPACE_XS, 0)
        return SIZE

    def _tint(self) -> None:
        palette = self._status.palette()
        palette.setColor(self._status.foregroundRole(), theme.current().secondary)
        self._status.setPalette(palette)


class FailureNotice(QWidget):
    """Why a reply broke off, and the two ways on."""

    restart_requested = Signal()
    log_requested = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._words = QLabel(self)
        self._words.setWordWrap(True)
        self._words.setFont(theme.body_font())
        self.restart_button = QPushButton("Restart and try again", self)
        self.log_button = QPushButton("Show log", self)
        for button in (self.restart_button, self.log_button):
            button.setAutoDefault(False)
        self.restart_button.clicked.connect(self.restart_requested)
        self.log_button.clicked.connect(self.log_requested)

    def show_error(self, error: str | None) -> None:
        """Say `error`, a sentence."""
        self._words.setText(error or _FAILURE)
        self._words.setTextFormat(self._words.textFormat().PlainText)

    @property
    def words(self) -> str:
        """The sentence it shows."""
        return self._words.text()

    def height_for(self, width: int) -> int:
        """Arrange in `width` pixels."""
        left = 18 + theme.SPACE_S
        height = max(20, self._words.heightForWidth(width - left))
        self._words.setGeometry(left, 0, width - left, height)
        y = height + theme.SPACE_S
        x = left
        tallest = 0
        for button in (self.restart_button, self.log_button):
            size = button.sizeHint()
            button.setGeometry(x, y, size.width(), size.height())
            x += size.width() + theme.SPACE_S
            tallest = max(tallest, size.height())
        return y + tallest + theme.SPACE_XS

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        painter = QPainter(self)
        ratio = self.devicePixelRatioF()
        painter.drawPixmap(0, 1, icons.pixmap("warning", theme.current().failed, 18, ratio))
