"""The hub as the app uses it: with the person's token, the offline switch, and what was said before.

No Qt here: the command line uses it too. Everything blocks; the window calls it from `Background`.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

from app.domain.catalog import CatalogModel
from app.domain.errors import HubBusy, HubError, HubUnreachable, Offline
from app.domain.hub import Format, HubModel, HubRepository, Variant
from app.models.gguf_header import GgufHeader
from app.models.header_record import header_from_record, header_to_record
from app.models.hub import Hub, Sort
from app.models.hub_answers import read_repository, write_repository
from app.models.hub_paths import safe_repository, safe_revision
from app.models.hub_session import hub_endpoint
from app.models.variants import variants_of
from app.services.abandonable import Abandonable
from app.storage.hub_cache import HubCache
from app.storage.paths import Paths
from app.storage.secrets import TokenPlace, TokenStore

T = TypeVar("T")

FRESH_S = 6 * 3600.0
"""A listing younger than this is not asked for again: repositories change every few days at most."""
REFRESHED_AT_ONCE = 4
"""Requests at the same time; a hub takes more for an attack."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A repository, and how old that answer is in seconds. `problem` says why it is not a fresh one."""

    repository: HubRepository
    age_s: float = 0.0
    problem: HubError | None = None

    @property
    def stale(self) -> bool:
        """Whether it is an old answer, because the hub could not be asked."""
        return self.problem is not None


@dataclass(frozen=True, slots=True)
class Refreshed:
    """How many repositories are known now, and what became of the others."""

    known: int
    failures: dict[str, HubError] = field(default_factory=dict)


class HubAccess:
    """Asks the hub at HF_ENDPOINT, or `endpoint`. Any thread may call.

    While `offline` says so nothing is tried, and only what was kept is given.
    """

    def __init__(
        self,
        paths: Paths,
        offline: Callable[[], bool],
        *,
        endpoint: str | None = None,
        tokens: TokenStore | None = None,
    ) -> None:
        self._offline = offline
        self._endpoint = endpoint
        self._cache = HubCache(paths.hub_cache)
        self._tokens = tokens
        self._lock = threading.Lock()
        self._waiting = Abandonable()

    def search(
        self, words: str, *, format: Format | None = None, sort: Sort = Sort.DOWNLOADS, limit: int = 30
    ) -> list[HubModel]:
        """Models whose names hold `words`, as `Hub.search` finds them. Raises HubError; `Offline` at once."""
        return self._ask(lambda hub: hub.search(words, format=format, sort=sort, limit=limit))

    def repository(self, name: str, revision: str = "main") -> HubRepository:
        """What the repository holds: as kept if that is fresh or all there is. Raises HubError."""
        return self.listing(name, revision).repository

    def listing(self, name: str, revision: str = "main", *, anew: bool = False) -> Listing:
        """`repository` with its age. `anew` asks the hub also when the answer kept is fresh."""
        key = self._key("repository", safe_repository(name), safe_revision(revision))
        kept = self._kept(key, name)
        if kept is not None and kept.age_s < FRESH_S and not anew:
            return kept
        try:
            repository = self._ask(lambda hub: hub.repository(name, revision))
        except (Offline, HubUnreachable, HubBusy) as error:
            if kept is None:
                raise
            return Listing(kept.repository, kept.age_s, error)
        self._cache.put(key, write_repository(repository))
        return Listing(repository)

    def known(self, name: str, revision: str = "main") -> HubRepository | None:
        """What was kept of the repository, however old. Asks nobody; never fails."""
        try:
            kept = self._kept(self._key("repository", name, revision), name)
        except HubError:  # HF_ENDPOINT holds no address
            return None
        return None if kept is None else kept.repository

    def variants(self, repository: HubRepository) -> tuple[Variant, ...]:
        """What can be downloaded of it (`app.models.variants.variants_of`)."""
        return variants_of(repository)

    def header(self, variant: Variant) -> GgufHeader:
        """The header of a GGUF variant: fetched once and then kept, as a commit's files never change.

        Raises HubError, or ModelFileError where the file is no model.
        """
        header = self.known_header(variant)
        if header is None:
            header = self._ask(lambda hub: hub.header(variant))
            self._cache.put(self._header_key(variant), header_to_record(header))
        return header

    def known_header(self, variant: Variant) -> GgufHeader | None:
        """What was kept of the variant's header. Asks nobody; never fails."""
        try:
            kept = self._cache.get(self._header_key(variant))
        except HubError:  # HF_ENDPOINT holds no address
            return None
        return None if kept is None else header_from_record(kept.value)

    def refresh_catalog(self, models: Iterable[CatalogModel]) -> Refreshed:
        """Look up the repositories of `models`, some at a time, so that they are known offline afterwards.

        What is fresh is not asked for. Once the hub cannot be reached, asks to wait, or the switch is set,
        the rest is not tried.
        """
        names = list(dict.fromkeys(name for model in models for name in (model.repository, model.original)))
        failures: dict[str, HubError] = {}
        hopeless: list[HubError] = []

        def look_up(name: str) -> None:
            if hopeless:
                failures[name] = hopeless[0]
                return
            try:
                problem = self.listing(name).problem
            except HubError as error:
                problem = error
            if problem is not None:
                failures[name] = problem
                if isinstance(problem, Offline | HubUnreachable | HubBusy):
                    hopeless.append(problem)

        with ThreadPoolExecutor(REFRESHED_AT_ONCE, thread_name_prefix="catalog") as pool:
            list(pool.map(look_up, names))
        return Refreshed(sum(self.known(name) is not None for name in names), failures)

    def token(self) -> str | None:
        """The person's access token for this hub. May wait for the keyring to be unlocked."""
        return self._store().token()

    def token_place(self) -> TokenPlace:
        """Where the token is kept."""
        return self._store().place()

    def set_token(self, text: str) -> TokenPlace:
        """Use this token; says where it is kept. Raises HubError for what is no token."""
        return self._store().keep(text)

    def forget_token(self) -> None:
        """Forget the token. Raises StorageError where the keyring does not let it go."""
        self._store().forget()

    def close(self) -> None:
        """Wait for the hub no longer, as the app is ending: what was asked for raises `Offline`."""
        self._waiting.close()

    def _ask(self, question: Callable[[Hub], T]) -> T:
        if self._offline():
            raise Offline(
                "Edgewise is offline, so nothing was asked of the hub. Switch that off in the settings."
            )
        where = self._where()
        return self._waiting.run(lambda: question(Hub(where, self.token())))

    def _where(self) -> str:
        """The hub's address; raises HubError where HF_ENDPOINT holds none."""
        return self._endpoint or hub_endpoint()

    def _store(self) -> TokenStore:
        # A token is for one hub and is sent to no other: its host is the account it is kept under.
        with self._lock:
            if self._tokens is None:
                self._tokens = TokenStore(urlsplit(self._where()).netloc.rpartition("@")[2])
            return self._tokens

    def _key(self, *parts: str) -> str:
        return " ".join((parts[0], self._where(), *parts[1:]))

    def _header_key(self, variant: Variant) -> str:
        paths = (f"{file.path} {file.sha256} {file.size}" for file in variant.files)
        files = hashlib.sha256("\n".join(paths).encode()).hexdigest()
        return self._key("header", variant.repository, f"{variant.revision} {files}")

    def _kept(self, key: str, name: str) -> Listing | None:
        kept = self._cache.get(key)
        if kept is None:
            return None
        try:
            return Listing(read_repository(kept.value, name), kept.age_s)
        except HubError:
            return None  # damaged, or written by another version
