"""The rows of a transcript: messages in order, how high each is, and replies being written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.domain.conversation import Message, MessageState
from app.domain.generation import Role
from app.ui.chat.reply import LiveReply
from app.ui.chat.row_heights import RowHeights

_LINE = 21
_GLYPH = 7.4
"""Average width of a letter in body text, good enough to guess a height with."""

_BREAKS = 1.15
"""Lines that end before the edge and air between paragraphs make a text this much longer."""

_REPLY_EXTRA = 21 + 28 + 4 + 24
_PERSON_EXTRA = 21 + 20 + 24


class TranscriptModel:
    """Knows every message; heights are guessed until a widget has measured them."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._complete = True
        self.heights = RowHeights()
        self._live: dict[int, LiveReply] = {}
        self._thoughts_open: set[int] = set()

    def set_messages(self, messages: Iterable[Message], width: int) -> None:
        """Another conversation, in a column of `width`."""
        self.messages = list(messages)
        self._complete = not self.messages or self.messages[0].parent_id is None
        self._live, self._thoughts_open = {}, set()
        self.guess_heights(width)

    def prepend(self, messages: Sequence[Message], width: int) -> None:
        """All the messages before the first one."""
        self.messages[:0] = messages
        self._complete = True
        self.heights = RowHeights([*_guess(messages, width), *self.heights])

    def append(self, message: Message, width: int) -> None:
        """One more message at the end."""
        self.messages.append(message)
        self.heights.append(_guess([message], width)[0])

    def replace(self, message: Message) -> bool:
        """Put `message` in the place of the one with its id. True if its text is what was there already."""
        row = self.row_of(message.id)
        if row is None:
            return False
        live = self._live.get(message.id)
        same_text = (live.text if live else self.messages[row].text) == message.text
        self.messages[row] = message
        if live is not None and (message.state is not MessageState.STREAMING or not same_text):
            del self._live[message.id]
        return same_text

    def guess_heights(self, width: int) -> None:
        """Forget what was measured; the column is `width` now."""
        self.heights = RowHeights(_guess(self.messages, width))

    def row_of(self, message_id: int) -> int | None:
        """The row of a message, None if it is not in this conversation.

        Searched from the end, where what changes is, so that no index has to be made to open it.
        """
        for row in range(len(self.messages) - 1, -1, -1):
            if self.messages[row].id == message_id:
                return row
        return None

    def live(self, message_id: int) -> LiveReply | None:
        """What has come of a message that is being written."""
        return self._live.get(message_id)

    def begin_live(self, row: int) -> LiveReply:
        """The growing text of the message in `row`, which begins with what it has already."""
        message = self.messages[row]
        return self._live.setdefault(message.id, LiveReply(message))

    def text_of(self, message_id: int) -> str:
        """The text of a message, with what has come so far of one being written."""
        if (live := self._live.get(message_id)) is not None:
            return live.text
        row = self.row_of(message_id)
        return "" if row is None else self.messages[row].text

    def thought_open(self, message_id: int) -> bool:
        """Whether the thought of a message is unfolded."""
        return message_id in self._thoughts_open

    def open_thought(self, message_id: int, opened: bool) -> None:
        """Unfold the thought of a message, or fold it away."""
        (self._thoughts_open.add if opened else self._thoughts_open.discard)(message_id)

    def context_row(self, left_out: int) -> int | None:
        """The first row still in the context when `left_out` messages (no system prompt) are not.

        They are counted from the first message: until that is here, nothing can be said.
        """
        if left_out <= 0 or not self._complete:
            return None
        head = 1 if self.messages and self.messages[0].role is Role.SYSTEM else 0
        row = head + left_out
        return row if row < len(self.messages) else None


def _guess(messages: Sequence[Message], width: int) -> list[int]:
    """How high `messages` may be, from their lengths alone: thousands are guessed to open a conversation."""
    reply = _LINE * _BREAKS * _GLYPH / width
    person = _LINE * _BREAKS * _GLYPH / (width * 0.8 - 32)
    return [
        int(_PERSON_EXTRA + person * len(message.text))
        if message.role is Role.USER
        else int(_REPLY_EXTRA + reply * len(message.text))
        for message in messages
    ]
