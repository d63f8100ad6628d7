"""A guide on a machine that a test chooses, and means that do what the test says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from PySide6.QtCore import QObject, Signal

from app.advisor import guide
from app.advisor.guide_answer import Evidence, GuideAnswer, MatrixRow, ModelSuggestion
from app.advisor.guide_rules import Answers, rules
from app.domain.download import Download, DownloadState
from app.domain.engine import EngineState, EngineStatus
from app.domain.environment import EnvironmentState, EnvironmentStatus, InstallTask
from app.domain.errors import EdgewiseError
from app.domain.hub import Format, HubFile, Variant
from app.domain.machine import Machine
from app.domain.quantization import QUANTIZATIONS
from app.engines.pins import profiles
from app.services.advice_means import Means
from app.services.engine_card import EngineCard
from app.services.guidance import FrameworkHere, frameworks_here
from tests.unit.advisor.guide_machines import MACHINES, evidence

VARIANT = Variant("owner/repository", "f" * 40, Format.GGUF, "Q4_K_M", (HubFile("a.gguf", 100),))


class StandIn:
    def __init__(self, machine: str = "laptop", *, offline: bool = False) -> None:
        self.of = MACHINES[machine]
        self.known: Evidence = evidence(self.of, offline=offline)
        self.error: EdgewiseError | None = None

    def look(self) -> None:
        if self.error is not None:
            raise self.error

    def machine(self) -> Machine:
        return self.of

    def answer(self, answers: Answers) -> GuideAnswer:
        return guide.answer(rules(), self.of, answers, self.known)

    def matrix(self) -> tuple[MatrixRow, ...]:
        return guide.matrix(rules(), self.of, self.known)

    def profiles(self) -> tuple[FrameworkHere, ...]:
        return frameworks_here(rules(), self.known.engines)


class Hands(QObject):
    """Installs, downloads and starts nothing: a test says what became of it."""

    downloads_changed = Signal(object)
    status_changed = Signal(object)
    install_failed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.done: list[str] = []
        self.error: EdgewiseError | None = None
        self.environment = EnvironmentStatus("transformers", EnvironmentState.ABSENT)
        self.loads = EngineState.READY

    @property
    def as_means(self) -> Means:
        return cast(Means, self)

    def card(self, engine: str) -> EngineCard:
        return EngineCard(profiles()[engine], EngineStatus(EngineState.STOPPED), self.environment)

    def install(self, engine: str) -> None:
        self.done.append(f"install {engine}")
        self.environment = EnvironmentStatus(engine, EnvironmentState.ABSENT, task=InstallTask.INSTALL)

    def cancel_install(self, engine: str) -> None:
        self.done.append(f"cancel {engine}")
        self.environment = EnvironmentStatus(engine, EnvironmentState.PARTIAL)

    def load(self, name: str, engine: str) -> EngineStatus:
        self.done.append(f"load {name} in {engine}")
        return EngineStatus(self.loads, model=name, engine_id=engine)

    def unload(self, engine: str) -> None:
        self.done.append(f"unload {engine}")

    def variants(self, repository: str) -> Sequence[Variant]:
        if self.error is not None:
            raise self.error
        others = (*((Format.GGUF, name) for name in QUANTIZATIONS), (Format.SAFETENSORS, "BF16"))
        return (
            VARIANT,
            *(Variant(repository, "f" * 40, format_, label, VARIANT.files) for format_, label in others),
        )

    def add_download(self, variant: Variant, name: str) -> int:
        self.done.append(f"download {name}")
        return 7

    def pause_download(self, id_: int) -> None:
        self.done.append(f"pause {id_}")

    def look_at_downloads(self) -> None:
        self.tell(DownloadState.RUNNING, 10)

    def tell(self, state: DownloadState, done: int = 0, error: str = "") -> None:
        self.downloads_changed.emit((Download(7, "A", VARIANT, state, done, 100, error=error),))

    def library_name(self, model: ModelSuggestion, variant: Variant | None) -> str:
        return model.name
