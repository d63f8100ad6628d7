"""A reply that is being written: what has come of it so far."""

from __future__ import annotations

from app.domain.conversation import Message
from app.domain.markdown_blocks import MarkdownStream


class LiveReply:
    """The growing text and reasoning of one message."""

    def __init__(self, message: Message) -> None:
        self.markdown = MarkdownStream()
        self.markdown.feed(message.text)
        self._pieces = [message.text]
        self._reasoning = [message.reasoning]
        self.empty = not message.text

    def feed(self, piece: str) -> None:
        """More of the reply."""
        if piece:
            self._pieces.append(piece)
            self.markdown.feed(piece)
            self.empty = False

    def feed_reasoning(self, piece: str) -> None:
        """More of what the model thinks before it replies."""
        self._reasoning.append(piece)

    @property
    def text(self) -> str:
        """Everything so far."""
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0]

    @property
    def reasoning(self) -> str:
        """Everything thought so far."""
        if len(self._reasoning) > 1:
            self._reasoning = ["".join(self._reasoning)]
        return self._reasoning[0]
