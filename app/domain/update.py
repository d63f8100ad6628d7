"""The file beside each release that announces it, release.json.

It comes from the network, so nothing in it is believed: it becomes numbers, dates and plain text of bounded
length, and an address that lies under the one this copy was built with.
"""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import date

from app.domain.announcement import ARCHITECTURES, KINDS, SYSTEMS, Announcement, ReleaseFile

MOST_BYTES = 256 * 1024
"""Of the file. One with some twenty files and its notes has some 8 kB."""
MOST_FILES = 200
MOST_NOTE_LINES = 12
LONGEST_NOTE_LINE = 300

_VERSION = re.compile(r"(\d{1,6})\.(\d{1,6})\.(\d{1,6})(?:\.?(dev|a|b|rc)(\d{1,6}))?", re.ASCII)
_STAGES = ("dev", "a", "b", "rc")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,199}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_BELOW = re.compile(r"(?:/[A-Za-z0-9._~+-]{1,100}){0,8}/?(?:#[A-Za-z0-9._~-]{1,100})?")
"""What of an address may follow the releases' own."""
_LARGEST = 1 << 40
_SEEN = frozenset({"Zs", "Cc"})
_UNSEEN = frozenset({"Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def is_newer(version: str, than: str) -> bool:
    """Whether `version` comes after `than`. Raises ValueError where one of them is no version."""
    return _rank(version) > _rank(than)


def read_announcement(body: bytes, home: str) -> Announcement:
    """What the file announces whose page lies under `home`. Raises ValueError where it is not such a file."""
    if len(body) > MOST_BYTES:
        raise ValueError(f"over {MOST_BYTES} bytes")
    try:
        said = json.loads(body)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(said, dict):
        raise ValueError("no JSON object")
    version, day = _text(said, "version", 40), _text(said, "date", 10)
    _rank(version)
    files = said.get("files", [])
    if not isinstance(files, list) or len(files) > MOST_FILES:
        raise ValueError("files")
    return Announcement(
        version,
        date.fromisoformat(day),
        _plain(said.get("notes", "")),
        _page(said, home),
        tuple(found for found in map(_file, files) if found is not None),
    )


def _rank(version: str) -> tuple[int, ...]:
    """What versions are ordered by: what comes before a release (0.2.0rc1) is older than it."""
    match = _VERSION.fullmatch(version)
    if match is None:
        raise ValueError(f"version {version[:40]!r}")
    stage = len(_STAGES) if match[4] is None else _STAGES.index(match[4])
    return (*(int(match[place]) for place in (1, 2, 3)), stage, int(match[5] or 0))


def _text(said: dict[str, object], name: str, most: int) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= most:
        raise ValueError(name)
    return value


def _page(said: dict[str, object], home: str) -> str:
    page = _text(said, "page", 2048)
    below = page.removeprefix(home) if page.startswith(home) else None
    if below is None or not _BELOW.fullmatch(below) or {".", ".."} & set(below.partition("#")[0].split("/")):
        raise ValueError("the page does not lie under the releases’ own")
    return page


def _file(said: object) -> ReleaseFile | None:
    """One of the files; None for one of a kind that is not known here, as a newer release may have."""
    if not isinstance(said, dict):
        raise ValueError("a file")
    system, architecture, kind = (_text(said, key, 40) for key in ("system", "architecture", "kind"))
    name, sha256, length = _text(said, "name", 200), _text(said, "sha256", 64), said.get("size")
    if not _NAME.fullmatch(name) or not _SHA256.fullmatch(sha256):
        raise ValueError("a file’s name or hash")
    if not isinstance(length, int) or isinstance(length, bool) or not 0 < length <= _LARGEST:
        raise ValueError("a file’s size")
    if system not in SYSTEMS or architecture not in ARCHITECTURES or kind not in KINDS:
        return None
    return ReleaseFile(name, system, architecture, kind, sha256, length)


def _plain(notes: object) -> str:
    """Lines of plain text: cut, and without what cannot be seen or turns the direction of text around."""
    if not isinstance(notes, str):
        raise ValueError("notes")
    looked_at = notes[: 4 * MOST_NOTE_LINES * LONGEST_NOTE_LINE]
    lines = [line for line in map(_line, re.split(r"\r\n|[\n\r\u2028\u2029]", looked_at)) if line]
    return "\n".join([*lines[:MOST_NOTE_LINES], *(["…"] if len(lines) > MOST_NOTE_LINES else [])])


def _line(text: str) -> str:
    kept = [
        " " if unicodedata.category(character) in _SEEN else character
        for character in text
        if unicodedata.category(character) not in _UNSEEN
    ]
    line = " ".join("".join(kept).split())
    return line if len(line) <= LONGEST_NOTE_LINE else line[: LONGEST_NOTE_LINE - 1].rstrip() + "…"
