"""`edgewise update`: whether there is a newer version. One request; nothing is fetched or installed."""

from __future__ import annotations

import argparse
import json

from app import __version__
from app.cli.command_line import OK


def add_parser(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], *parents: argparse.ArgumentParser
) -> None:
    """Add the command; `parents` have the options that every one takes."""
    parser = commands.add_parser(
        "update",
        parents=list(parents),
        help="say whether there is a newer version",
        description="Asks the page of the releases whether there is a newer version, and says where to get"
        " it. Downloads and installs nothing.",
    )
    parser.add_argument("--json", action="store_true", help="as one JSON object; sizes in bytes")


def run(*, as_json: bool) -> int:
    """Run the command; returns the exit status. Raises UpdateUnknown, Offline."""
    from app.cli.console import Console
    from app.domain.generation import Cancellation
    from app.domain.size_words import size
    from app.services.updates import NOT_PUBLISHED, Updates, installed
    from app.storage.paths import Paths
    from app.storage.release import this_release
    from app.storage.settings import load_settings

    console = Console()
    updates = Updates(this_release(), lambda: load_settings(Paths.find().settings).offline)
    told: dict[str, object] = {"version": __version__, "published": updates.published, "newer": None}
    if not updates.published:
        lines = [f"Edgewise {__version__}. {NOT_PUBLISHED}"]
    else:
        console.transient("Asking for a newer version…")
        try:
            newer = updates.look(Cancellation())
        finally:
            console.settle()
        if newer is None:
            lines = [f"Edgewise {__version__} is the newest version."]
        else:
            file = newer.file_for(installed())
            lines = [
                f"Edgewise {newer.version} of {newer.day} is newer than this one ({__version__}).",
                *(f"  {line}" for line in newer.notes.splitlines()),
                *([f"For this computer: {file.name}, {size(file.size)}."] if file else []),
                f"Its page: {newer.page}",
            ]
            told["newer"] = {
                "version": newer.version,
                "date": newer.day.isoformat(),
                "notes": newer.notes,
                "page": newer.page,
                "file": {"name": file.name, "size": file.size, "sha256": file.sha256} if file else None,
            }
    if as_json:
        console.write(json.dumps(told, indent=2) + "\n")
    else:
        for line in lines:
            console.line(line)
    return OK
