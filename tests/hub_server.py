"""A loopback server that answers like the hub to the real huggingface_hub, and fails on demand.

Two listeners, as there are two hosts in the world: the hub itself, and the CDN that its signed links lead to.
Both keep a record of every request. What is served is given by the test. Use it with HF_ENDPOINT:

    with HubServer() as hub:
        hub.add("owner/name", {"model-Q4_K_M.gguf": data, "README.md": b"..."})
        hub.fail("owner/name", "model-Q4_K_M.gguf", Fault(cut_after=1000))
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
"""

from __future__ import annotations

import hashlib
import ssl
import threading
from collections.abc import Mapping
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from tests.hub_handler import HubHandler
from tests.hub_repository import Asked, Blob, Fault, Repository

__all__ = ["Asked", "Fault", "HubServer"]


class Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, hub: HubServer, host: str) -> None:
        super().__init__(("127.0.0.1", 0), HubHandler)
        self.hub = hub
        self.host = host
        scheme = "http"
        if hub.certificate is not None:
            scheme = "https"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(hub.certificate)
            # A client that trusts nobody shall not hold up the one who accepts.
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"{scheme}://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that went away is what many tests are about


class HubServer:
    """The server; a context manager. `tokens` maps each token to the gated repositories it may read.

    With a `certificate`, a PEM file that holds its key, too, it speaks TLS.
    """

    def __init__(self, certificate: Path | None = None) -> None:
        self.certificate = certificate
        self._hub, self._cdn = Listener(self, "hub"), Listener(self, "cdn")
        self.url, self.cdn_url = self._hub.url, self._cdn.url
        self.repositories: dict[str, Repository] = {}
        self.tokens: dict[str, set[str]] = {}
        self.asked: list[Asked] = []
        self.page = 100
        """Models in one page of a search."""
        self.closing = threading.Event()
        self.connections = 0
        """How often anybody connected, even without a request."""
        self._faults: list[tuple[str, str, Fault]] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        for listener in (self._hub, self._cdn):
            threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        for listener in (self._hub, self._cdn):
            listener.shutdown()
            listener.server_close()

    def add(
        self,
        repository: str,
        files: Mapping[str, bytes | Path],
        *,
        commit: str = "",
        gated: str | bool = False,
        private: bool = False,
        **details: Any,
    ) -> Repository:
        """Put a repository on the hub; `details` are properties as the API names them (cardData)."""
        added = Repository(
            repository,
            {path: Blob(path, content) for path, content in files.items()},
            commit or hashlib.sha1(repository.encode(), usedforsecurity=False).hexdigest(),
            gated,
            private,
            details,
        )
        self.repositories[repository] = added
        return added

    def fail(self, repository: str, path: str, fault: Fault) -> None:
        """From now on `fault` happens to a file; in the API to path "", or to "search" of repository ""."""
        with self._lock:
            self._faults.append((repository, path, fault))

    def heal(self) -> None:
        """Nothing fails any more."""
        with self._lock:
            self._faults.clear()

    def fault(self, repository: str, path: str, where: str) -> Fault | None:
        """The fault that happens now, if any; counts it."""
        with self._lock:
            for entry in self._faults:
                if entry[:2] == (repository, path) and entry[2].where == where:
                    fault = entry[2]
                    if fault.times is not None:
                        fault.times -= 1
                        if fault.times <= 0:
                            self._faults.remove(entry)
                    return fault
        return None

    def contents(self, file: str) -> list[Asked]:
        """The requests (GET) for a file's bytes, in order."""
        with self._lock:
            return [asked for asked in self.asked if asked.file == file and asked.method == "GET"]

    def sent(self, file: str) -> int:
        """Bytes of a file that went out, all requests together."""
        return sum(asked.sent for asked in self.contents(file))

    def record(self, asked: Asked) -> None:
        with self._lock:
            self.asked.append(asked)
