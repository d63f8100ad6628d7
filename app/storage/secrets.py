"""The access token of a person's account on a hub, and the keys of servers, where the system keeps passwords.

They are never written into a file or a log by this app. Without a keyring they are kept until the app ends.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from enum import StrEnum
from typing import TYPE_CHECKING

from app.domain.errors import HubError, StorageError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "Edgewise"
VARIABLE = "HF_TOKEN"

# Printable ASCII without spaces: what fits into a header. Today's tokens are "hf_" and 34 letters.
_SHORTEST_TOKEN = 8
_TOKEN = re.compile(r"[!-~]{8,512}")
_KEY = re.compile(r"[!-~]{1,4096}")
# keyring's own ways to the systems' stores. Others (keyrings.alt) would write it into a file.
_SYSTEM_STORES = (
    "keyring.backends.macOS",
    "keyring.backends.Windows",
    "keyring.backends.SecretService",
    "keyring.backends.libsecret",
    "keyring.backends.kwallet",
)

_log = logging.getLogger(__name__)


class TokenPlace(StrEnum):
    """Where a token is, as a person reads it."""

    NOWHERE = "no token"
    KEYRING = "in the system’s keyring"
    THIS_RUN = "until Edgewise ends"
    ENVIRONMENT = "in the variable HF_TOKEN"
    """Set by whoever started the app; it comes first, and only they can change it."""


class TokenStore:
    """The token for one hub, which `account` names: its host. Any thread may call; a keyring may ask to be
    unlocked, which takes as long as a person takes."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._lock = threading.Lock()
        self._token: str | None = None
        self._place = TokenPlace.NOWHERE
        self._looked = False

    def token(self) -> str | None:
        """The token, None if there is none. A keyring that cannot be opened holds none."""
        return self._find()[0]

    def place(self) -> TokenPlace:
        """Where `token` comes from."""
        return self._find()[1]

    def keep(self, text: str) -> TokenPlace:
        """Use `text` from now on, and keep it where the answer says. Raises HubError for what is no token."""
        token = text.strip()
        if len(token) < _SHORTEST_TOKEN:
            what = "it has too few characters" if token else "there is nothing in it"
            raise HubError(
                f"This is not an access token: {what}. Copy it whole; it begins with “hf_” as a rule and has "
                "37 characters."
            )
        if not _TOKEN.fullmatch(token):
            raise HubError("This is not an access token: it has no spaces, and begins with “hf_” as a rule.")
        with self._lock:
            self._looked, self._token, self._place = True, token, TokenPlace.THIS_RUN
            store = _system_store()
            if store is not None:
                try:
                    store.set_password(SERVICE, self._account, token)
                    self._place = TokenPlace.KEYRING
                except Exception as error:  # what a system's store raises has no common class
                    _log.warning("The keyring does not take the token: %s", type(error).__name__)
            return self._place

    def forget(self) -> None:
        """Forget it here and in the keyring. Raises StorageError where the keyring does not let it go."""
        with self._lock:
            self._looked, self._token, self._place = True, None, TokenPlace.NOWHERE
            store = _system_store()
            if store is None:
                return
            _delete(store, self._account, "token")

    def _find(self) -> tuple[str | None, TokenPlace]:
        given = os.environ.get(VARIABLE, "").strip()
        if _TOKEN.fullmatch(given):
            return given, TokenPlace.ENVIRONMENT
        with self._lock:
            if not self._looked:
                self._looked = True
                self._token = self._from_keyring()
                self._place = TokenPlace.NOWHERE if self._token is None else TokenPlace.KEYRING
            return self._token, self._place

    def _from_keyring(self) -> str | None:
        store = _system_store()
        if store is None:
            return None
        try:
            token = store.get_password(SERVICE, self._account)
        except Exception as error:
            _log.warning("The keyring cannot be read: %s", type(error).__name__)
            return None
        return token if token is not None and _TOKEN.fullmatch(token) else None


class ServerKeys:
    """The keys of attached servers, each under its server's account. Any thread may call; a keyring may ask
    to be unlocked, which takes as long as a person takes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._this_run: dict[str, str] = {}

    def get(self, account: str) -> str | None:
        """The key, None if there is none. A keyring that cannot be opened holds none."""
        with self._lock:
            if account in self._this_run:
                return self._this_run[account]
        store = _system_store()
        try:
            key = store.get_password(SERVICE, account) if store is not None else None
        except Exception as error:  # what a system's store raises has no common class
            _log.warning("The keyring cannot be read: %s", type(error).__name__)
            return None
        return key if key is not None and _KEY.fullmatch(key) else None

    def keep(self, account: str, text: str) -> TokenPlace:
        """Keep the key `text` where the answer says. Raises StorageError for what cannot be one."""
        key = text.strip()
        if not _KEY.fullmatch(key):
            raise StorageError(
                "This cannot be a key: it has no spaces, and only letters, digits and signs of ASCII."
            )
        store = _system_store()
        with self._lock:
            self._this_run[account] = key
        if store is not None:
            try:
                store.set_password(SERVICE, account, key)
            except Exception as error:
                _log.warning("The keyring does not take the key: %s", type(error).__name__)
            else:
                return TokenPlace.KEYRING
        return TokenPlace.THIS_RUN

    def forget(self, account: str) -> None:
        """Forget it here and in the keyring. Raises StorageError where the keyring does not let it go."""
        with self._lock:
            self._this_run.pop(account, None)
        store = _system_store()
        if store is not None:
            _delete(store, account, "key")


def _delete(store: KeyringBackend, account: str, what: str) -> None:
    try:
        if store.get_password(SERVICE, account) is not None:
            store.delete_password(SERVICE, account)
    except Exception as error:
        raise StorageError(
            f"The system’s keyring does not let go of the {what}. Delete “{SERVICE}” in the system’s own "
            "program for passwords.",
            detail=type(error).__name__,
        ) from None  # what a store raises may hold what it stores


def _system_store() -> KeyringBackend | None:
    """The system's own store, None where there is none, or where keyring would take a file instead."""
    try:
        import keyring

        chosen = keyring.get_keyring()
    except Exception as error:  # a broken configuration of keyring, a session bus that answers rubbish
        _log.warning("There is no keyring: %s", type(error).__name__)
        return None
    # One that stands for several lists them, the best first.
    candidates: list[KeyringBackend] = list(getattr(chosen, "backends", [chosen]))
    return next((store for store in candidates if type(store).__module__ in _SYSTEM_STORES), None)
