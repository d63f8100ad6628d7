"""The models on this machine: a list, what each is, and what can be done with it.

No Qt here, and everything blocks: the window calls it from `Background`, the command line as it is.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Container, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from app.domain.errors import ModelFileError, StorageError
from app.domain.generation import Cancellation
from app.domain.hub import Format
from app.domain.model import LibraryEntry, LocalModel, ModelDetails, Place, Verification
from app.models.bundled import bundled_models, starter_sha256
from app.models.details import details_of, why_no_chat
from app.models.found_elsewhere import found_elsewhere, known_sha256
from app.models.gguf_header import check_complete, read_header
from app.models.library import find_model, named
from app.models.model_files import PART, FoundModel, files_of, model_at, models_under, parts_of
from app.models.safetensors_folder import details_of_folder
from app.models.verify import Progress, verify
from app.services.model_import import copy_in, importable
from app.storage.added_models import AddedModels
from app.storage.checksums import Checksums
from app.storage.failures import explain_os_error
from app.storage.header_cache import CachedHeader, HeaderCache
from app.storage.paths import Paths

TRIED = 20
"""Models whose headers are looked at, smallest first, for one that can chat."""

_log = logging.getLogger(__name__)


class ModelLibrary:
    """All models of all places. Any thread may call.

    `last_used` gives the time (seconds since the epoch) at which each model, by name, was last used.
    """

    def __init__(
        self,
        paths: Paths,
        last_used: Callable[[], Mapping[str, float]] = dict,
    ) -> None:
        self._paths = paths
        self._last_used = last_used
        self._headers = HeaderCache(paths.header_cache)
        self._added = AddedModels(paths.added_models)
        self._checksums = Checksums(paths.checksums)
        self._names: dict[str, LocalModel] = {}
        """As they were listed last."""

    def models(self) -> list[LocalModel]:
        """All of them, by name."""
        return [entry.model for entry in self._listed()]

    def chat_models(self, formats: Container[Format] = (Format.GGUF,)) -> list[LocalModel]:
        """Those to choose from for a chat: that are there, and not known to be none that can chat.

        `formats` are those that the engines take which are installed.
        """
        return [
            entry.model
            for entry in map(self._with_known_details, self._listed())
            if entry.model.format in formats and entry.model.size > 0 and not entry.problem
        ]

    def entries(self) -> list[LibraryEntry]:
        """All of them, by name, at once: with the details that are known from before.

        An entry without `details` and without a `problem` is one whose header was not read yet;
        `read_details` does that.
        """
        used = self._last_used()
        return [self._with_known_details(entry, used.get(entry.model.name)) for entry in self._listed()]

    def details(self, entry: LibraryEntry) -> LibraryEntry:
        """`entry` with what its header says, read if it is not known; a `problem` if it cannot be."""
        known = self._with_known_details(entry)
        return known if known.details or known.problem else self._read(entry)

    def read_details(
        self,
        entries: Iterable[LibraryEntry],
        found: Callable[[LibraryEntry], None],
        cancellation: Cancellation | None = None,
    ) -> None:
        """Read the headers of those of `entries` that are not known yet; `found` is called with each.

        What was read is kept for the next time, also when `cancellation` ends it early.
        """
        entries = list(entries)
        for entry in entries:
            if cancellation is not None and cancellation.cancelled:
                break
            if entry.details is None and not entry.problem:
                found(self.details(entry))
        self._save_headers()

    def find(self, wanted: str) -> LocalModel:
        """The model that a person means. Raises ModelFileError (see `library.find_model`)."""
        return find_model(self.models(), wanted, folder=self._paths.models)

    def entry(self, wanted: str) -> LibraryEntry:
        """The entry of the model in the library that a person means. Raises ModelFileError."""
        entries = self.entries()
        model = find_model([entry.model for entry in entries], wanted, folder=self._paths.models)
        for entry in entries:
            if entry.model.path == model.path:
                return entry
        raise ModelFileError(f"{model.path} is not in the library. Import it first.")

    def known_at(self, path: Path) -> LibraryEntry | None:
        """The entry, with details, whose first file or folder is at `path`, links followed."""
        real = path.resolve()
        for entry in self._listed():
            if entry.model.path.resolve() == real:
                return self.details(entry)
        return None

    def choose(self, wanted: str | None, last_used: str | None) -> LocalModel:
        """The model that a person means; without a wish the one used last, if it is still there.

        Else the smallest that can chat, of Edgewise's own folder rather than of another program. Raises
        ModelFileError when there is none, or more than one is meant.
        """
        if wanted is not None and (model := self._as_before(wanted)) is not None:
            return model
        models = self.models()
        if wanted is not None:
            return find_model(models, wanted, folder=self._paths.models)
        if last_used is not None:
            with suppress(ModelFileError):
                last = find_model(models, last_used)
                if last.format is Format.GGUF and last.size > 0:
                    return last
        return self._smallest(models)

    def import_model(
        self, path: Path, *, copy: bool, progress: Progress, cancellation: Cancellation
    ) -> LibraryEntry:
        """Take the model at `path` into the library: a GGUF file, or a folder of safetensors.

        All files of a split model and its projector come along. With `copy` they are copied into the model
        folder, else only remembered where they lie. `progress` counts bytes.

        Raises ModelFileError for what is no model, is not whole or is there already, `DiskFull` or
        `StorageError` where it cannot be kept, and Cancelled; then nothing is left behind.
        """
        found = importable(path)
        self._refuse_known(found, copy=copy)
        if copy:
            target = copy_in(found, self._paths, progress, cancellation)
        else:
            target = found.path.absolute()
            self._added.add(target)
        for entry in self._listed():
            if entry.model.path == target:
                entry = self.details(entry)
                self._save_headers()
                return entry
        raise ModelFileError(f"{target.name} was there but is gone again.", detail=str(target))

    def verify(self, entry: LibraryEntry, progress: Progress, cancellation: Cancellation) -> Verification:
        """Look at all bytes of the model, and of its projector. `progress` counts bytes. Raises Cancelled."""
        files = files_of(entry.model.path, entry.model.format)
        if entry.projector is not None:
            files.append(entry.projector)
        place = entry.model.place
        return verify(entry.model, [(it, self._sha256(it, place)) for it in files], progress, cancellation)

    def freed_by_removing(self, entry: LibraryEntry) -> int:
        """Bytes that `remove` would free; none where the files are not ours to delete."""
        if entry.model.place is not Place.LIBRARY:
            return 0
        return sum(map(_freed, self._removable(entry)))

    def why_kept(self, entry: LibraryEntry) -> str:
        """Why `remove` refuses, in a sentence; empty where it does not."""
        model = entry.model
        if model.place is Place.BUNDLED:
            return f"{model.name} comes with Edgewise and stays as long as Edgewise is installed."
        return f"{model.name} belongs to {_ELSEWHERE[model.place]}" if model.place in _ELSEWHERE else ""

    def remove(self, entry: LibraryEntry) -> int:
        """Delete the model's files from the model folder, or forget one that was added in place.

        Its projector goes with it unless another model uses it, and folders that are empty then. Returns the
        bytes freed. Raises ModelFileError for a model of another program, with where to delete it, and
        `StorageError` for a file that cannot be deleted.
        """
        model = entry.model
        if model.place is Place.IN_PLACE:
            self._added.forget(model.path)
            return 0
        if reason := self.why_kept(entry):
            raise ModelFileError(reason)
        freed = 0
        gone: list[Path] = []
        try:
            for path in self._removable(entry):
                freeing = _freed(path)
                try:
                    path.unlink(missing_ok=True)
                except PermissionError as error:
                    raise StorageError(
                        f"{path.name} cannot be deleted: it is in use, or its folder does not allow it. "
                        "Choose another model in every chat that uses it, then try again.",
                        detail=str(error),
                    ) from error
                except OSError as error:
                    raise explain_os_error(error, path) from error
                freed += freeing
                gone.append(path)
        finally:
            with suppress(StorageError):  # the files are gone; what they had to hash to is only of no use now
                self._checksums.forget(map(self._relative, gone))
        folder = model.path if model.format is Format.SAFETENSORS else model.path.parent
        self._remove_empty(folder)
        return freed

    def _listed(self) -> list[LibraryEntry]:
        found = models_under(self._paths.models, Place.LIBRARY)
        found += bundled_models(found)
        found += [model_at(path, Place.IN_PLACE) or _missing(path) for path in self._added.all()]
        with suppress(RuntimeError):  # nobody's home can be told
            found += found_elsewhere(os.environ, Path.home())
        entries = named(found)
        self._names = {entry.model.name: entry.model for entry in entries}
        return entries

    def _as_before(self, name: str) -> LocalModel | None:
        """The model of that name, if its one file is as it was: a reply shall not wait for the whole list."""
        model = self._names.get(name)
        if model is None or model.format is not Format.GGUF or PART.fullmatch(model.path.stem):
            return None
        with suppress(OSError):
            if model.path.stat().st_size == model.size:
                return model
        return None

    def _with_known_details(self, entry: LibraryEntry, last_used: float | None = None) -> LibraryEntry:
        last_used = entry.last_used if last_used is None else last_used
        if entry.details is not None:
            return replace(entry, last_used=last_used)
        path = str(entry.model.path)
        known = None
        with suppress(OSError):
            known = self._headers.get(path, entry.model.size, os.stat(path).st_mtime_ns)  # noqa: PTH116
        details, problem = (known.details, known.problem) if known is not None else (None, "")
        return LibraryEntry(entry.model, details, last_used, entry.problem or problem, entry.projector)

    def _read(self, entry: LibraryEntry) -> LibraryEntry:
        model = entry.model
        details: ModelDetails | None = None
        problem = ""
        try:
            mtime_ns = model.path.stat().st_mtime_ns
            details, problem = _read_headers(model)
        except ModelFileError as error:
            problem = _sentence(error.message)
        except OSError as error:
            return replace(entry, problem=f"The file cannot be read ({error.strerror or error}).")
        self._headers.put(str(model.path), CachedHeader(model.size, mtime_ns, details, problem))
        return replace(entry, details=details, problem=entry.problem or problem)

    def _save_headers(self) -> None:
        try:
            self._headers.save([str(entry.model.path) for entry in self._listed()])
        except StorageError as error:  # they are read again the next time
            _log.warning("What the headers said cannot be kept: %s", error.detail or error)

    def _smallest(self, models: list[LocalModel]) -> LocalModel:
        candidates = sorted(
            (model for model in models if model.format is Format.GGUF and model.size > 0),
            key=lambda model: (model.place not in (Place.LIBRARY, Place.BUNDLED), model.size),
        )
        for model in candidates[:TRIED]:
            if not self.details(LibraryEntry(model, None)).problem:
                return model
        # None of them can, so loading one says why; or there is none at all.
        return candidates[0] if candidates else find_model([], None, folder=self._paths.models)

    def _refuse_known(self, found: FoundModel, *, copy: bool) -> None:
        real = found.path.resolve()
        for entry in self._listed():
            model = entry.model
            if model.path.resolve() == real and not (copy and model.place is not Place.LIBRARY):
                raise ModelFileError(
                    f"It is already in the library, as {model.name}.", detail=str(model.path)
                )

    def _sha256(self, path: Path, place: Place) -> str | None:
        if place is Place.BUNDLED:
            return starter_sha256(path.name)
        if path.is_relative_to(self._paths.models):
            known = self._checksums.get(self._relative(path))
            return known.sha256 if known is not None else None
        return known_sha256(path)

    def _relative(self, path: Path) -> str:
        return path.relative_to(self._paths.models).as_posix()

    def _removable(self, entry: LibraryEntry) -> list[Path]:
        """The files that go with a model of ours; never one outside the model folder."""
        files = files_of(entry.model.path, entry.model.format)
        if entry.projector is not None and not any(
            other.projector == entry.projector and other.model.path != entry.model.path
            for other in self._listed()
        ):
            files.append(entry.projector)
        root = self._paths.models.resolve()
        return [
            path
            for path in files
            if path.is_relative_to(self._paths.models) and path.parent.resolve().is_relative_to(root)
        ]

    def _remove_empty(self, folder: Path) -> None:
        while folder != self._paths.models and folder.is_relative_to(self._paths.models):
            try:
                folder.rmdir()
            except OSError:  # not empty
                return
            folder = folder.parent


def _read_headers(model: LocalModel) -> tuple[ModelDetails, str]:
    """What the headers say, and what speaks against using the model. Raises ModelFileError and OSError."""
    if model.format is Format.SAFETENSORS:
        return details_of_folder(model.path), ""
    # Ollama's files are named by their hash.
    name = model.name if model.place is Place.OLLAMA else model.path.stem
    parts = parts_of(model.path)
    headers = [read_header(part) for part in parts]
    details = details_of(headers[0], name, headers[1:])
    try:
        for part, header in zip(parts, headers, strict=True):
            check_complete(part, header)
    except ModelFileError as error:
        return details, _sentence(error.message)
    return details, why_no_chat(headers[0])


def _sentence(message: str) -> str:
    """Some failures follow a model's name ("x: the file ends early"); here they stand alone."""
    return f"The {message[4:]}" if message.startswith("the ") else message


def _missing(path: Path) -> FoundModel:
    """A model that was added where it lay and is not there any more, or not now."""
    gguf = path.suffix.lower() == ".gguf"
    return FoundModel(
        path,
        0,
        Place.IN_PLACE,
        (path.stem if gguf else path.name, f"{path.parent.name}/{path.stem if gguf else path.name}"),
        Format.GGUF if gguf else Format.SAFETENSORS,
        problem=f"It is not at {path} any more. Connect the disk it was on, or remove it from the list.",
    )


def _freed(path: Path) -> int:
    """Bytes that deleting the file frees: none for a link, or while the file has another name, too."""
    try:
        status = path.lstat()
    except OSError:
        return 0
    return status.st_size if status.st_nlink == 1 and not path.is_symlink() else 0


_ELSEWHERE = {
    Place.HUGGING_FACE: "the Hugging Face cache, which other programs use, too. `hf cache` deletes from it.",
    Place.LM_STUDIO: "LM Studio. Delete it there, on its page “My Models”.",
    Place.OLLAMA: "Ollama. Delete it there: `ollama rm` with its name.",
}
