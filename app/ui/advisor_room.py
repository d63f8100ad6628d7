"""All that the advisor page stands on: made when the page is, since nothing goes on before it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.advisor.correction import Correction, correction_of
from app.services.background import Background
from app.services.this_machine import BUILT_IN
from app.storage.paths import Paths

if TYPE_CHECKING:
    from app.domain.machine import Machine
    from app.domain.speed_test_history import MeasuredRate
    from app.services.advisor_session import AdvisorSession
    from app.services.attached_servers import AttachedServers
    from app.services.cost_session import CostSession
    from app.services.costs import MeasuredForm
    from app.services.engine_parts import EngineParts
    from app.services.engine_supervisor import EngineSupervisor
    from app.services.guidance import Guidance
    from app.services.hub_access import HubAccess
    from app.services.model_library import ModelLibrary
    from app.storage.ledger import Ledger
    from app.storage.speed_tests import SpeedTests
    from app.ui.advisor.page import AdvisorPage
    from app.ui.engines_room import EnginesRoom
    from app.ui.models_room import ModelsRoom


class AdvisorRoom(QObject):
    """Owns the sessions of the advisor page, and the page, once that is made."""

    chat_requested = Signal(object, str)
    """Library name of a model, None for a server's own; and the id of an engine or a server."""
    speed_test_requested = Signal()
    engines_requested = Signal()
    attach_requested = Signal()
    settings_requested = Signal()
    running_changed = Signal(bool)
    """Whether a step of the advice is under way."""

    def __init__(
        self,
        paths: Paths,
        parts: EngineParts,
        supervisor: EngineSupervisor,
        servers: AttachedServers,
        library: ModelLibrary,
        ledger: Ledger,
        speed_tests: SpeedTests,
        models: ModelsRoom,
        engines: EnginesRoom,
        background: Background,
        offline: Callable[[], bool],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._paths = paths
        self._parts = parts
        self._supervisor = supervisor
        self._servers = servers
        self._library = library
        self._ledger = ledger
        self._speed_tests = speed_tests
        self._models = models
        self._engines = engines
        self._background = background
        self._offline = offline
        self._hub: HubAccess | None = None
        self._session: AdvisorSession | None = None
        self._costs: CostSession | None = None
        self._page: AdvisorPage | None = None

    def start(self) -> None:
        """Read in what the page is made of before it is wanted: a click should not wait for it."""
        self._background.run(lambda: import_module("app.ui.advisor.page"))

    def make_page(self) -> AdvisorPage:
        """The page, made once."""
        from app.services.advice_follower import AdviceFollower
        from app.services.advice_means import Means
        from app.services.advisor_session import AdvisorSession
        from app.services.cost_session import CostSession
        from app.services.hub_access import HubAccess
        from app.ui.advisor.page import AdvisorPage

        hub = self._hub = HubAccess(self._paths, self._offline)
        models, engines = self._models, self._engines.engines
        means = Means(
            engines,
            self._supervisor,
            self._library,
            hub,
            models.queue,
            models.watch,
            self._paths.models,
            self,
        )
        session = self._session = AdvisorSession(self._guidance(hub), self._background, self)
        costs = self._costs = CostSession(self._forms, self._background, self)
        follower = AdviceFollower(means, self._background, self)
        follower.chat_requested.connect(self.chat_requested)
        follower.running_changed.connect(self.running_changed)
        page = self._page = AdvisorPage(session, follower, costs)
        page.speed_test_requested.connect(self.speed_test_requested)
        page.engines_requested.connect(self.engines_requested)
        page.attach_requested.connect(self.attach_requested)
        page.settings_requested.connect(self.settings_requested)
        return page

    def choices_changed(self) -> None:
        """Models, engines, servers, measurements or the offline switch are others."""
        if self._session is not None and self._costs is not None:
            self._session.look()
            self._costs.look()

    def close(self) -> None:
        """Nothing is asked of the hub any more."""
        if self._hub is not None:
            self._hub.close()

    def _guidance(self, hub: HubAccess) -> Guidance:
        from app.services.guidance import Guidance, rates_of
        from app.services.model_advice import ModelAdvice

        def rates(machine: Machine) -> tuple[MeasuredRate, ...]:
            return rates_of(self._speed_tests, machine)

        return Guidance(
            self._paths,
            ModelAdvice(self._paths, hub, self._correction),
            self._parts,
            rates=rates,
            attached=self._servers.all,
            offline=self._offline,
        )

    def _correction(self, architecture: str, engine: str) -> Correction:
        """On whatever thread asks."""
        entries = self._ledger.entries()
        return correction_of(entries, engine=engine, architecture=architecture, gpu=engine != BUILT_IN)

    def _forms(self) -> tuple[MeasuredForm, ...]:
        """On a worker thread."""
        from app.services.costs import measured_forms

        return measured_forms(self._speed_tests)
