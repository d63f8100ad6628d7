"""Where a chat in the terminal has its model from: an engine that it starts, or a server that is attached."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol, TypeVar

from app.cli.console import Console
from app.cli.load_ledger import LoadLedger
from app.cli.no_model import no_model_yet
from app.domain.engine import LoadWishes
from app.domain.errors import EngineMissing, EngineStartFailed, ModelNotServed, NoModelYet
from app.domain.generation import Cancellation
from app.domain.hub import Format
from app.domain.metrics import GenerationMetrics
from app.domain.model import LocalModel
from app.domain.size_words import size
from app.engines.base import EngineAdapter, ReadyModel
from app.engines.llama_cpp import LlamaCpp
from app.engines.loaded_model import LoadedModel
from app.services.attached_servers import AttachedServers
from app.services.engine_choice import best_engine
from app.services.engine_parts import EngineParts, find_adapter
from app.services.engine_room import plan_for
from app.services.loading import Experience, LoadPlan, load_planned
from app.services.model_library import ModelLibrary
from app.storage.paths import Paths
from app.storage.settings import Settings

if TYPE_CHECKING:
    from app.engines.attached import AttachedModel, AttachedServerEngine

LOAD_POLL_S = 0.1
"""How late Ctrl+C may be felt on Windows, where it does not wake a thread that waits."""

T = TypeVar("T", bound=ReadyModel)


class ModelSource(Protocol):
    """One model at a time, of those there are to choose from."""

    @property
    def name(self) -> str:
        """What the model is called."""
        ...

    def choices(self) -> list[str]:
        """The models there are, a line for each."""
        ...

    def use(self, name: str) -> None:
        """Go on with the model `name`. Raises EdgewiseError; the one there was then stays."""
        ...

    def ready(self) -> ReadyModel:
        """The model, ready to reply; again if its engine died. Blocks until then; Ctrl+C ends the attempt."""
        ...

    def replied(self, metrics: GenerationMetrics) -> None:
        """It has made a whole reply."""
        ...

    def close(self) -> None:
        """End what was started for it."""
        ...


def find_source(
    console: Console, paths: Paths, settings: Settings, options: argparse.Namespace
) -> ModelSource:
    """What the command line asks for. Raises EdgewiseError for an engine or a model that is not there."""
    parts = EngineParts(paths)
    if options.engine is None:
        return OwnModel(console, paths, settings, options, parts)
    adapter = find_adapter(parts, options.engine)
    if adapter is not None:
        return OwnModel(console, paths, settings, options, parts, adapter)
    servers = AttachedServers(paths, offline=lambda: settings.offline)
    try:
        server = servers.find(options.engine)
    except ModelNotServed:
        names = [*(it.id for it in parts.adapters()), *(it.name for it in servers.all())]
        raise EngineMissing(f"There is no engine “{options.engine}”. There is: {', '.join(names)}.") from None
    engine = next(it for it in servers.engines() if it.id == server.id)
    return ServedModel(console, engine, options.model)


class OwnModel:
    """A model of the library, in an engine that is started for it."""

    def __init__(
        self,
        console: Console,
        paths: Paths,
        settings: Settings,
        options: argparse.Namespace,
        parts: EngineParts,
        adapter: EngineAdapter | None = None,
    ) -> None:
        """Without an `adapter` the best one for the model is used."""
        self._console = console
        self._paths = paths
        self._parts = parts
        self._chosen = adapter
        self._preferred: Mapping[str, str] = settings.engines
        self._settings = settings
        self._options = options
        self._library = ModelLibrary(paths)
        try:
            self._model = self._library.choose(options.model, settings.model)
        except NoModelYet as error:
            raise NoModelYet(no_model_yet(paths.models), detail=error.detail) from error
        self._ledger = LoadLedger(paths)
        self._plan: LoadPlan | None = None
        self._loaded: LoadedModel | None = None

    @property
    def name(self) -> str:
        """See `ModelSource.name`."""
        return self._model.name

    def choices(self) -> list[str]:
        """See `ModelSource.choices`."""
        formats = self._chosen.formats if self._chosen is not None else (Format.GGUF,)
        return [
            f"{'*' if model == self._model else ' '} {model.name}  {size(model.size)}"
            for model in self._library.chat_models(formats)
        ]

    def use(self, name: str) -> None:
        """See `ModelSource.use`."""
        model, previous = self._library.find(name), self._model
        self._unload()
        self._model = model
        try:
            self.ready()
        except BaseException:
            self._model = previous
            raise

    def ready(self) -> LoadedModel:
        """See `ModelSource.ready`."""
        if self._loaded is not None and self._loaded.process.exit_status is not None:
            self._unload()
        if self._loaded is None:
            self._console.transient(f"Loading {self._model.name}…")
            try:
                adapter = self._adapter()
                self._plan, self._loaded = load(
                    self._model,
                    self._wishes(adapter),
                    self._paths,
                    adapter,
                    self._parts,
                    experience=self._ledger.experience(),
                )
            finally:
                self._console.settle()
        return self._loaded

    def replied(self, metrics: GenerationMetrics) -> None:
        """See `ModelSource.replied`."""
        if self._plan is not None and self._loaded is not None:
            self._ledger.replied(self._plan, self._loaded, metrics)

    def close(self) -> None:
        """See `ModelSource.close`."""
        self._unload()
        self._ledger.close()

    def _unload(self) -> None:
        if self._loaded is not None:
            self._loaded.stop()
            self._loaded = None

    def _adapter(self) -> EngineAdapter:
        """The engine that was asked for, else the best one for the model. Raises EngineStartFailed."""
        model = self._model
        if self._chosen is not None:
            if model.format not in self._chosen.formats:
                raise EngineStartFailed(
                    f"{self._chosen.name} does not read {model.format} files, and {model.name} is one."
                    " Choose another engine for it."
                )
            return self._chosen
        if model.format is Format.GGUF and not self._preferred and not self._paths.engines.is_dir():
            return LlamaCpp()  # no environment needs to be looked at
        every = self._parts.adapters()
        there = [it for it in every if self._parts.is_there(it)]
        best = best_engine(model.format, there, self._preferred.get, self._parts.rank)
        return best or best_engine(model.format, every, self._preferred.get, self._parts.rank) or LlamaCpp()

    def _wishes(self, adapter: EngineAdapter) -> LoadWishes:
        wishes = self._settings.wishes_for(adapter.id)
        return LoadWishes(
            context_length=self._options.context or wishes.context_length,
            threads=self._options.threads or wishes.threads,
            dtype=wishes.dtype,
            quantize_bits=wishes.quantize_bits,
            gpu_memory_share=wishes.gpu_memory_share,
            tensor_parallel=wishes.tensor_parallel,
        )


class ServedModel:
    """A model of a server that somebody else runs."""

    def __init__(self, console: Console, engine: AttachedServerEngine, model: str | None) -> None:
        """`model` None is the server's first."""
        self._console = console
        self._engine = engine
        self._wanted = model
        self._model: AttachedModel | None = None

    @property
    def name(self) -> str:
        """See `ModelSource.name`."""
        return self._model.name if self._model is not None else self._wanted or self._engine.name

    def choices(self) -> list[str]:
        """See `ModelSource.choices`."""
        return [f"{'*' if name == self.name else ' '} {name}" for name in self._engine.models()]

    def use(self, name: str) -> None:
        """See `ModelSource.use`."""
        self._model = self._connect(name)

    def ready(self) -> AttachedModel:
        """See `ModelSource.ready`."""
        if self._model is None:
            self._model = self._connect(self._wanted)
        return self._model

    def replied(self, metrics: GenerationMetrics) -> None:
        """See `ModelSource.replied`: what others' machines take is not ours to measure."""

    def close(self) -> None:
        """See `ModelSource.close`."""

    def _connect(self, name: str | None) -> AttachedModel:
        self._console.transient(f"Asking {self._engine.name}…")
        try:
            return interruptible(lambda cancellation: self._engine.connect(name, cancellation))
        finally:
            self._console.settle()


def load(
    model: LocalModel,
    wishes: LoadWishes,
    paths: Paths,
    adapter: EngineAdapter | None = None,
    parts: EngineParts | None = None,
    *,
    experience: Experience | None = None,
) -> tuple[LoadPlan, LoadedModel]:
    """Load `model`, without an `adapter` in llama.cpp; and say how.

    Whatever interrupts this thread meanwhile, no engine is left behind. Raises EdgewiseError.
    """
    engine, gpus = adapter or LlamaCpp(), (parts or EngineParts(paths)).gpus
    plans: list[LoadPlan] = []

    def work(cancellation: Cancellation) -> LoadedModel:
        plans.append(plan_for(engine, model, wishes, experience=experience or Experience(), gpus=gpus))
        return load_planned(engine, model, plans[0], logs=paths.logs, cancellation=cancellation)

    loaded = interruptible(work)
    return plans[0], loaded


def interruptible(work: Callable[[Cancellation], T]) -> T:
    """What `work` returns. Ctrl+C cancels it, and ends what it had made by then.

    On a thread of its own: an interrupt in the middle of a start would lose the process it started.
    """
    cancellation = Cancellation()
    results: list[T] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work(cancellation))
        except BaseException as error:
            failures.append(error)

    worker = threading.Thread(target=run, name="load")
    worker.start()
    try:
        while worker.is_alive():
            worker.join(LOAD_POLL_S)
    except BaseException:
        cancellation.cancel()
        worker.join()
        for made in results:
            made.stop()
        raise
    for failure in failures:
        raise failure
    return results[0]
