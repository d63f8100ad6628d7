"""The servers that a person attached, in a small JSON file. Their keys are not in it (`storage.secrets`)."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.domain.attached import UNSEEN, AttachedServer, ServerFacts, ServerKind, ServerModel
from app.domain.errors import AddressError, StorageError
from app.domain.server_address import ServerAddress
from app.storage.damaged import set_aside
from app.storage.json_file import write_json

MOST_BYTES = 4 * 1024 * 1024
MOST_SERVERS = 1000
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class _Content:
    next_number: int = 1
    servers: tuple[AttachedServer, ...] = ()


class AttachedServerList:
    """The list in the file at `path`, in the order in which they were attached. Any thread may call.

    It is read again whenever another process wrote it; of two that write at once, the later one wins.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._content = _Content()
        self._stamp: tuple[int, ...] | None = None

    def all(self) -> tuple[AttachedServer, ...]:
        """All of them. Never fails: what cannot be read is left out. Quick while nobody changes the file."""
        with self._lock:
            return self._read().servers

    def add(self, make: Callable[[int], AttachedServer]) -> AttachedServer:
        """Add what `make` makes of a number that no server ever had. Raises `DiskFull` or `StorageError`."""
        with self._lock:
            content = self._read()
            server = make(content.next_number)
            self._write(_Content(content.next_number + 1, (*content.servers, server)))
        return server

    def change(self, number: int, **changes: Any) -> None:
        """Replace fields of a server; nothing if it is gone. Raises `DiskFull` or `StorageError`."""
        with self._lock:
            content = self._read()
            servers = tuple(
                replace(server, **changes) if server.number == number else server
                for server in content.servers
            )
            self._write(_Content(content.next_number, servers))

    def remove(self, number: int) -> None:
        """Forget a server. Raises `DiskFull` or `StorageError`."""
        with self._lock:
            content = self._read()
            kept = tuple(server for server in content.servers if server.number != number)
            self._write(_Content(content.next_number, kept))

    def _read(self) -> _Content:
        stamp = _stamp(self._path)
        if stamp != self._stamp:
            self._content = _load(self._path)
            self._stamp = stamp
        return self._content

    def _write(self, content: _Content) -> None:
        write_json(
            self._path,
            {"next": content.next_number, "servers": [_to_record(server) for server in content.servers]},
        )
        self._content = content
        self._stamp = _stamp(self._path)


def _stamp(path: Path) -> tuple[int, ...] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _load(path: Path) -> _Content:
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
        values = json.loads(raw) if len(raw) <= MOST_BYTES else None
    except FileNotFoundError:
        return _Content()
    except (OSError, ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        with suppress(StorageError):  # a person may have written it: it is not overwritten
            set_aside(path)
        return _Content()
    records = values.get("servers")
    servers: dict[int, AttachedServer] = {}
    for record in records[:MOST_SERVERS] if isinstance(records, list) else []:
        with suppress(ValueError, AddressError):
            server = _from_record(record)
            servers.setdefault(server.number, server)
    highest = max(servers, default=0)
    return _Content(max(_number(values.get("next"), 1), highest + 1), tuple(servers.values()))


def _to_record(server: AttachedServer) -> dict[str, object]:
    facts = server.facts
    return {
        "number": server.number,
        "name": server.name,
        "url": server.address.url,
        "ca_file": str(server.ca_file) if server.ca_file is not None else None,
        "has_key": server.has_key,
        "kind": facts.kind.name,
        "version": facts.version,
        "models": [{"name": model.name, "context_length": model.context_length} for model in facts.models],
    }


def _from_record(record: object) -> AttachedServer:
    """Raises ValueError, or AddressError for an address that is none."""
    if not isinstance(record, dict):
        raise ValueError(record)
    name, url, ca_file = record.get("name"), record.get("url"), record.get("ca_file")
    number = _number(record.get("number"), 0)
    if number < 1 or not isinstance(name, str) or not isinstance(url, str):
        raise ValueError(number)
    return AttachedServer(
        number=number,
        name=name[:LONGEST_NAME],
        address=ServerAddress.parse(url),
        ca_file=Path(ca_file) if isinstance(ca_file, str) and "\0" not in ca_file else None,
        has_key=record.get("has_key") is True,
        facts=_facts(record),
    )


def _facts(record: dict[str, Any]) -> ServerFacts:
    kind, version, models = record.get("kind"), record.get("version"), record.get("models")
    if not isinstance(kind, str) or kind not in ServerKind.__members__ or not isinstance(models, list):
        return UNSEEN
    return ServerFacts(
        ServerKind[kind],
        tuple(
            ServerModel(model["name"], _number(model.get("context_length"), 0) or None)
            for model in models
            if isinstance(model, dict) and isinstance(model.get("name"), str)
        ),
        version if isinstance(version, str) else "",
    )


def _number(value: object, otherwise: int) -> int:
    good = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 53
    return int(value) if good else otherwise  # type: ignore[call-overload]
