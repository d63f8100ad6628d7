"""Advice on models of the catalog, the hub and this disk, for this machine as it is now.

No Qt here: the command line uses it too. Everything blocks; the window calls it from `Background`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from app.advisor.correction import Correction
from app.advisor.ladder import Candidate, Goal, Ladder, Subject, Verdict, climb, verdict
from app.domain.catalog import CatalogModel
from app.domain.errors import HubError, ModelFileError, NotOnHub
from app.domain.hub import Format, HubRepository, Variant
from app.domain.machine import Machine
from app.domain.model import LocalModel, Place
from app.domain.model_quality import VariantQuality
from app.domain.quantization import known
from app.models.catalog import find
from app.models.complete import complete_header
from app.models.details import details_of
from app.models.gguf_header import GgufHeader, read_header
from app.models.library import display_name
from app.models.mixture import mixture_of
from app.models.model_files import model_at
from app.models.presence import holds, is_of, quantization_of
from app.models.sketch import sketch
from app.models.weights import weigh
from app.services.hub_access import HubAccess
from app.services.model_library import ModelLibrary
from app.services.this_machine import BUILT_IN, gguf_build, this_machine
from app.storage.paths import Paths

if TYPE_CHECKING:
    from app.services.quality_measurements import LocalQuality

STAND_IN = "Q4_K_M"
"""Sketched where a file's own mixture is not known: only how its bytes are spread depends on it."""
_REPOSITORY = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}")


class ModelAdvice:
    """Ladders and verdicts. Any thread may call.

    `corrections` gives what earlier loads teach of an architecture on an engine. `reclaimable` tells the
    bytes that a model which is loaded now would give back: another one takes its place. `measured` tells what
    files on this machine were measured to lose, the newest first.
    """

    def __init__(
        self,
        paths: Paths,
        hub: HubAccess,
        corrections: Callable[[str, str], Correction],
        *,
        reclaimable: Callable[[], int] = lambda: 0,
        measured: Callable[[], Sequence[LocalQuality]] = tuple,
    ) -> None:
        self._paths = paths
        self._hub = hub
        self._corrections = corrections
        self._reclaimable = reclaimable
        self._measured = measured
        self._lock = Lock()
        self._machine: Machine | None = None
        self._engine = BUILT_IN
        self._subjects: dict[str, tuple[HubRepository | None, Subject]] = {}

    def machine(self, refresh: bool = False) -> Machine:
        """This machine with its bandwidth, if that was measured; `refresh` looks at it anew."""
        with self._lock:
            machine = self._machine
        if machine is None or refresh:
            build = gguf_build(self._paths)
            machine = this_machine(self._paths, build)
            memory = machine.memory
            available = min(memory.total, memory.available + max(0, self._reclaimable()))
            machine = replace(machine, memory=replace(memory, available=available))
            with self._lock:
                self._machine, self._engine = machine, build.engine
        return machine

    def subject_of_catalog(self, model: CatalogModel, *, online: bool = False) -> Subject:
        """The model in the quantizations it comes in.

        At once from what is known: the files that the hub told of before, else those that the catalog lists;
        a sketch where no real header was kept. `online` asks the hub for its files and a header, and raises
        HubError where it does not answer.
        """
        if online:
            repository = self._hub.repository(model.repository)
            subject = self._of_variants(model.name, self._ggufs(repository), model, online=True)
            return self._keep(model, repository, subject)
        kept_repository = self._hub.known(model.repository)
        with self._lock:
            kept = self._subjects.get(model.id)
        if kept is not None and kept[0] == kept_repository:
            return kept[1]
        variants = self._variants(kept_repository) if kept_repository is not None else ()
        if variants:
            subject = self._of_variants(model.name, variants, model, online=False)
        else:
            subject = _sketched(model)
        return self._keep(model, kept_repository, subject)

    def _keep(self, model: CatalogModel, repository: HubRepository | None, subject: Subject) -> Subject:
        with self._lock:
            self._subjects[model.id] = (repository, subject)
        return subject

    def subject_of_repository(self, repository: str) -> Subject:
        """The GGUF files of a repository on the hub. Raises HubError, or ModelFileError for a bad header."""
        variants = self._ggufs(self._hub.repository(repository))
        return self._of_variants(repository, variants, None, online=True)

    def subject_of_file(self, path: Path) -> Subject:
        """The one GGUF file, with its other parts and its projector. Raises ModelFileError."""
        header = complete_header(path, Format.GGUF)
        details = details_of(header, path.name)
        found = model_at(path, Place.IN_PLACE)
        projector = read_header(found.projector) if found is not None and found.projector else None
        size = found.size if found is not None else header.file_size
        candidate = Candidate(details.quantization, size, header, True, path=path, projector=projector)
        return Subject(display_name(path.stem)[0], (candidate,), details.context_length or 0)

    def find_subject(self, words: str) -> Subject:
        """The model that a person means: a GGUF file, a catalog's, one in the library, or "owner/name".

        Of the catalog's the hub is asked, if it answers. Raises ModelFileError where none or more than one is
        meant and for a bad file; HubError where a repository cannot be had.
        """
        path = Path(words)
        if path.suffix.lower() == ".gguf" and path.is_file():
            return self.subject_of_file(path.absolute())
        model = find(words)
        if model is not None:
            try:
                return self.subject_of_catalog(model, online=True)
            except HubError:
                return self.subject_of_catalog(model)
        library = ModelLibrary(self._paths)
        names = [each.name for each in library.models()]
        if words not in names and _REPOSITORY.fullmatch(words):
            return self.subject_of_repository(words)
        if not any(words.casefold() in name.casefold() for name in names):
            raise ModelFileError(
                f"There is no model “{words}” in the catalog or in your library. Name a GGUF file, or a "
                "repository of the hub as owner/name."
            )
        return self.subject_of_file(library.find(words).path)

    def ladder(self, subject: Subject, goal: Goal) -> Ladder:
        """The subject's ladder on this machine, as it was looked at last."""
        measured = _of(subject, self._measured())
        return climb(subject, self.machine(), goal, self._correction(subject), measured)

    def catalog_verdicts(self, models: Iterable[CatalogModel], goal: Goal) -> dict[str, Verdict]:
        """A verdict for each of `models`, by id. Asks nobody."""
        machine = self.machine()
        corrections: dict[str, Correction] = {}
        measured = self._measured()
        verdicts = {}
        for model in models:
            subject = self.subject_of_catalog(model)
            architecture = _architecture(subject)
            if architecture not in corrections:
                corrections[architecture] = self._correction(subject)
            ladder = climb(subject, machine, goal, corrections[architecture], _of(subject, measured))
            verdicts[model.id] = verdict(ladder)
        return verdicts

    def _correction(self, subject: Subject) -> Correction:
        self.machine()  # which build runs it shows with the look at the machine
        with self._lock:
            engine = self._engine
        return self._corrections(_architecture(subject), engine)

    def _variants(self, repository: HubRepository) -> tuple[Variant, ...]:
        variants = self._hub.variants(repository)
        return tuple(it for it in variants if it.format is Format.GGUF and it.label)

    def _ggufs(self, repository: HubRepository) -> tuple[Variant, ...]:
        """Raises NotOnHub where there are none."""
        variants = self._variants(repository)
        if not variants:
            raise NotOnHub(
                f"{repository.repository} has no GGUF models. Look for one whose name ends in GGUF."
            )
        return variants

    def _of_variants(
        self, name: str, variants: tuple[Variant, ...], model: CatalogModel | None, *, online: bool
    ) -> Subject:
        """What the hub lists, with one real header for all, or else with sketches of `model`."""
        read = _to_read(variants)
        header = self._hub.header(read) if online else self._hub.known_header(read)
        candidates = []
        for variant in variants:
            own = header
            if own is None:
                assert model is not None
                mixed = variant.label if mixture_of(variant.label) is not None else STAND_IN
                own = sketch(model.dimensions, model.context_length, mixed)
            candidates.append(_candidate(variant, own, exact=header is not None and variant is read))
        trained = header.integer("context_length") if header is not None else None
        return Subject(name, tuple(candidates), trained or (model.context_length if model else 0))


def _to_read(variants: tuple[Variant, ...]) -> Variant:
    """The one whose header stands for all: the same each time, and in one file if there is such a one."""
    whole = [variant for variant in variants if len(variant.files) == 1] or list(variants)
    usual = [variant for variant in whole if variant.label == STAND_IN]
    described = [variant for variant in whole if known(variant.label) is not None]
    return (usual or described or whole)[-1]


def _candidate(variant: Variant, header: GgufHeader, *, exact: bool) -> Candidate:
    sizes = [file.size for file in variant.files]
    size = None if None in sizes else sum(size or 0 for size in sizes)
    projector = variant.projector.size if variant.projector is not None else None
    return Candidate(variant.label, size, header, exact, variant=variant, projector=projector)


def _sketched(model: CatalogModel) -> Subject:
    """The model as the catalog alone describes it."""
    candidates: list[Candidate] = []
    for name in model.quantizations:
        if mixture_of(name) is not None:
            header = sketch(model.dimensions, model.context_length, name)
            weighed = weigh(header, candidates[0].model.shape if candidates else None)
            candidates.append(Candidate(name, header.file_size, weighed, exact=False))
    return Subject(model.name, tuple(candidates), model.context_length)


def _of(subject: Subject, measured: Sequence[LocalQuality]) -> dict[str, VariantQuality]:
    """What is known of the subject's candidates, by quantization. The first in `measured` wins."""
    found: dict[str, VariantQuality] = {}
    model = find(subject.name) if measured else None
    for each in measured:
        for candidate in subject.candidates:
            if candidate.quantization not in found and _is(each.model, candidate, model):
                found[candidate.quantization] = each.quality
    return found


def _is(local: LocalModel, candidate: Candidate, model: CatalogModel | None) -> bool:
    if candidate.path is not None:
        return local.path == candidate.path
    if candidate.variant is not None and holds(local, candidate.variant):
        return True
    return model is not None and quantization_of(local) == candidate.quantization and is_of(local, model)


def _architecture(subject: Subject) -> str:
    return subject.candidates[0].model.shape.architecture if subject.candidates else ""
