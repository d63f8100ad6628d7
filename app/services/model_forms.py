"""Which models of the library are forms of the same one, and which form each engine would run.

No Qt here. `forms` reads headers: call it from a worker.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from app.domain.engine import LoadWishes
from app.domain.errors import ModelFileError
from app.domain.hub import Format
from app.domain.model import LocalModel
from app.domain.speed_test import Contender
from app.models.identity import PLAIN_BITS, Identity, identity_of

if TYPE_CHECKING:
    from app.engines.base import AttachedEngine, EngineAdapter

DTYPES = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}
"""What floating point can be computed in, to PyTorch's names for it."""
_ON_LOADING = {"int8": 8, "int4": 4}
"""What Transformers quantizes to on loading, to bits a weight."""
_DTYPE_ENGINES = ("transformers", "vllm", "sglang")
"""Engines that compute in another floating point than the weights are stored in, if they are told to."""
_LARGEST_USEFUL_BITS = 17.0
"""A form with more is the last that is chosen: it is no better than one of 16 and takes twice the bytes."""


@dataclass(frozen=True, slots=True)
class Form:
    """A model as it lies on this machine. `precision` and `bits` are those that its weights are stored in."""

    model: LocalModel
    family: str
    precision: str
    bits: float | None

    @property
    def is_plain(self) -> bool:
        """Stored in floating point, so that it can be computed in another one."""
        return self.precision in PLAIN_BITS


@dataclass(frozen=True, slots=True)
class Family:
    """One model in all its forms, in the order that they were given in. `name` is for reading."""

    name: str
    forms: tuple[Form, ...]


@dataclass(frozen=True, slots=True)
class Families:
    """All of them, in the order of their first forms."""

    all: tuple[Family, ...]

    def of(self, model: LocalModel) -> Family | None:
        """The family that `model` is of; None if its headers could not be read."""
        return next((it for it in self.all if any(form.model == model for form in it.forms)), None)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One form in one engine, as it would take part: `wishes` make it compute at that precision."""

    contender: Contender
    model: LocalModel
    wishes: LoadWishes


def forms(models: Sequence[LocalModel]) -> Families:
    """Which of `models` are forms of the same one. Blocks. What has no readable headers is left out."""
    groups: list[list[tuple[LocalModel, Identity]]] = []
    for model in models:
        with suppress(ModelFileError, OSError):
            identity = _identity(model)
            same = [group for group in groups if any(identity.is_same(other) for _, other in group)]
            for group in same[1:]:  # it is what they have in common
                same[0] += group
                groups.remove(group)
            if same:
                same[0].append((model, identity))
            else:
                groups.append([(model, identity)])
    return Families(tuple(_family(group, name) for group, name in zip(groups, _names(groups), strict=True)))


def candidates(engine: EngineAdapter, family: Family, picked: LocalModel | None = None) -> list[Candidate]:
    """All that `engine` could run of `family`, what it would run first: `picked` if it reads that.

    Else weights as they are stored before those that are converted on loading, and the most bits first.
    """
    found: list[tuple[tuple[bool, bool, bool, float], Candidate]] = []
    for form in family.forms:
        if form.model.format not in engine.formats:
            continue
        for precision in _precisions(engine, form):
            made = candidate(engine, form, precision)
            bits = made.contender.bits or 0.0
            stored = precision == form.precision
            order = (form.model != picked, bits > _LARGEST_USEFUL_BITS, not stored, -bits)
            found.append((order, made))
    return [made for _, made in sorted(found, key=lambda it: it[0])]


def candidate(engine: EngineAdapter, form: Form, precision: str | None = None) -> Candidate:
    """`form` in `engine` at that precision, one of those that `candidates` has; None: as it is stored."""
    precision = precision or _precisions(engine, form)[0]
    quantize = _ON_LOADING.get(precision) if precision != form.precision else None
    dtype = None
    if engine.id in _DTYPE_ENGINES:
        # Said, whatever it is: "as it is stored" may be computed in another one on some processors.
        dtype = DTYPES.get(precision)
    contender = Contender(
        engine_id=engine.id,
        engine=engine.name,
        model=form.model.name,
        family=form.family,
        precision=precision,
        bits=form.bits if precision == form.precision else PLAIN_BITS.get(precision, quantize),
    )
    return Candidate(contender, form.model, LoadWishes(dtype=dtype, quantize_bits=quantize))


def best_entrants(
    family: Family, engines: Sequence[EngineAdapter], picked: LocalModel | None = None
) -> list[Candidate]:
    """For each of `engines` that reads a form of `family`, in their order, the one that it would run.

    The precision that most of them can compute at, where more than one can; the others take their best.
    """
    each = [found for engine in engines if (found := candidates(engine, family, picked))]
    counts = Counter(precision for found in each for precision in {it.contender.precision for it in found})
    best = {found[0].contender.precision for found in each}
    stored = {form.precision for form in family.forms}
    shared = max(
        (precision for precision, count in counts.items() if count > 1),
        key=lambda it: (counts[it], it in best, it in stored, PLAIN_BITS.get(it, 0.0) == 16.0, it),
        default=None,
    )
    return [next((it for it in found if it.contender.precision == shared), found[0]) for found in each]


def served(engine: AttachedEngine, model: str) -> Contender:
    """A model of an attached server. At which precision it is computed there nobody tells."""
    return Contender(engine.id, engine.name, model, family=model, precision="", remote=engine.remote)


def differences(contenders: Sequence[Contender]) -> list[str]:
    """What is not like for like among them, in sentences; empty where all is."""
    return [*_models_differ(contenders), *_precisions_differ(contenders), *_places_differ(contenders)]


def _models_differ(contenders: Sequence[Contender]) -> list[str]:
    own = [it for it in contenders if it.precision]
    said = []
    if len({it.family for it in own}) > 1:
        each = _and([f"{it.engine} runs {it.family}" for it in own])
        said.append(f"{each}: these are different models. Compare engines with the same model only.")
    for it in contenders:
        if not it.precision:
            said.append(
                f"What {it.engine} calls {it.model} may be another form of the model, or another model: at"
                " which precision it computes, it does not tell."
            )
    return said


def _precisions_differ(contenders: Sequence[Contender]) -> list[str]:
    known = [it for it in contenders if it.precision]
    if len({it.precision for it in known}) < 2:
        return []
    first, *others = known
    each = [
        f"{first.engine} computes {_precision(first)}",
        *(f"{it.engine} {_precision(it)}" for it in others),
    ]
    sized = [(it.bits, it) for it in known if it.bits]
    moved = ""
    if len(sized) > 1:
        (least, small), (most, large) = min(sized, key=lambda it: it[0]), max(sized, key=lambda it: it[0])
        if least / most < 0.95:
            which = "the first" if small is first and len(known) == 2 else _told_apart(small, known)
            than = "" if len(known) == 2 else f" that {_told_apart(large, known)} moves"
            moved = f": {which} moves {_share(least / most)} of the bytes{than}"
    return [f"{', '.join(each)}{moved}. Compare engines at the same precision only."]


def _places_differ(contenders: Sequence[Contender]) -> list[str]:
    return [
        f"{it.engine} is on another machine: its figures are those of that machine and of the network."
        for it in contenders
        if it.remote
    ]


def _precision(contender: Contender) -> str:
    if contender.bits is None:
        return contender.precision
    return f"{contender.precision} ({contender.bits:.3g} bits a weight)"


def _told_apart(contender: Contender, among: Sequence[Contender]) -> str:
    """The engine, with its precision where it takes part more than once."""
    twice = sum(it.engine == contender.engine for it in among) > 1
    return f"{contender.engine} at {contender.precision}" if twice else contender.engine


def _share(share: float) -> str:
    for most, words in ((0.29, "about a quarter"), (0.41, "about a third"), (0.6, "about half")):
        if 0.21 <= share < most:
            return words
    return f"about {share:.0%}".replace("%", " %")


def _and(clauses: Sequence[str]) -> str:
    *first, last = clauses
    return f"{', '.join(first)} and {last}" if first else last


def _precisions(engine: EngineAdapter, form: Form) -> list[str]:
    """At which precisions `engine` can compute `form`, what it would do by itself first."""
    if engine.id == "transformers" and form.model.format is Format.GGUF:
        return list(DTYPES)  # unpacked on loading, whatever it is stored in
    if not form.is_plain or engine.id not in _DTYPE_ENGINES:
        return [form.precision]
    precisions = [form.precision, *(it for it in DTYPES if it != form.precision)]
    return precisions + list(_ON_LOADING) if engine.id == "transformers" else precisions


def _family(group: Sequence[tuple[LocalModel, Identity]], name: str) -> Family:
    return Family(name, tuple(Form(model, name, it.precision, it.bits) for model, it in group))


def _names(groups: Sequence[Sequence[tuple[LocalModel, Identity]]]) -> list[str]:
    """A name for each group: its first form's title, or that form's own name where two would share it."""
    titles = [group[0][1].title for group in groups]
    return [
        title if titles.count(title) == 1 else group[0][0].name
        for title, group in zip(titles, groups, strict=True)
    ]


def _identity(model: LocalModel) -> Identity:
    """`identity_of`, read again only once the file has changed."""
    status = model.path.stat()
    return _read(model, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=1024)
def _read(model: LocalModel, _size: int, _mtime_ns: int) -> Identity:
    return identity_of(model)
