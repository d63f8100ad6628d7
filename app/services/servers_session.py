"""What the engines page asks of attached servers: looking, keeping, letting go. Nothing here blocks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.domain.attached import ID_PREFIX, AttachedServer, ServerFacts
from app.domain.engine import EngineState, EngineStatus
from app.domain.errors import EdgewiseError
from app.domain.generation import Cancellation
from app.domain.server_address import ServerAddress
from app.services.background import Background
from app.services.engine_card import ServerCard
from app.storage.secrets import TokenPlace

if TYPE_CHECKING:
    from app.services.attached_servers import AttachedServers, Found, Wanted
    from app.services.engine_supervisor import EngineSupervisor

KEPT_UNTIL_THE_END = (
    "{name} is attached. Your system has no keyring that can be opened, so its key is kept until Edgewise "
    "ends."
)


class ServersSession(QObject):
    """Lives on the window's thread; its signals arrive there."""

    changed = Signal()
    """`cards` differ from before."""
    found = Signal(object)
    """The `ServerFacts` of what `look` asked."""
    not_found = Signal(object)
    """An `EdgewiseError`: why it could not be looked at."""
    settled = Signal(str)
    """What was to be attached is kept; else why not, in a sentence."""
    remark = Signal(str)
    """A sentence about what went well."""
    models_changed = Signal()
    """There is more or less to choose from."""
    failed = Signal(object)
    """An `EdgewiseError`."""

    def __init__(
        self,
        servers: Callable[[], AttachedServers],
        supervisor: EngineSupervisor,
        background: Background,
        parent: QObject | None = None,
    ) -> None:
        """`servers` is called on worker threads."""
        super().__init__(parent)
        self._servers = servers
        self._background = background
        self._statuses: dict[str, EngineStatus] = {}
        self._asking: set[str] = set()
        self._all: tuple[AttachedServer, ...] = ()
        self._attempt = Cancellation()
        self._wanted: Wanted | None = None
        self._found: Found | None = None
        supervisor.status_changed.connect(self._heard)

    @property
    def cards(self) -> tuple[ServerCard, ...]:
        """The attached servers, in the order they were attached in."""
        return tuple(ServerCard(server, self._status(server)) for server in self._all)

    def list(self) -> None:
        """Read them."""
        self._background.run(lambda: self._servers().all(), self._listed, self.failed.emit)

    def look(self, address: str, key: str, ca_file: Path | None) -> None:
        """Ask what is at `address`. `found` or `not_found` answers, for the newest question."""
        from app.services.attached_servers import Wanted

        self.give_up()
        attempt = self._attempt = Cancellation()
        try:
            wanted = Wanted(ServerAddress.parse(address), key, ca_file=ca_file)
        except EdgewiseError as error:
            self.not_found.emit(error)
            return
        self._background.run(
            lambda: self._servers().look(wanted, attempt),
            lambda found: self._take(attempt, wanted, found),
            lambda error: None if attempt.cancelled else self.not_found.emit(error),
        )

    def give_up(self) -> None:
        """No answer is wanted any more."""
        self._attempt.cancel()
        self._wanted = self._found = None

    def attach(self, name: str) -> None:
        """Keep what was found last, under `name`. `settled` answers."""
        from app.services.attached_servers import Wanted

        wanted, found = self._wanted, self._found
        if wanted is None or found is None:
            return
        named = Wanted(wanted.address, wanted.key, name, wanted.ca_file)
        self._background.run(
            lambda: self._servers().attach(named, found),
            lambda kept: self._attached(*kept),
            lambda error: self.settled.emit(error.message),
        )

    def detach(self, id_: str) -> None:
        """Let go of it and of its key."""
        server = self._server(id_)
        self._background.run(
            lambda: self._servers().detach(server), lambda _: self._changed(), self.failed.emit
        )

    def ask(self, id_: str) -> None:
        """Ask it anew what it is and has."""
        server = self._server(id_)
        self._asking.add(id_)
        self.changed.emit()
        self._background.run(
            lambda: self._servers().ask(server),
            lambda facts: self._asked(id_, facts),
            lambda error: self._not_asked(id_, error),
        )

    def _take(self, attempt: Cancellation, wanted: Wanted, found: Found) -> None:
        if not attempt.cancelled:
            self._wanted, self._found = wanted, found
            self.found.emit(found.facts)

    def _attached(self, server: AttachedServer, place: TokenPlace) -> None:
        self._wanted = self._found = None
        self.settled.emit("")
        if place is TokenPlace.THIS_RUN:
            self.remark.emit(KEPT_UNTIL_THE_END.format(name=server.name))
        self._changed()

    def _changed(self) -> None:
        self.list()
        self.models_changed.emit()

    def _listed(self, servers: tuple[AttachedServer, ...]) -> None:
        self._all = servers
        self.changed.emit()

    def _asked(self, id_: str, facts: ServerFacts) -> None:
        self._asking.discard(id_)
        status = self._statuses.get(id_)
        if status is not None and status.state is EngineState.FAILED:  # it answers now
            del self._statuses[id_]
        del facts  # they are read with the list
        self._changed()

    def _not_asked(self, id_: str, error: EdgewiseError) -> None:
        self._asking.discard(id_)
        self._statuses[id_] = EngineStatus(
            EngineState.FAILED, engine_id=id_, error=error.message, log=error.detail
        )
        self.changed.emit()

    def _heard(self, status: EngineStatus) -> None:
        if status.engine_id.startswith(ID_PREFIX):
            self._statuses[status.engine_id] = status
            self.changed.emit()

    def _status(self, server: AttachedServer) -> EngineStatus:
        if server.id in self._asking:
            return EngineStatus(EngineState.STARTING, engine_id=server.id)
        return self._statuses.get(server.id, EngineStatus(EngineState.STOPPED, engine_id=server.id))

    def _server(self, id_: str) -> AttachedServer:
        return next(server for server in self._all if server.id == id_)
