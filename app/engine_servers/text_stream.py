"""Tokens to text, piece by piece: a character that spans tokens comes whole, a stop word never half."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

_UNFINISHED = "\ufffd"
"""What a decoder puts for bytes that are no character, or not yet."""
_LONGEST_CHARACTER = 4
"""Bytes of UTF-8: as many tokens that still end unfinished hold no character at all."""


class Decoder(Protocol):
    """A tokenizer, as far as it is needed here."""

    def decode(self, token_ids: Sequence[int], *, skip_special_tokens: bool) -> str:
        """The text of these tokens."""
        ...


class TextStream:
    """Feeds on tokens, gives text. `stopped` once a stop word has come; the word itself is not given.

    A token's text depends on those before it (a space, a byte of a character), so the tokens of the last
    piece are decoded with the new ones; decoding all from the start each time would make long replies
    quadratic.
    """

    def __init__(self, decoder: Decoder, stop: Sequence[str] = ()) -> None:
        self._decoder = decoder
        self._stop = [word for word in stop if word]
        self._before: list[int] = []
        self._pending: list[int] = []
        self._shown = 0  # characters of the pending tokens that were given already
        self._waited = 0  # tokens since a character became whole
        self._held = ""
        self.stopped = False

    def feed(self, tokens: Sequence[int]) -> str:
        """The text that is certain now."""
        pieces = []
        for token in tokens:
            if self.stopped:
                break
            self._pending.append(token)
            pieces.append(self._past_stop_words(self._new_text(final=False)))
        return "".join(pieces)

    def finish(self) -> str:
        """What was held back and turned out to be no stop word, or no character."""
        if self.stopped:
            return ""
        rest = self._past_stop_words(self._new_text(final=True))
        held, self._held = self._held, ""
        return rest + held

    def _new_text(self, *, final: bool) -> str:
        text = self._decode(self._before + self._pending)[len(self._decode(self._before)) :]
        whole = text.rstrip(_UNFINISHED)
        self._waited = self._waited + 1 if len(whole) <= self._shown else 1
        if whole != text and self._waited < _LONGEST_CHARACTER and not final:
            new, self._shown = whole[self._shown :], max(self._shown, len(whole))
            return new
        new = text[self._shown :]
        self._before, self._pending, self._shown, self._waited = self._pending, [], 0, 0
        return new

    def _decode(self, tokens: Sequence[int]) -> str:
        return self._decoder.decode(tokens, skip_special_tokens=True) if tokens else ""

    def _past_stop_words(self, text: str) -> str:
        text = self._held + text
        places = [at for word in self._stop if (at := text.find(word)) >= 0]
        if places:
            self.stopped, self._held = True, ""
            return text[: min(places)]
        beginnings = (word[:n] for word in self._stop for n in range(1, len(word)))
        begun = max((len(part) for part in beginnings if text.endswith(part)), default=0)
        self._held = text[len(text) - begun :]
        return text[: len(text) - begun]
