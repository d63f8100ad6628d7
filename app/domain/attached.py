"""Servers that somebody else runs, and what is known of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from app.domain.server_address import ServerAddress

ID_PREFIX = "attached:"


class ServerKind(StrEnum):
    """What a server is, as its makers write it."""

    LLAMA_CPP = "llama.cpp"
    VLLM = "vLLM"
    SGLANG = "SGLang"
    TENSORRT_LLM = "TensorRT-LLM"
    LM_STUDIO = "LM Studio"
    OLLAMA = "Ollama"
    EDGEWISE = "Edgewise"
    TGI = "Text Generation Inference"
    UNKNOWN = "OpenAI-compatible server"


@dataclass(frozen=True, slots=True)
class ServerModel:
    """A model that a server offers. `context_length` is in tokens, None where the server does not tell."""

    name: str
    context_length: int | None = None


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What a server said of itself. `version` is empty where it does not tell."""

    kind: ServerKind
    models: tuple[ServerModel, ...]
    version: str = ""

    def model(self, name: str) -> ServerModel | None:
        """The model of that name, None if the server has none."""
        return next((model for model in self.models if model.name == name), None)


UNSEEN = ServerFacts(ServerKind.UNKNOWN, ())
"""Of a server that nobody has asked yet."""


@dataclass(frozen=True, slots=True)
class AttachedServer:
    """A server that a person attached. `number` is never given to another one.

    `has_key` says that it was attached with a key; the key itself is in the system's keyring. Only
    certificates that those in `ca_file` vouch for are trusted; None means those that the system trusts.
    `facts` are as they were last seen, and no part of what makes it the same server.
    """

    number: int
    name: str
    address: ServerAddress
    ca_file: Path | None = None
    has_key: bool = False
    facts: ServerFacts = field(default=UNSEEN, compare=False)

    @property
    def id(self) -> str:
        """What it is stored by with messages."""
        return f"{ID_PREFIX}{self.number}"

    @property
    def key_account(self) -> str:
        """What its key is kept under: a key is for one address and is sent to no other."""
        return f"{self.id} {self.address.url}"
