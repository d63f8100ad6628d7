"""All that the engines page stands on: made with the app, so that installing goes on without the page."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.services.background import Background
from app.services.engines_session import EnginesSession
from app.services.servers_session import ServersSession
from app.storage.paths import Paths
from app.storage.settings import Settings

if TYPE_CHECKING:
    from app.services.attached_servers import AttachedServers
    from app.services.engine_parts import EngineParts
    from app.services.engine_supervisor import EngineSupervisor
    from app.services.load_record import LoadHistory
    from app.services.model_library import ModelLibrary
    from app.ui.engines.page import EnginesPage


class EnginesRoom(QObject):
    """Owns the sessions of the engines page, and the page once it is made."""

    choices_changed = Signal()
    """An engine or a server came or went: there is more or less to choose from."""
    models_requested = Signal()
    settings_changed = Signal(object)
    """`Settings`."""

    def __init__(
        self,
        paths: Paths,
        parts: EngineParts,
        supervisor: EngineSupervisor,
        servers: AttachedServers,
        library: ModelLibrary,
        history: LoadHistory,
        background: Background,
        settings: Callable[[], Settings],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._settings = settings
        self._background = background
        self._page: EnginesPage | None = None
        self.engines = EnginesSession(paths, parts, supervisor, library, background, settings, self, history)
        self.servers = ServersSession(lambda: servers, supervisor, background, self)
        self.engines.installed_changed.connect(self.choices_changed)
        self.servers.models_changed.connect(self.choices_changed)
        self.engines.settings_changed.connect(self.settings_changed)

    def start(self) -> None:
        """Read in what the page is made of before it is wanted: a click should not wait for it."""
        self._background.run(lambda: import_module("app.ui.engines.page"))

    def make_page(self) -> EnginesPage:
        """The page, made once."""
        from app.ui.engines.page import EnginesPage

        page = self._page = EnginesPage(self.engines, self.servers)
        page.models_requested.connect(self.models_requested)
        page.set_idle_minutes(self._settings().idle_minutes)
        self.network_changed()
        return page

    def network_changed(self) -> None:
        """The offline switch was set or cleared."""
        if self._page is not None:
            self._page.set_network(offline=self._settings().offline)

    def models_changed(self) -> None:
        """Models came or went."""
        if self._page is not None:
            self.engines.look()

    def close(self) -> None:
        """Stop installing; what was fetched is kept for the next time."""
        self.servers.give_up()
        self.engines.close()
