"""Server-sent events, as the OpenAI API streams them (WHATWG HTML, section 9.2).

Bytes arrive cut anywhere, also inside a character; a line is decoded only once it is whole. Only `data`
fields matter here; comments (servers send them as keep-alive) and other fields are skipped.
"""

from __future__ import annotations

from collections.abc import Iterator

MAX_EVENT_BYTES = 8 * 1024 * 1024
"""No engine sends more in one event; a hostile one shall not fill the memory."""


class EventTooLong(ValueError):
    """One event exceeds `MAX_EVENT_BYTES`."""


class SseDecoder:
    """Turns chunks of bytes into the data of whole events."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[str]:
        """Yield the data of every event that `chunk` completes. Raises EventTooLong."""
        if self._is_one_event(chunk):
            yield chunk[6:-2].decode("utf-8", errors="replace")
            return
        lines = (self._rest + chunk).split(b"\n")
        self._rest = lines.pop()
        for raw in lines:
            line = raw.removesuffix(b"\r")
            if line.startswith(b"data:"):
                value = line[5:].removeprefix(b" ")
                self._size += len(value) + 8  # its place in the list; empty lines take memory too
                self._data.append(value)
            elif not line and self._data:
                yield b"\n".join(self._data).decode("utf-8", errors="replace")
                self._data, self._size = [], 0
        if len(self._rest) + self._size > MAX_EVENT_BYTES:
            raise EventTooLong

    def _is_one_event(self, chunk: bytes) -> bool:
        """Whether `chunk` is a whole event of one line and nothing else, as most are: the quick way."""
        return (
            not self._rest
            and not self._data
            and chunk.startswith(b"data: ")
            and chunk.find(b"\n") == len(chunk) - 2
            and chunk.endswith(b"\n\n")
            and not chunk.endswith(b"\r\n\n")
        )
