"""A loopback server with a page of releases, as a release build leaves its address in a copy of Edgewise."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

PATH = "/owner/edgewise/releases"
ANNOUNCEMENT = f"{PATH}/latest/download/release.json"
SHA256 = "0123456789abcdef" * 4

Answer = Callable[[BaseHTTPRequestHandler], None]


def announced(home: str, **values: object) -> dict[str, Any]:
    """What a release of version 9.9.0 says of itself, with `values` in the place of its own."""
    kinds = [
        ("edgewise_9.9.0_amd64.deb", "linux", "x86_64", "deb", 120_000_000),
        ("edgewise-with-model_9.9.0_amd64.deb", "linux", "x86_64", "deb", 220_000_000),
        ("edgewise-9.9.0-linux-x86_64.tar.gz", "linux", "x86_64", "tar.gz", 110_000_000),
        ("edgewise-9.9.0-linux-aarch64.tar.gz", "linux", "aarch64", "tar.gz", 105_000_000),
        ("Edgewise-9.9.0.exe", "windows", "x86_64", "exe", 130_000_000),
        ("Edgewise-9.9.0.dmg", "macos", "aarch64", "dmg", 140_000_000),
    ]
    files = [
        {"name": name, "system": system, "architecture": of, "kind": kind, "sha256": SHA256, "size": size}
        for name, system, of, kind, size in kinds
    ]
    told = {
        "version": "9.9.0",
        "date": "2026-12-01",
        "notes": "Chats open faster.\nModels may lie on another disk.",
        "page": f"{home}/tag/v9.9.0",
        "files": files,
    }
    return {**told, **values}


def gives(body: bytes, status: int = 200, **headers: str) -> Answer:
    """An answer with this body; underscores in names of headers are dashes."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


class ReleaseServer:
    """A context manager. `asked` has the path and the headers of every request; `answers` are by path."""

    def __init__(self) -> None:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append((self.path, dict(self.headers)))
                server.answers.get(self.path, gives(b"nothing here", 404))(self)

            def log_message(self, *_: object) -> None:
                pass

        class Listener(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_: object) -> None:
                pass  # a client that went away is what some tests are about

        self._listener = Listener(("127.0.0.1", 0), Handler)
        self.port = self._listener.server_address[1]
        self.origin = f"http://127.0.0.1:{self.port}"
        self.home = self.origin + PATH
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.answers: dict[str, Answer] = {}
        self.closing = threading.Event()

    def announce(self, **values: object) -> None:
        """Have the newest release say this."""
        self.answers[ANNOUNCEMENT] = gives(json.dumps(announced(self.home, **values)).encode())

    def __enter__(self) -> Self:
        threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._listener.shutdown()
        self._listener.server_close()
