"""The engine's server over a bare HTTP connection: what the app is measured against."""

from __future__ import annotations

import http.client
import itertools
import json
import secrets
import time
from dataclasses import dataclass

from app.domain.generation import Cancellation, SamplingParams
from app.engines.openai_client import Address, OpenAIClient
from app.services.engine_supervisor import EngineSupervisor

_number = itertools.count(1)


@dataclass(frozen=True, slots=True)
class BareReply:
    """One reply, in seconds since the request began."""

    first_text_s: float
    end_s: float
    tokens: int

    @property
    def tokens_per_second(self) -> float:
        return (self.tokens - 1) / (self.end_s - self.first_text_s)


class BareClient:
    """`http.client` and nothing else. Asks for the same things as the app does."""

    def __init__(self, address: Address) -> None:
        self._address = address

    @classmethod
    def of(cls, supervisor: EngineSupervisor) -> BareClient:
        """A client of the server that the app has started."""
        loaded = supervisor.acquire(None, None, Cancellation())
        supervisor.release(loaded)
        assert isinstance(loaded.client, OpenAIClient)
        return cls(loaded.client._address)

    def reply(self, question: str, params: SamplingParams) -> BareReply:
        """Ask, and read the reply to its end."""
        address = self._address
        sampling = {name: value for name, value in params.to_dict().items() if value is not None}
        body = {
            "model": address.model,
            "messages": [{"role": "user", "content": question}],
            "stream": True,
            "stream_options": {"include_usage": True},
            **sampling,
        }
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {address.api_key}"}
        begin = time.perf_counter()
        first = end = 0.0
        tokens = 0
        connection = http.client.HTTPConnection(address.host, address.port)
        try:
            connection.request("POST", "/v1/chat/completions", json.dumps(body).encode(), headers)
            response = connection.getresponse()
            while line := response.readline():
                if not line.startswith(b"data: {"):
                    continue
                event = json.loads(line[6:])
                if not first and any(choice["delta"].get("content") for choice in event["choices"]):
                    first = time.perf_counter()
                if usage := event.get("usage"):
                    tokens = usage["completion_tokens"]
                    end = time.perf_counter()
        finally:
            connection.close()
        if not (first and end):
            raise RuntimeError(f"The server gave no reply (status {response.status}).")
        return BareReply(first - begin, end - begin, tokens)


def unique(question: str) -> str:
    """`question` behind a beginning that no prompt cache has seen; of the same length each time."""
    return f"[{next(_number):05d} {secrets.token_hex(4)}] {question}"


def long_question() -> str:
    """A short question whose reply goes on."""
    return unique("Write a very long story about a lighthouse keeper, with many chapters.")
