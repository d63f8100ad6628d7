"""Where the one client sends its requests, and with what."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from app.domain.server_address import API_PATH, ServerAddress


@dataclass(frozen=True, slots=True)
class Address:
    """One model of one server. The key is left out of its repr, and so of logs and tracebacks.

    An empty `api_key` sends none. `ca_file` names the certificates to trust instead of the system's. `server`
    is what a person calls an attached server; it is empty for an engine that Edgewise started.
    """

    host: str
    port: int
    api_key: str = field(repr=False)
    model: str = "default"
    tls: bool = False
    path: str = API_PATH
    ca_file: Path | None = None
    server: str = ""

    @classmethod
    def of(
        cls, where: ServerAddress, *, api_key: str = "", model: str = "", ca_file: Path | None, server: str
    ) -> Address:
        """The address of an attached server."""
        return cls(where.host, where.port, api_key, model, where.tls, where.path, ca_file, server)

    @property
    def where(self) -> ServerAddress:
        """It without anything secret."""
        return ServerAddress(self.host, self.port, self.tls, self.path)

    @property
    def who(self) -> str:
        """The subject of a sentence about the server."""
        return self.server or "The engine"
