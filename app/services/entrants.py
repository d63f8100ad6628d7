"""Who takes part in a speed test: a form of a model in an engine that is started for it, or in a server.

No Qt here: the command line uses it, too. See `app.benchmark.entrant` for what a test needs of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from app.benchmark.entrant import Needs, RunningEntrant
from app.domain.engine import LoadWishes
from app.domain.errors import Cancelled, EngineMissing, EngineStartFailed, ModelFileError, WouldNotFit
from app.domain.generation import Cancellation
from app.domain.machine import Machine
from app.domain.metrics import GenerationMetrics
from app.domain.model import LocalModel
from app.domain.speed_test import Contender, EngineFacts
from app.engines.address import Address
from app.engines.base import EngineAdapter
from app.engines.openai_client import Dialect, OpenAIClient
from app.services.engine_parts import EngineParts
from app.services.model_forms import Candidate, Families, candidate, candidates, forms, served
from app.services.model_hash import ModelHash
from app.storage.paths import Paths

if TYPE_CHECKING:
    from app.engines.attached import AttachedModel, AttachedServerEngine
    from app.engines.loaded_model import LoadedModel
    from app.engines.process import EngineProcess
    from app.services.load_record import LoadHistory, LoadRecord
    from app.services.loading import LoadPlan


@dataclass(frozen=True, slots=True)
class Around:
    """What entrants share. Without a `history` nothing is learned of their loads.

    `machine` is asked when a first engine is ready, and may block.
    """

    paths: Paths
    parts: EngineParts
    machine: Callable[[], Machine]
    history: LoadHistory | None = None
    hashes: ModelHash = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hashes", ModelHash(self.paths))


class LocalEntrant:
    """See `app.benchmark.entrant.Entrant`: a model of this machine, in an engine that is started for it."""

    def __init__(self, made: Candidate, adapter: EngineAdapter, around: Around) -> None:
        self.contender: Contender = made.contender
        self._adapter = adapter
        self._model = made.model
        self._wishes = made.wishes
        self._around = around

    def start(
        self, needs: Needs, cancellation: Cancellation, on_progress: Callable[[str], None]
    ) -> RunningEntrant:
        """See `Entrant.start`.

        It is loaded with as much of the context that is needed as memory holds, with no prompt cache, and for
        as many requests at once as are needed and the engine takes.
        """
        from app.services.loading import load_planned

        if cancellation.cancelled:
            raise Cancelled("Stopped.")
        plan = self._plan(needs)

        def tell(process: EngineProcess) -> None:
            if words := self._adapter.start_progress(process.read_log()):
                on_progress(words)

        try:
            loaded = load_planned(
                self._adapter,
                self._model,
                plan,
                logs=self._around.paths.logs,
                cancellation=cancellation,
                on_wait=tell,
            )
        except EngineStartFailed as error:
            if cancellation.cancelled:
                raise Cancelled("Stopped.", detail=error.detail) from error
            raise
        # While the rest is found out, too, a cancel ends the engine at once.
        cancellation.on_cancel(lambda: loaded.stop(at_once=True))
        try:
            facts = self._facts(plan, loaded, cancellation, on_progress)
            if cancellation.cancelled:
                raise Cancelled("Stopped.")
            record = self._around.history.begin(plan, loaded) if self._around.history is not None else None
        except BaseException:
            loaded.stop(at_once=True)
            raise
        finally:
            cancellation.on_cancel(None)
        return _Local(loaded, facts, record)

    def _plan(self, needs: Needs) -> LoadPlan:
        from app.services.engine_room import plan_for
        from app.services.loading import Experience, free_words, needed_words

        around = self._around
        wishes = replace(
            self._wishes,
            context_length=None,
            most_context=needs.context_length,
            parallel=needs.parallel,
            prompt_cache_bytes=0,
        )
        experience = around.history.experience() if around.history is not None else Experience()
        plan = plan_for(self._adapter, self._model, wishes, experience=experience, gpus=around.parts.gpus)
        if plan.lacking:
            raise WouldNotFit(
                f"{self._model.name} was not started with {self._adapter.name}: it needs about"
                f" {needed_words(plan)}, and {free_words(plan)} are free. Close other programs, or test a"
                " smaller model or precision."
            )
        return plan

    def _facts(
        self,
        plan: LoadPlan,
        loaded: LoadedModel,
        cancellation: Cancellation,
        on_progress: Callable[[str], None],
    ) -> EngineFacts:
        from app.engines.llama_cpp import LlamaCpp
        from app.services.entrant_facts import device, flags, versions

        adapter, model, around = self._adapter, self._model, self._around
        gpus = tuple(around.parts.gpus(adapter))
        report = loaded.report()
        on_progress("reading the model’s checksum")
        sha256 = ""
        with suppress(ModelFileError):  # it runs; what it is cannot be told, then
            sha256 = around.hashes.of(model, cancellation)
        return EngineFacts(
            versions=versions(around.parts, adapter, gpus),
            flags=flags(loaded.launch.argv),
            model_file=model.path.name,
            model_bytes=model.size,
            model_hash=sha256,
            device=device(
                around.machine(),
                gpus,
                report,
                tensor_parallel=plan.options.tensor_parallel,
                by_layers=isinstance(adapter, LlamaCpp),
            ),
            context_length=plan.expected.context_length,
            request_context=self._request_context(loaded),
            parallel=plan.options.parallel,
            threads=plan.options.threads,
        )

    def _request_context(self, loaded: LoadedModel) -> int:
        """Tokens that one request may take: no more than the model was trained for, whatever was reserved."""
        from app.models.identity import identity_of

        trained = None
        with suppress(ModelFileError):
            trained = identity_of(self._model).context_trained
        return min(loaded.context_length, trained or loaded.context_length)


class _Local:
    """See `RunningEntrant`."""

    def __init__(self, loaded: LoadedModel, facts: EngineFacts, record: LoadRecord | None) -> None:
        self._loaded = loaded
        self._report = loaded.report()
        self._record = record
        self._stopped = False
        self.pid: int | None = loaded.process.pid
        self.address: Address = loaded.address
        self.dialect: Dialect = loaded.adapter.dialect
        self.client: OpenAIClient = loaded.client
        self.facts = facts
        self.load_s: float | None = loaded.load_s

    def memory(self) -> int | None:
        """See `RunningEntrant.memory`."""
        return self._loaded.memory(self._report)

    def crashed(self) -> str | None:
        """See `RunningEntrant.crashed`."""
        process = self._loaded.process
        return None if self._stopped or process.exit_status is None else process.read_log()

    def replied(self, metrics: GenerationMetrics) -> None:
        """See `RunningEntrant.replied`."""
        if self._record is not None:
            self._record.replied(metrics)

    def stop(self, *, at_once: bool = False) -> None:
        """See `RunningEntrant.stop`."""
        self._stopped = True
        self._loaded.stop(at_once=at_once)


class AttachedEntrant:
    """See `app.benchmark.entrant.Entrant`: a model that a server has which somebody else runs."""

    def __init__(self, engine: AttachedServerEngine, model: str) -> None:
        self.contender: Contender = served(engine, model)
        self._engine = engine
        self._model = model

    def start(
        self, needs: Needs, cancellation: Cancellation, on_progress: Callable[[str], None]
    ) -> RunningEntrant:
        """See `Entrant.start`. Nothing is loaded: the server is asked whether it still has the model."""
        del needs  # it has what it was started with
        on_progress("asking the server")
        model = self._engine.connect(self._model, cancellation)
        if cancellation.cancelled:
            raise Cancelled("Stopped.")
        said = self._engine.facts()
        facts = EngineFacts(
            versions={said.kind.value: said.version} if said.version else {},
            model_file=model.name,
            request_context=model.context_length if model.context_told else None,
        )
        return _Attached(model, facts)


class _Attached:
    """See `RunningEntrant`."""

    def __init__(self, model: AttachedModel, facts: EngineFacts) -> None:
        self.pid: int | None = None
        self.address: Address = model.address
        self.dialect: Dialect = model.dialect
        self.client: OpenAIClient = model.client
        self.facts = facts
        self.load_s: float | None = None

    def memory(self) -> int | None:
        """Nobody can see it from here."""
        return None

    def crashed(self) -> str | None:
        """It has no process of ours: what fails is told by the requests."""
        return None

    def replied(self, metrics: GenerationMetrics) -> None:
        """What others' machines do is not ours to learn from."""

    def stop(self, *, at_once: bool = False) -> None:
        """Nothing: the server is not ours."""


def entrants_for(
    around: Around,
    wanted: Sequence[tuple[str, LocalModel, LoadWishes]],
    *,
    known: Families | None = None,
) -> list[LocalEntrant]:
    """An entrant for each engine (by its id), model and wishes, in their order. Blocks: headers are read.

    Wishes of `dtype` and `quantize_bits` decide the precision; without them it is what the engine would
    choose. `known` spares the look for families. Raises EngineMissing for an engine that there is not,
    EngineStartFailed where it does not read such a model, and ModelFileError.
    """
    families = known or forms([model for _, model, _ in wanted])
    adapters = {adapter.id: adapter for adapter in around.parts.adapters()}
    return [_entrant(around, adapters, families, *one) for one in wanted]


def _entrant(
    around: Around,
    adapters: dict[str, EngineAdapter],
    families: Families,
    engine_id: str,
    model: LocalModel,
    wishes: LoadWishes,
) -> LocalEntrant:
    adapter = adapters.get(engine_id)
    if adapter is None:
        raise EngineMissing(f"There is no engine “{engine_id}”. There is: {', '.join(adapters)}.")
    family = families.of(model)
    form = next((it for it in family.forms if it.model == model), None) if family is not None else None
    if family is None or form is None:
        raise ModelFileError(f"{model.name} cannot be read: it is not there any more, or it is damaged.")
    if model.format not in adapter.formats:
        raise EngineStartFailed(
            f"{adapter.name} does not read {model.format} files, and {model.name} is one. Choose another form"
            " of the model for it."
        )
    made = candidate(adapter, form)
    if wishes.dtype is not None or wishes.quantize_bits is not None:
        able = candidates(adapter, replace(family, forms=(form,)))
        asked = (wishes.dtype, wishes.quantize_bits)
        made = next((it for it in able if (it.wishes.dtype, it.wishes.quantize_bits) == asked), made)
    own = replace(wishes, dtype=made.wishes.dtype, quantize_bits=made.wishes.quantize_bits)
    return LocalEntrant(replace(made, wishes=own), adapter, around)
