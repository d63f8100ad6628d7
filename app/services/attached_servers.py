"""The servers that a person attached: stored, asked, and given to the manager as engines.

No Qt here: the command line uses it too. What asks a server blocks; the window calls it from `Background`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.domain.attached import UNSEEN, AttachedServer, ServerFacts
from app.domain.errors import EdgewiseError, ModelNotServed, StorageError
from app.domain.generation import Cancellation
from app.domain.server_address import ServerAddress
from app.storage.attached_servers import LONGEST_NAME, AttachedServerList
from app.storage.paths import Paths
from app.storage.secrets import ServerKeys, TokenPlace

if TYPE_CHECKING:  # what asks a server is imported once one is asked
    from app.engines.attached import AttachedServerEngine

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A server as a person describes it. An empty `name` leaves it to the server, an empty `key` sends
    none."""

    address: ServerAddress
    key: str = ""
    name: str = ""
    ca_file: Path | None = None

    def __repr__(self) -> str:
        return f"Wanted({self.address.url!r}, name={self.name!r}, ca_file={self.ca_file!r})"


@dataclass(frozen=True, slots=True)
class Found:
    """What answered. `address` is where its API begins: a path may have been completed."""

    address: ServerAddress
    facts: ServerFacts

    @property
    def suggested_name(self) -> str:
        """What to call it when a person leaves that open."""
        return f"{self.facts.kind} on {self.address.host}"


class AttachedServers:
    """Any thread may call. While `offline` says so, servers on other computers are not asked."""

    def __init__(self, paths: Paths, offline: Callable[[], bool], *, keys: ServerKeys | None = None) -> None:
        self._list = AttachedServerList(paths.attached_servers)
        self._offline = offline
        self._keys = keys or ServerKeys()

    def all(self) -> tuple[AttachedServer, ...]:
        """In the order in which they were attached. The first call reads the disk."""
        return self._list.all()

    def find(self, wanted: str) -> AttachedServer:
        """The server of that id, number or name. Raises ModelNotServed if there is none."""
        plain = wanted.strip().casefold()
        for server in self.all():
            if plain in (server.id, str(server.number), server.name.casefold()):
                return server
        raise ModelNotServed(f"No server called {wanted} is attached. “edgewise engines servers” lists them.")

    def engines(self) -> tuple[AttachedServerEngine, ...]:
        """Each as an engine, for `EngineSupervisor`. The first call reads the disk."""
        return tuple(self._engine(server) for server in self.all())

    def look(self, wanted: Wanted, cancellation: Cancellation | None = None) -> Found:
        """Ask what is there, and keep nothing of it. Blocks; raises what `recognise` raises,
        ServerBlocked."""
        from app.engines import refusals
        from app.engines.address import Address
        from app.engines.recognise import recognise

        where = wanted.address
        who = wanted.name.strip() or where.authority
        if where.remote and self._offline():
            raise refusals.blocked(who)
        address = Address.of(where, api_key=wanted.key.strip(), ca_file=wanted.ca_file, server=who)
        found = recognise(address, cancellation or Cancellation())
        return Found(found.address, found.facts)

    def attach(self, wanted: Wanted, found: Found) -> tuple[AttachedServer, TokenPlace]:
        """Keep a server that `look` has found; says where its key is kept. Blocks for the keyring.

        Raises StorageError (`DiskFull` among them).
        """
        name = self._unused(" ".join(wanted.name.split())[:LONGEST_NAME] or found.suggested_name)
        key = wanted.key.strip()
        server = self._list.add(
            lambda number: AttachedServer(
                number,
                name,
                found.address,
                wanted.ca_file.absolute() if wanted.ca_file is not None else None,
                bool(key),
                found.facts,
            )
        )
        if not key:
            return server, TokenPlace.NOWHERE
        try:
            return server, self._keys.keep(server.key_account, key)
        except StorageError:
            self._list.remove(server.number)
            raise

    def detach(self, server: AttachedServer) -> None:
        """Forget the server and its key. Raises StorageError."""
        self._list.remove(server.number)
        if server.has_key:
            self._keys.forget(server.key_account)

    def ask(self, server: AttachedServer, cancellation: Cancellation | None = None) -> ServerFacts:
        """What the server says of itself now; it is kept. Blocks; raises as `look` does."""
        return self._engine(server).ask(cancellation or Cancellation())

    def _engine(self, server: AttachedServer) -> AttachedServerEngine:
        from app.engines.attached import AttachedServerEngine

        return AttachedServerEngine(
            server,
            facts=partial(self._facts, server.number),
            seen=partial(self._see, server.number),
            key=partial(self._keys.get, server.key_account),
            offline=self._offline,
        )

    def _facts(self, number: int) -> ServerFacts:
        return next((server.facts for server in self.all() if server.number == number), UNSEEN)

    def _see(self, number: int, facts: ServerFacts) -> None:
        if facts != self._facts(number):
            try:
                self._list.change(number, facts=facts)
            except EdgewiseError as error:  # it will be asked again
                _log.warning("What a server said is not kept: %s", error)

    def _unused(self, name: str) -> str:
        taken = {server.name for server in self.all()}
        number = 2
        unused = name
        while unused in taken:
            unused, number = f"{name} ({number})", number + 1
        return unused
