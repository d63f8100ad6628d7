"""`edgewise models download`: a model from the hub into the library."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Sequence

from app.advisor.ladder import Goal, Ladder
from app.cli.advise import measure_once, open_advice
from app.cli.command_line import INTERRUPTED, OK
from app.cli.console import Console
from app.cli.hub_models import open_hub
from app.domain.catalog import CatalogModel
from app.domain.download import Download, DownloadState
from app.domain.errors import EdgewiseError, HubError, ModelFileError, NotOnHub, Offline
from app.domain.hub import Format, Variant
from app.domain.size_words import size, size_of
from app.models.catalog import find
from app.models.download_shelving import key_file, place_of
from app.models.hub_paths import repository_in
from app.models.library import display_name
from app.services.download_queue import OFFLINE, DownloadQueue
from app.services.model_advice import ModelAdvice
from app.services.model_library import ModelLibrary
from app.storage.paths import Paths
from app.storage.settings import load_settings

USUAL = "Q4_K_M"
"""Taken where nothing can be advised: what most people take, good, and a third of the original."""
LOOK_S = 0.2
_BAR = 20


def download_model(model: str, quantization: str | None, as_json: bool) -> int:
    """Run the command; returns the exit status. Raises HubError, StorageError or ModelFileError.

    `model` is the catalog's name of one, or a repository; without a `quantization` the one that is advised
    for this computer is taken. What the library has is not fetched again.
    """
    console, paths = Console(), Paths.find()
    paths.create()
    if load_settings(paths.settings).offline:
        raise Offline(OFFLINE)
    hub = open_hub(paths)
    known = find(model)
    repository = repository_in(model) if known is None else known.repository
    console.transient("Asking the hub…")
    try:
        variants = hub.variants(hub.repository(repository))
        ladder = None if quantization else _ladder(open_advice(paths, hub), known, repository, paths, console)
    finally:
        console.settle()
    if ladder is not None and ladder.recommended is not None and ladder.recommended.variant is not None:
        variant = ladder.recommended.variant
    else:
        variant = choose(variants, quantization, repository)
    if ladder is not None and not as_json:
        console.note(ladder.because)
    title = display_name(repository)[0].removesuffix(" GGUF") if known is None else known.name
    name = f"{title} · {variant.label}" if variant.label else title
    queue = DownloadQueue(paths, hub.token, lambda: load_settings(paths.settings).offline)
    id_ = queue.add(variant, name)
    try:
        download = _watch(queue, id_, console)
    except KeyboardInterrupt:
        queue.pause(id_)
        # Named, as the advice may be another by then.
        again = shlex.join([model, *(("--quantization", variant.label) if variant.label else ())])
        console.error(f"Stopped; what has arrived is kept. To go on: edgewise models download {again}")
        return INTERRUPTED
    finally:
        console.settle()
        queue.close()
    if download.state is not DownloadState.DONE:
        raise _problem(download)
    path = paths.models / place_of(variant, key_file(variant))
    if variant.format is Format.SAFETENSORS:
        path = path.parent
    if not any(each.path == path for each in ModelLibrary(paths).models()):
        raise ModelFileError(
            f"{name} has arrived and is kept in {path}, but it is not in the library: it is no model that "
            "writes text, or Edgewise does not know how to read it."
        )
    if as_json:
        values = {
            "name": name,
            "repository": variant.repository,
            "revision": variant.revision,
            "format": variant.format.value,
            "quantization": variant.label,
            "path": str(path),
            "files": [str(paths.models / place_of(variant, file)) for file in variant.all_files],
            "size": download.size,
        }
        console.write(json.dumps(values, indent=2) + "\n")
    else:
        console.line(f"{name} is in the library: {path}")
    return OK


def choose(variants: Sequence[Variant], quantization: str | None, repository: str) -> Variant:
    """The variant a person means. Raises NotOnHub where there is none such, with what there is."""
    if not variants:
        raise NotOnHub(f"{repository} holds nothing that an engine of Edgewise reads.")
    if quantization is not None:
        wanted = [variant for variant in variants if variant.label.casefold() == quantization.casefold()]
        if not wanted:
            there = ", ".join(dict.fromkeys(variant.label for variant in variants if variant.label))
            raise NotOnHub(f"{repository} has no {quantization}. There is: {there or 'one without a name'}.")
        return wanted[0]
    usual = [variant for variant in variants if variant.label == USUAL]
    ggufs = [variant for variant in variants if variant.format is Format.GGUF]
    return (usual or sorted(ggufs or variants, key=lambda variant: variant.size or 0))[0]


def _ladder(
    advice: ModelAdvice, known: CatalogModel | None, repository: str, paths: Paths, console: Console
) -> Ladder | None:
    """What suits this computer; None where that cannot be said: the download will tell what is wrong."""
    try:
        if known is None:
            subject = advice.subject_of_repository(repository)
        else:
            subject = advice.subject_of_catalog(known, online=True)
    except EdgewiseError:
        return None
    measure_once(advice, paths, console)
    return advice.ladder(subject, Goal())


def _watch(queue: DownloadQueue, id_: int, console: Console) -> Download:
    while True:
        download = queue.wait(id_, LOOK_S)
        assert download is not None  # nobody cancels it
        if not download.active:
            return download
        console.settle()
        console.transient(progress_line(download)[: shutil.get_terminal_size().columns - 1])


def progress_line(download: Download) -> str:
    """Where a download stands, in one line. GB are 10^9 bytes."""
    if download.state is DownloadState.RETRYING:
        return f"Again in {download.retry_in_s or 0.0:.0f} s. {download.error}"
    if download.state is DownloadState.WAITING:
        return f"{download.name}  waiting"
    share = download.done / download.size if download.size else 0.0
    filled = round(_BAR * min(1.0, share))
    parts = [
        download.name,
        f"[{'#' * filled}{'-' * (_BAR - filled)}]",
        f"{100.0 * share:.0f} %" if download.size else "",
        size_of(download.done, download.size),
    ]
    if download.state is DownloadState.VERIFYING:
        parts.append("checking")
    elif download.speed is not None:
        parts.append(f"{size(download.speed)}/s")
        if download.seconds_left is not None:
            parts.append(_left(download.seconds_left))
    return "  ".join(part for part in parts if part)


def _left(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s left"
    return f"{seconds / 60:.0f} min left" if seconds < 5400 else f"{seconds / 3600:.1f} h left"


def _problem(download: Download) -> HubError:
    if download.state is DownloadState.PAUSED:
        return Offline(download.error)
    hint = " `edgewise models token --set` keeps one." if download.needs_token else ""
    return HubError(download.error + hint, detail=download.detail)
