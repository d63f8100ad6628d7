"""How a server like the hub answers one request: as huggingface.co does, or as a test wants it to fail."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from tests.hub_repository import Asked, Fault, Repository

if TYPE_CHECKING:
    from tests.hub_server import HubServer, Listener

PIECE = 64 * 1024
LINK_LIFE_S = 3600


class HubHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Listener

    def setup(self) -> None:
        super().setup()
        self.handled = False
        self.server.hub.connections += 1
        # What was sent shall be close to what arrived.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * PIECE)

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    @property
    def hub(self) -> HubServer:
        return self.server.hub

    def _serve(self) -> None:
        address = urlsplit(self.path)
        self.asked = Asked(
            self.server.host,
            self.command,
            unquote(address.path),
            parse_qs(address.query, keep_blank_values=True),
            {name.lower(): value for name, value in self.headers.items()},
        )
        self.hub.record(self.asked)
        with suppress(OSError):
            self._route(self.asked.path)

    def _route(self, path: str) -> None:
        if self.server.host == "cdn":
            self._cdn(path)
        elif path == "/api/models":
            self._search()
        elif match := re.fullmatch(r"/api/resolve-cache/models/([^/]+/[^/]+)/([^/]+)/(.+)", path):
            self._small_file(*match.groups())
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(revision|tree)/([^/]+))?", path):
            self._api(*match.groups())
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._resolve(*match.groups())
        else:
            self._error(404, "", "Not found")

    # Answers

    def _answer(self, status: int, body: bytes, kind: str = "application/json", **headers: str) -> None:
        self.asked.status = status
        self.send_response(status)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **named}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
            self.asked.sent += len(body)

    def _json(self, value: object, **headers: str) -> None:
        self._answer(200, json.dumps(value).encode(), **headers)

    def _error(self, status: int, code: str, message: str, **headers: str) -> None:
        named = {"X_Error_Message": message, **({"X_Error_Code": code} if code else {}), **headers}
        self._answer(status, json.dumps({"error": message}).encode(), **named)

    def _failed(self, repository: str, path: str, where: str) -> Fault | None:
        """A fault to be built in further on. `handled` says whether it was answered here."""
        self.handled = False
        fault = self.hub.fault(repository, path, where)
        if fault is None:
            return None
        if fault.circle:
            self.handled = True
            self._answer(302, b"", Location=self.path)
        elif fault.status is not None:
            self.handled = True
            self._answer(
                fault.status,
                b'{"error": "as the test wanted"}',
                **{name.replace("-", "_"): value for name, value in fault.headers.items()},
            )
        return None if self.handled else fault

    def _redirect(self, status: int, location: str, **headers: str) -> None:
        self._answer(status, b"", Location=location, **headers)

    # The hub

    def _allowed(self, id_: str, *, content: bool) -> Repository | None:
        """The repository, unless the one who asks may not have it: that is then answered."""
        header = self.asked.headers.get("authorization", "")
        token = header.removeprefix("Bearer ") if header else None
        if token is not None and token not in self.hub.tokens:
            self._error(401, "", "Invalid credentials in Authorization header")
            return None
        granted = token is not None and id_ in self.hub.tokens[token]
        repository = self.hub.repositories.get(id_)
        if repository is None or (repository.private and not granted):
            # The hub does not tell strangers what there is.
            if token is None:
                self._error(401, "RepoNotFound", "Invalid username or password.")
            else:
                self._error(404, "RepoNotFound", "Repository not found")
            return None
        if content and repository.gated and not granted:
            page = f"{self.hub.url}/{id_}"
            if token is None:
                message = (
                    f"Access to model {id_} is restricted. You must have access to it and be authenticated to"
                    " access it. Please log in."
                )
                self._error(401, "GatedRepo", message)
            else:
                message = (
                    f"Access to model {id_} is restricted and you are not in the authorized list."
                    f" Visit {page} to ask for access."
                )
                self._error(403, "GatedRepo", message)
            return None
        return repository

    def _search(self) -> None:
        self._failed("", "search", "api")
        if self.handled:
            return
        query = self.asked.query
        wanted = query.get("search", [""])[0].casefold()
        filters = query.get("filter", [])
        found = [
            repository
            for repository in self.hub.repositories.values()
            if wanted in repository.id.casefold()
            and all(wish in repository.tags() for wish in filters)
            and not repository.private
            and ("author" not in query or repository.id.startswith(query["author"][0] + "/"))
        ]
        for key in ("downloads", "likes"):
            if query.get("sort", [""])[0] == key:
                found.sort(key=lambda repository: -repository.info()[key])
        start = int(query.get("cursor", ["0"])[0])
        size = min(int(query.get("limit", ["1000"])[0]), self.hub.page)
        page = found[start : start + size]
        link = {}
        if start + size < len(found):
            more = urlencode({**query, "cursor": [str(start + size)]}, doseq=True)
            link = {"Link": f'<{self.hub.url}/api/models?{more}>; rel="next"'}
        self._json([self._properties(repository, siblings="full" in query) for repository in page], **link)

    def _properties(self, repository: Repository, *, siblings: bool) -> dict[str, Any]:
        info = repository.info()
        expand = self.asked.query.get("expand", []) + self.asked.query.get("expand[]", [])
        if expand:
            return {key: info[key] for key in ("_id", "id", *expand) if key in info}
        if not siblings:
            del info["siblings"]
        return info

    def _api(self, id_: str, kind: str | None, revision: str | None) -> None:
        self._failed(id_, "", "api")
        if self.handled:
            return
        repository = self._allowed(id_, content=False)
        if repository is None or not self._is_revision(repository, revision):
            return
        if kind == "tree":
            self._json(repository.tree())
            return
        info = self._properties(repository, siblings=True)
        if "blobs" in self.asked.query and "siblings" in info:
            info["siblings"] = repository.siblings_with_blobs()
        self._json(info)

    def _is_revision(self, repository: Repository, revision: str | None) -> bool:
        if revision in (None, "main", repository.commit):
            return True
        self._error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return False

    def _resolve(self, id_: str, revision: str, path: str) -> None:
        self.asked.file = path if self.command == "GET" else ""
        fault = self._failed(id_, path, "resolve")
        if self.handled:
            return
        repository = self._allowed(id_, content=True)
        if repository is None or not self._is_revision(repository, revision):
            return
        blob = repository.blobs.get(path)
        if blob is None:
            self._error(404, "EntryNotFound", "Entry not found", X_Repo_Commit=repository.commit)
            return
        headers = {"X_Repo_Commit": repository.commit, "Accept_Ranges": "bytes"}
        if not blob.lfs:
            self._redirect(
                307,
                f"/api/resolve-cache/models/{id_}/{repository.commit}/{quote(path)}",
                X_Linked_Size=str(blob.size),
                X_Linked_ETag=f'"{blob.etag}"',
                **headers,
            )
            return
        until = int(time.time()) + (-1 if fault is not None and fault.expired else LINK_LIFE_S)
        signature = _signature(id_, path, until)
        link = urlencode({"Expires": until, "Signature": signature, "Key-Pair-Id": "K"})
        self._redirect(
            302,
            f"{self.hub.cdn_url}/repos/{quote(id_)}/{quote(path)}?{link}",
            X_Linked_Size=str(blob.size),
            X_Linked_ETag=f'"{blob.etag}"',
            ETag=f'"{blob.etag}"',
            **headers,
        )

    def _small_file(self, id_: str, commit: str, path: str) -> None:
        repository = self._allowed(id_, content=True)
        if repository is not None:
            self._content(repository, path, X_Repo_Commit=commit)

    # The CDN

    def _cdn(self, path: str) -> None:
        match = re.fullmatch(r"/repos/([^/]+/[^/]+)/(.+)", path)
        repository = self.hub.repositories.get(match[1]) if match else None
        if match is None or repository is None:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>", "application/xml")
            return
        query = self.asked.query
        until = int(query.get("Expires", ["0"])[0])
        if query.get("Signature") != [_signature(match[1], match[2], until)] or until < time.time():
            self._answer(403, b"<Error><Code>AccessDenied</Code></Error>", "application/xml")
            return
        if "authorization" in self.asked.headers:  # as S3 does, and so that no token leaks unnoticed
            self._answer(400, b"<Error><Code>InvalidArgument</Code></Error>", "application/xml")
            return
        self._content(repository, match[2])

    # Bytes

    def _content(self, repository: Repository, path: str, **headers: str) -> None:
        self.asked.file = path
        blob = repository.blobs.get(path)
        if blob is None:
            self._error(404, "EntryNotFound", "Entry not found")
            return
        fault = (self._failed(repository.id, path, "content") if self.command == "GET" else None) or Fault()
        if self.command == "GET" and self.handled:
            return
        data = fault.change(blob.data) if fault.change is not None else blob.data
        start, end, status = 0, len(data), 200
        wanted = "" if fault.no_ranges else self.asked.headers.get("range", "")
        if match := re.fullmatch(r"bytes=(\d+)-(\d*)", wanted):
            start, status = int(match[1]), 206
            end = min(len(data), int(match[2]) + 1) if match[2] else len(data)
            if start >= len(data):
                self._answer(416, b"", Content_Range=f"bytes */{len(data)}")
                return
            headers["Content_Range"] = f"bytes {start}-{end - 1}/{len(data)}"
        self.asked.status = status
        self.send_response(status)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named |= {"Content-Length": str(end - start), "ETag": f'"{blob.etag}"', "Accept-Ranges": "bytes"}
        for name, value in named.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self._send(memoryview(data)[start:end], fault)

    def _send(self, body: memoryview, fault: Fault) -> None:
        stops = [n for n in (fault.cut_after, fault.stall_after) if n is not None]
        limit = min([len(body), *stops])
        piece = PIECE if fault.bytes_per_second is None else max(1, int(fault.bytes_per_second / 50))
        while self.asked.sent < limit:
            sent = self.asked.sent
            self.wfile.write(body[sent : min(limit, sent + piece)])
            self.asked.sent = min(limit, sent + piece)
            if fault.bytes_per_second is not None and self._wait(piece / fault.bytes_per_second):
                break
        if stops:
            if fault.stall_after is not None:
                self._wait(None)
            self.close_connection = True
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

    def _wait(self, seconds: float | None) -> bool:
        """Be slow until the client or the server goes; True if one did."""
        end = None if seconds is None else time.monotonic() + seconds
        self.connection.settimeout(0.05)
        try:
            while not self.hub.closing.is_set():
                left = 0.05 if end is None else end - time.monotonic()
                if left <= 0:
                    return False
                self.connection.settimeout(min(0.05, left))
                try:
                    if not self.connection.recv(1, socket.MSG_PEEK):
                        return True
                except TimeoutError:
                    continue
                except OSError:
                    return True
            return True
        finally:
            with suppress(OSError):
                self.connection.settimeout(None)


def _signature(repository: str, path: str, until: int) -> str:
    return hashlib.sha256(f"{repository} {path} {until} not so secret".encode()).hexdigest()[:40]
