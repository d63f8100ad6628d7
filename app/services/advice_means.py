"""What following the guide's answer is done with: the engines, the hub, the downloads, the library.

A layer between `app.services.advice_follower` and those who do it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.advisor.guide_answer import ModelSuggestion
from app.domain.engine import EngineState, EngineStatus
from app.domain.errors import EngineStartFailed, ModelFileError
from app.domain.hub import Format, Variant

if TYPE_CHECKING:
    from app.services.download_queue import DownloadQueue
    from app.services.download_watch import DownloadWatch
    from app.services.engine_card import EngineCard
    from app.services.engine_supervisor import EngineSupervisor
    from app.services.engines_session import EnginesSession
    from app.services.hub_access import HubAccess
    from app.services.model_library import ModelLibrary


class Means(QObject):
    """On the window's thread, but for what is said to block."""

    downloads_changed = Signal(object)
    """All `Download`s now."""
    status_changed = Signal(object)
    """An `EngineStatus`; on whatever thread it changed."""
    install_failed = Signal(object)
    """An `EdgewiseError`: the installer could not even be asked."""

    def __init__(
        self,
        engines: EnginesSession,
        supervisor: EngineSupervisor,
        library: ModelLibrary,
        hub: HubAccess,
        queue: DownloadQueue,
        watch: DownloadWatch,
        folder: Path,
        parent: QObject | None = None,
    ) -> None:
        """`folder` is the library's own, into which downloads come."""
        super().__init__(parent)
        self._folder = folder
        self._engines = engines
        self._supervisor = supervisor
        self._library = library
        self._hub = hub
        self._queue = queue
        self._watch = watch
        watch.changed.connect(self.downloads_changed)
        supervisor.status_changed.connect(self.status_changed)
        engines.failed.connect(self.install_failed)

    # Engines

    def card(self, engine: str) -> EngineCard | None:
        """Where it stands; None before the engines were looked at."""
        return next((card for card in self._engines.cards if card.id == engine), None)

    def install(self, engine: str) -> None:
        """Install it; `card` tells how far that is."""
        self._engines.look()
        self._engines.install(engine)

    def cancel_install(self, engine: str) -> None:
        """Stop that; what was fetched is kept."""
        self._engines.cancel_install(engine)

    def load(self, name: str, engine: str) -> EngineStatus:
        """Begin to load a model; where the engine stands then. Blocks. Raises EngineStartFailed."""
        # It may have been installed a moment ago, and the manager not have heard of it yet.
        if self._supervisor.status_of(engine).state in (EngineState.ABSENT, EngineState.INSTALLING):
            self._supervisor.environment_changed(engine, EngineState.STOPPED)
        again = self._supervisor.status_of(engine).state is EngineState.FAILED
        self._supervisor.load(name, engine, again=again)
        status, refusal = self._supervisor.status_of(engine), self._supervisor.status
        if status.state is EngineState.STOPPED and refusal.state is EngineState.FAILED:
            raise EngineStartFailed(refusal.error, detail=refusal.log)  # it could not even begin
        return status

    def unload(self, engine: str) -> None:
        """End its model, or the start of one. Blocks."""
        self._supervisor.unload(engine)

    # Models

    def variants(self, repository: str) -> Sequence[Variant]:
        """What the hub offers of a repository. Blocks. Raises HubError."""
        return self._hub.variants(self._hub.repository(repository))

    def add_download(self, variant: Variant, name: str) -> int:
        """Put it into the queue; returns its id there. Blocks for a moment."""
        return self._queue.add(variant, name)

    def pause_download(self, id_: int) -> None:
        """Stop it; what has arrived stays."""
        self._queue.pause(id_)
        self._watch.look()

    def look_at_downloads(self) -> None:
        """Have `downloads_changed` tell where they stand."""
        self._watch.look()
        self.downloads_changed.emit(self._watch.downloads)

    def library_name(self, model: ModelSuggestion, variant: Variant | None) -> str:
        """What a suggested model is called in the library; `variant` is what was downloaded just now.

        Blocks. Raises ModelFileError if it is not there.
        """
        wanted = model.path if variant is None else _place(self._folder, variant)
        for it in self._library.models():
            if it.path == wanted:
                return it.name
        raise ModelFileError(f"{model.name} is not in the library any more. Download it again.")


def _place(folder: Path, variant: Variant) -> Path:
    """Where the library has a downloaded model: its first file, or the folder of safetensors."""
    from app.models.download_shelving import key_file, place_of, target_of

    file = target_of(folder, place_of(variant, key_file(variant)))
    return file.parent if variant.format is Format.SAFETENSORS else file
