"""`edgewise engines attach`, `detach` and `servers`: servers that somebody else runs.

A key is not taken as an argument: those stay in the shell's history, and every program on the computer can
read them.
"""

from __future__ import annotations

import getpass
import json
import sys
from pathlib import Path

from app.cli.command_line import OK, USAGE
from app.cli.console import Console
from app.cli.table import table
from app.domain.attached import AttachedServer, ServerFacts
from app.domain.errors import StorageError
from app.domain.server_address import ServerAddress
from app.services.attached_servers import AttachedServers, Wanted
from app.storage.paths import Paths
from app.storage.secrets import TokenPlace
from app.storage.settings import load_settings

_LONGEST_LINE = 8192
_HEADINGS = ("Server", "Name", "Kind", "Address", "Models")


def attach_server(
    address: str, *, name: str = "", ask_key: bool = False, ca_file: Path | None = None, as_json: bool = False
) -> int:
    """Run the command; returns the exit status. Raises EdgewiseError."""
    console = Console()
    where = ServerAddress.parse(address)
    servers = _servers()
    wanted = Wanted(where, _asked() if ask_key else "", name, ca_file)
    console.transient(f"Asking {where.authority}…")
    try:
        found = servers.look(wanted)
    finally:
        console.settle()
    server, place = servers.attach(wanted, found)
    if place is TokenPlace.THIS_RUN:
        servers.detach(server)
        raise StorageError(
            "This system has no keyring, and Edgewise writes no key into a file. Attach the server in the"
            " window: its key is then kept until Edgewise ends."
        )
    if as_json:
        console.write(json.dumps(_described(server), indent=2) + "\n")
        return OK
    console.line(f"{server.name} is attached as {server.id}: {_kind(server.facts)}.")
    for model in server.facts.models:
        told = f" ({model.context_length:,} tokens of context)" if model.context_length else ""
        console.line(f"  {model.name}{told}")
    if server.address.remote:
        console.line("It is on another computer: what is said to it leaves this one.")
    if server.address.readable_by_others:
        console.line(
            "Its address is not encrypted: whoever is on the network in between can read what is said, and a"
            " key."
        )
    return OK


def detach_server(wanted: str, *, as_json: bool = False, without_asking: bool = False) -> int:
    """Run the command; returns the exit status. Raises EdgewiseError."""
    console = Console()
    servers = _servers()
    server = servers.find(wanted)
    if not without_asking:
        if not sys.stdin.isatty():
            console.error("Nobody can be asked here. Add --yes to detach it.")
            return USAGE
        answer = input(f"Detach {server.name} and forget its key? The server itself goes on. [y/N] ")
        if answer.strip().lower() not in ("y", "yes"):
            return OK
    servers.detach(server)
    if as_json:
        console.write(json.dumps({"detached": server.id}) + "\n")
    else:
        console.line(f"{server.name} is detached.")
    return OK


def list_servers(as_json: bool = False) -> int:
    """Run the command; returns the exit status. Asks no server."""
    console = Console()
    servers = _servers().all()
    if as_json:
        console.write(json.dumps([_described(server) for server in servers], indent=2) + "\n")
    elif not servers:
        console.line("No server is attached. Attach one with: edgewise engines attach ADDRESS")
    else:
        rows = [
            (server.id, server.name, _kind(server.facts), server.address.url, str(len(server.facts.models)))
            for server in servers
        ]
        for line in table([_HEADINGS, *rows], left=4):
            console.line(line)
    return OK


def _servers() -> AttachedServers:
    paths = Paths.find()
    paths.create()
    return AttachedServers(paths, lambda: load_settings(paths.settings).offline)


def _asked() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("Key (it is not shown): ")
    return sys.stdin.readline(_LONGEST_LINE)


def _kind(facts: ServerFacts) -> str:
    return f"{facts.kind} {facts.version}".strip()


def _described(server: AttachedServer) -> dict[str, object]:
    facts = server.facts
    return {
        "id": server.id,
        "name": server.name,
        "address": server.address.url,
        "remote": server.address.remote,
        "has_key": server.has_key,
        "kind": facts.kind.value,
        "version": facts.version or None,
        "models": [{"name": model.name, "context_length": model.context_length} for model in facts.models],
    }
