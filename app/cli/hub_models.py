"""`edgewise models search`, `show` and `refresh`: what the hub has."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict

from app.cli.command_line import FAILED, OK
from app.cli.console import Console
from app.cli.table import table
from app.domain.hub import Access, Format, HubModel, Variant
from app.domain.size_words import size
from app.models.catalog import catalog, find
from app.models.hub import Sort
from app.models.hub_paths import repository_in
from app.services.hub_access import HubAccess, Listing
from app.storage.paths import Paths
from app.storage.settings import load_settings

UNKNOWN = "–"


def open_hub(paths: Paths) -> HubAccess:
    """The hub, unless the settings say to stay offline."""
    return HubAccess(paths, lambda: load_settings(paths.settings).offline)


def search_models(words: str, *, format: str | None, sort: str, limit: int, as_json: bool) -> int:
    """Run the command; returns the exit status. Raises HubError."""
    console = Console()
    wanted = None if format is None else next(form for form in Format if form.value.lower() == format)
    console.transient("Asking the hub…")
    try:
        found = open_hub(Paths.find()).search(words, format=wanted, sort=Sort[sort.upper()], limit=limit)
    finally:
        console.settle()
    if as_json:
        console.write(json.dumps([asdict(model) for model in found], indent=2) + "\n")
    elif found:
        for line in table([_HEADINGS, *map(_row, found)], left=3):
            console.line(line)
    else:
        console.line("The hub has no such model. Fewer words find more.")
    return OK


def show_repository(name: str, *, as_json: bool) -> int:
    """Run the command; returns the exit status. Raises HubError."""
    console = Console()
    hub = open_hub(Paths.find())
    model = find(name)
    console.transient("Asking the hub…")
    try:
        listing = hub.listing(repository_in(name) if model is None else model.repository)
    finally:
        console.settle()
    variants = hub.variants(listing.repository)
    if listing.problem is not None:
        console.error(f"{listing.problem.message} This is what it said {_ago(listing.age_s)}.")
    if as_json:
        console.write(json.dumps(described(listing, variants), indent=2) + "\n")
        return OK
    repository = listing.repository
    access = "" if repository.access is Access.OPEN else f", {repository.access}"
    console.line(f"{repository.repository}, licence: {repository.licence or 'not told'}{access}")
    if not variants:
        console.line("It holds nothing that an engine of Edgewise reads.")
    for line in table([_offer(variant) for variant in variants], left=2):
        console.line(line)
    return OK


def refresh_catalog(*, as_json: bool) -> int:
    """Run the command; returns the exit status: failed where nothing is known of a repository in the end."""
    console = Console()
    console.transient("Asking the hub…")
    try:
        done = open_hub(Paths.find()).refresh_catalog(catalog())
    finally:
        console.settle()
    if as_json:
        failures = {name: error.message for name, error in done.failures.items()}
        console.write(json.dumps({"known": done.known, "failures": failures}, indent=2) + "\n")
    else:
        for message in dict.fromkeys(error.message for error in done.failures.values()):
            console.error(message)
        console.line(f"The files of {done.known} repositories are known, offline, too.")
    return FAILED if done.failures else OK


def described(listing: Listing, variants: Sequence[Variant]) -> dict[str, object]:
    """A repository and its variants for a program; null where nobody knows."""
    repository = listing.repository
    return {
        "repository": repository.repository,
        "revision": repository.revision,
        "access": repository.access,
        "licence": repository.licence,
        "age_s": listing.age_s if math.isfinite(listing.age_s) else None,
        "variants": [{**asdict(variant), "size": variant.size} for variant in variants],
    }


_HEADINGS = ("Repository", "Format", "Licence", "Parameters", "Downloads", "Updated")


def _row(model: HubModel) -> tuple[str, ...]:
    gated = "" if model.access is Access.OPEN else f" ({model.access})"
    return (
        model.repository,
        ", ".join(model.formats),
        f"{model.licence or UNKNOWN}{gated}",
        _count(model.parameters),
        UNKNOWN if model.downloads is None else f"{model.downloads:,}",
        model.updated or UNKNOWN,
    )


def _offer(variant: Variant) -> tuple[str, ...]:
    bytes_ = UNKNOWN if variant.size is None else size(variant.size)
    files = "1 file" if len(variant.all_files) == 1 else f"{len(variant.all_files)} files"
    return variant.label or UNKNOWN, variant.format, bytes_, files, "sees images" if variant.projector else ""


def _count(parameters: int | None) -> str:
    if parameters is None:
        return UNKNOWN
    return f"{parameters / 1e9:.1f} B" if parameters >= 1e9 else f"{parameters / 1e6:.0f} M"


def _ago(seconds: float) -> str:
    for unit, name in ((86_400.0, "day"), (3600.0, "hour"), (60.0, "minute")):
        if unit <= seconds < float("inf"):
            count = round(seconds / unit)
            return f"{count} {name}{'' if count == 1 else 's'} ago"
    return "at some time" if seconds == float("inf") else "just now"
