"""`edgewise models token`: the access token for gated repositories.

It is never shown, and not taken as an argument: those stay in the shell's history, and every program on the
computer can read them.
"""

from __future__ import annotations

import getpass
import json
import sys

from app.cli.command_line import OK
from app.cli.console import Console
from app.cli.hub_models import open_hub
from app.domain.errors import HubError
from app.storage.paths import Paths
from app.storage.secrets import TokenPlace

_LONGEST_LINE = 4096

_SENTENCES = {
    TokenPlace.NOWHERE: "There is no access token. Gated repositories cannot be downloaded.",
    TokenPlace.KEYRING: "There is an access token in the system’s keyring.",
    TokenPlace.THIS_RUN: "There is an access token for this run alone.",
    TokenPlace.ENVIRONMENT: "There is an access token in the variable HF_TOKEN.",
}


def manage_token(*, keep: bool, forget: bool, as_json: bool) -> int:
    """Run the command; returns the exit status. Raises HubError, StorageError."""
    hub = open_hub(Paths.find())
    if keep:
        if hub.set_token(_asked()) is TokenPlace.THIS_RUN:
            raise HubError(
                "This system has no keyring, and Edgewise writes no token into a file. Set the variable "
                "HF_TOKEN instead."
            )
    elif forget:
        hub.forget_token()
    place = hub.token_place()
    console = Console()
    if as_json:
        console.write(json.dumps({"token": place.name.lower()}) + "\n")
    else:
        console.line(_SENTENCES[place])
    return OK


def _asked() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("Access token (it is not shown): ")
    return sys.stdin.readline(_LONGEST_LINE)
