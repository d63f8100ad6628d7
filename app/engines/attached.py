"""A server that somebody else runs, as an engine like the others: it has models, and no process of ours.

What is checked on every use is that it is there, takes the key and still has the model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from app.domain.attached import AttachedServer, ServerFacts
from app.domain.errors import KeyRefused, ModelNotServed
from app.domain.generation import Cancellation
from app.engines import refusals
from app.engines.address import Address
from app.engines.openai_client import Dialect, OpenAIClient

UNTOLD_CONTEXT = 16_384
"""Tokens that are reckoned with where a server does not tell. Such servers mostly do not count tokens either,
and then a prompt is held to as many bytes, which are about a third as many tokens."""
CONNECT_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class AttachedModel:
    """A model of an attached server, ready to reply. `context_told` is False where its context is assumed."""

    name: str
    client: OpenAIClient
    context_length: int
    context_told: bool
    address: Address
    dialect: Dialect

    def stop(self) -> None:
        """Nothing: the server is not ours."""


@dataclass(frozen=True, slots=True)
class AttachedServerEngine:
    """See `app.engines.base.AttachedEngine`. Equal as long as the server is the same, attached in the same
    way.

    `facts` gives what is known of it; `seen` hears what it says of itself now. `key` may wait for a keyring.
    """

    server: AttachedServer
    facts: Callable[[], ServerFacts] = field(compare=False)
    seen: Callable[[ServerFacts], None] = field(compare=False)
    key: Callable[[], str | None] = field(compare=False, repr=False)
    offline: Callable[[], bool] = field(compare=False)

    @property
    def id(self) -> str:
        """What it is stored by with messages."""
        return self.server.id

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self.server.name

    @property
    def remote(self) -> bool:
        """It is on another computer: what is said to it leaves this one."""
        return self.server.address.remote

    def models(self) -> tuple[str, ...]:
        """The names of its models as they were last seen. Quick: asks nobody."""
        return tuple(model.name for model in self.facts().models)

    def ask(self, cancellation: Cancellation) -> ServerFacts:
        """What it says of itself now. Blocks; raises as `connect` does."""
        from app.engines.recognise import recognise

        if self.remote and self.offline():
            raise refusals.blocked(self.name)
        facts = recognise(self._address(""), cancellation).facts
        self.seen(facts)
        return facts

    def connect(self, model: str | None, cancellation: Cancellation) -> AttachedModel:
        """The model of that name (None: its first), once the server has answered. Blocks.

        Raises an EdgewiseError with a whole sentence: not reachable, the key refused, no such model, offline.
        """
        from app.engines.server_dialects import DIALECTS

        facts = self.ask(cancellation)
        found = facts.models[0] if model is None else facts.model(model)
        if found is None:
            others = ", ".join(other.name for other in facts.models[:5])
            more = " and others" if len(facts.models) > 5 else ""
            raise ModelNotServed(f"{self.name} does not have {model} any more. It has {others}{more}.")
        address, dialect = self._address(found.name), DIALECTS[facts.kind]
        client = OpenAIClient(
            address,
            dialect,
            connect_timeout_s=CONNECT_TIMEOUT_S,
            offline=self.offline,
        )
        told = found.context_length
        return AttachedModel(found.name, client, told or UNTOLD_CONTEXT, told is not None, address, dialect)

    def _address(self, model: str) -> Address:
        server = self.server
        key = self.key() if server.has_key else ""
        if key is None:
            raise KeyRefused(
                f"The key of {server.name} is not in the system’s keyring any more. Detach the server, and"
                " attach it again with its key.",
                status=401,
            )
        return Address.of(
            server.address, api_key=key, model=model, ca_file=server.ca_file, server=server.name
        )
