"""The same conversation on another engine: which form of its model each takes, and what becomes different.

No Qt here. `ways_to_move` reads headers and asks drivers: call it from a worker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from app.domain.engine import Fitness, LoadWishes
from app.domain.errors import EdgewiseError, ModelFileError
from app.domain.generation import SamplingParams
from app.domain.hub import Format
from app.domain.model import LocalModel
from app.models.catalog import catalog
from app.models.chat_template import template_of
from app.models.identity import name_words
from app.services.model_forms import DTYPES, Family, Form, candidates, forms
from app.services.moving_words import (
    Setting,
    about_context,
    about_memory,
    about_precision,
    about_sampling,
    about_template,
    kept_sampling,
)

if TYPE_CHECKING:
    from app.engines.attached import AttachedServerEngine
    from app.engines.base import EngineAdapter
    from app.services.loading import LoadPlan


class Step(StrEnum):
    """What has to be done before a conversation can move there."""

    INSTALL = "install"
    """The engine."""
    DOWNLOAD = "download"
    """A form of the model that the engine reads."""
    CONVERT = "convert"
    """The form that is here, to GGUF."""


@dataclass(frozen=True, slots=True)
class MovingChat:
    """A conversation as it stands. `engine` is the id of the one that makes its replies.

    `tokens` are those of its last prompt with the reply to it, 0 while nobody counted; `context_length` those
    that its model is loaded with now, None while it is not.
    """

    model: str
    engine: str
    params: SamplingParams = SamplingParams()
    tokens: int = 0
    context_length: int | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """One way to go on: an engine, and what it would run.

    `name` is what the conversation's model is called then; `model` is None for what an attached server has,
    and where no form of it that the engine reads is here yet. `bits` a weight and `context_length` in tokens
    are None where nobody knows. `kept` and `differences` are sentences. Where `step` is not None it has to be
    done first; `why_not` says why, or, without a step, why it cannot be done at all.
    """

    engine_id: str
    engine: str
    name: str
    model: LocalModel | None = None
    precision: str = ""
    bits: float | None = None
    size: int | None = None
    context_length: int | None = None
    kept: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    why_not: str = ""
    step: Step | None = None
    repository: str = ""
    """Where on the hub a form of it is; empty where the catalog does not know."""
    source: LocalModel | None = None
    """What is to be converted."""
    remote: bool = False

    @property
    def is_ready(self) -> bool:
        """Whether the conversation can move there now."""
        return not self.why_not


@dataclass(frozen=True, slots=True)
class Engines:
    """The engines there are, and what is to be known of them here. Everything may block."""

    adapters: Sequence[EngineAdapter]
    is_installed: Callable[[EngineAdapter], bool]
    fitness: Callable[[EngineAdapter], Fitness]
    wishes: Callable[[str], LoadWishes]
    """How a person wants models loaded, by the engine's id."""
    plan: Callable[[EngineAdapter, LocalModel, LoadWishes], LoadPlan]
    attached: Sequence[AttachedServerEngine] = ()


def ways_to_move(chat: MovingChat, models: Sequence[LocalModel], engines: Engines) -> list[Move]:
    """Every other engine for the model of `chat`, and every other form of it in its own engine.

    What can be done at once comes first, then in the order of the engines. A server's model of which it
    cannot be known whether it is the same one is left out. Raises ModelFileError where the model of `chat` is
    none of `models` and no server's either.
    """
    families = forms(models)
    here = _here(chat, models, families.all, engines)
    moves = [
        move
        for adapter in engines.adapters
        for move in _of_engine(chat, here, adapter, engines)
        if (move.engine_id, move.name) != (chat.engine, chat.model)
    ]
    moves += _of_servers(chat, here, engines)
    order = {adapter.id: place for place, adapter in enumerate(engines.adapters)}
    last = len(order)
    return sorted(moves, key=lambda it: (not it.is_ready, it.step is None, order.get(it.engine_id, last)))


@dataclass(frozen=True, slots=True)
class _Here:
    """What the conversation is made with now. Without a family nobody knows any other form of its model."""

    family: Family | None
    setting: Setting


def _here(
    chat: MovingChat, models: Sequence[LocalModel], families: Sequence[Family], engines: Engines
) -> _Here:
    adapter = next((it for it in engines.adapters if it.id == chat.engine), None)
    model = next((it for it in models if it.name == chat.model), None)
    if model is not None:
        family = next((it for it in families if any(form.model == model for form in it.forms)), None)
        if family is None:
            raise ModelFileError(f"{model.name} cannot be read: it is damaged, or it is not there any more.")
        form = next(it for it in family.forms if it.model == model)
        setting = Setting(adapter.name if adapter is not None else "", chat.context_length)
        if adapter is not None:
            setting = _with_precision(setting, adapter, form, engines.wishes(adapter.id))
        return _Here(family, replace(setting, template=_template(model)))
    server = next((it for it in engines.attached if it.id == chat.engine), None)
    if server is None:
        raise ModelFileError(
            f"{chat.model} is not among the models of this machine any more. Choose another one in the menu"
            " of models."
        )
    family = next((it for it in families if _is_called(chat.model, it)), None)
    return _Here(family, Setting(server.name, chat.context_length))


def _of_engine(chat: MovingChat, here: _Here, adapter: EngineAdapter, engines: Engines) -> list[Move]:
    """One move for each form that it reads, best first; one that says what is missing where there is none."""
    family = here.family
    if family is None:
        return []
    wishes = engines.wishes(adapter.id)
    fitness = engines.fitness(adapter)
    why_not, step = "", None
    if not engines.is_installed(adapter):
        why_not, step = _not_installed(adapter, fitness)
    readable = dict.fromkeys(made.model for made in candidates(adapter, family))
    if not readable:
        return [_missing(adapter, family, why_not, step)]
    by_model = {form.model: form for form in family.forms}
    moves = []
    for model in readable:
        form = by_model[model]
        there = _with_precision(Setting(adapter.name, None), adapter, form, wishes)
        move = Move(
            adapter.id, adapter.name, model.name, model, there.precision, there.bits, model.size,
            why_not=why_not, step=step,
        )  # fmt: skip
        lacking = 0
        try:
            plan = engines.plan(adapter, model, wishes)
            there = replace(there, context_length=plan.options.context_length)
            lacking = plan.lacking
        except ModelFileError as error:
            move = replace(move, why_not=error.message, step=None)
        there = replace(there, template=_template(model))
        doubtful = not why_not and (fitness.experimental or not fitness.can_run)
        also = [fitness.why] if fitness.why and doubtful else []
        moves.append(_told(chat, here.setting, there, move, adapter.dialect.parameters, lacking, also))
    return moves


def _of_servers(chat: MovingChat, here: _Here, engines: Engines) -> list[Move]:
    from app.engines.server_dialects import DIALECTS

    moves = []
    for server in engines.attached:
        facts = server.facts()
        parameters = DIALECTS[facts.kind].parameters
        for model in facts.models:
            if (server.id, model.name) == (chat.engine, chat.model):
                continue
            if here.family is None or not _is_called(model.name, here.family):
                continue
            move = Move(server.id, server.name, model.name, remote=server.remote)
            there = Setting(server.name, model.context_length)
            also = [
                f"What {server.name} calls {model.name} has the name of this model. Which form of it that is,"
                " the server does not tell."
            ]
            if server.remote:
                also.append(f"{server.name} is on another machine: what is said to it leaves this one.")
            moves.append(_told(chat, here.setting, there, move, parameters, 0, also))
    return moves


def _told(
    chat: MovingChat,
    here: Setting,
    there: Setting,
    move: Move,
    parameters: Mapping[str, str],
    lacking: int,
    also: Sequence[str],
) -> Move:
    """`move` with what goes along and what does not."""
    same_template, other_template = about_template(here, there)
    kept = [same_template, kept_sampling(chat.params, parameters)]
    context = about_context(here, there, chat.tokens)
    differences = [
        *also,
        about_precision(here, there),
        other_template,
        *about_sampling(chat.params, parameters, there.engine, another_engine=there.engine != here.engine),
        context,
        about_memory(lacking),
    ]
    if there.context_length and not context:
        kept.append(f"{there.context_length:,} tokens of context fit there.")
    return replace(
        move,
        context_length=there.context_length,
        kept=tuple(filter(None, kept)),
        differences=tuple(filter(None, differences)),
    )


def _missing(adapter: EngineAdapter, family: Family, why_not: str, step: Step | None) -> Move:
    """What would give `adapter` a form that it reads."""
    wanted = adapter.formats[0]
    move = Move(adapter.id, adapter.name, family.name, why_not=why_not, step=step)
    if step is None and why_not:
        return move
    known = next(
        (it for it in catalog() if _is_called(it.name, family) or _is_called(it.original, family)), None
    )
    source = next((it for it in family.forms if it.is_plain and it.model.format is Format.SAFETENSORS), None)
    lacks = f"{adapter.name} reads {wanted} alone, and there is no {family.name} in that form here."
    if wanted is Format.GGUF and source is not None:
        return replace(
            move, why_not=f"{lacks} It can be converted from {source.model.name}.", step=Step.CONVERT,
            source=source.model,
        )  # fmt: skip
    repository = "" if known is None else known.original if wanted is Format.SAFETENSORS else known.repository
    where = f" The hub has it as {repository}." if repository else ""
    return replace(move, why_not=f"{lacks}{where}", step=Step.DOWNLOAD, repository=repository)


def _not_installed(adapter: EngineAdapter, fitness: Fitness) -> tuple[str, Step | None]:
    if not fitness.can_run:
        return fitness.why or f"{adapter.name} does not run on this machine.", None
    return f"{adapter.name} is not installed yet.", Step.INSTALL


def _with_precision(setting: Setting, adapter: EngineAdapter, form: Form, wishes: LoadWishes) -> Setting:
    """What it would be computed at there, as a person has set the engine up."""
    able = candidates(adapter, Family(form.family, (form,)))
    wanted = (wishes.dtype, wishes.quantize_bits)
    made = next((it.contender for it in able if _asks_for(it.wishes, wanted)), None)
    if made is None:
        made = next((it.contender for it in able if it.contender.precision == form.precision), None)
    if made is None and able:
        made = able[0].contender
    stored = replace(setting, stored=form.precision, stored_bits=form.bits)
    if made is None:
        return replace(stored, precision=form.precision, bits=form.bits)
    return replace(stored, precision=made.precision, bits=made.bits)


def _asks_for(wishes: LoadWishes, wanted: tuple[str | None, int | None]) -> bool:
    dtype, bits = wanted
    if bits is not None:
        return wishes.quantize_bits == bits
    return dtype is not None and dtype in DTYPES.values() and wishes.dtype == dtype


def _template(model: LocalModel) -> str | None:
    with suppress(EdgewiseError, OSError):
        return template_of(model)
    return None


def _is_called(name: str, family: Family) -> bool:
    """Whether these are the words of the model's name, and no others but for precision and owner."""
    words = name_words(name)
    return bool(words) and words == name_words(family.name)
