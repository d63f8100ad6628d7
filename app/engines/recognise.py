"""What answers at an address: which kind of server, which version, which models with which context.

First the list of models, which every one of them has at /v1/models. Most say there who they are (`owned_by`);
the others are told apart by endpoints of their own. Sources, by kind:

- llama.cpp: tools/server/README.md (/props; "owned_by": "llamacpp", also tried with the pinned build)
- vLLM 0.32: entrypoints/serve/instrumentator/basic.py (/version), entrypoints/openai/models/serving.py
- SGLang 0.5: docs.sglang.io/basic_usage/native_api.html (/server_info, before 0.5.4 /get_server_info),
  srt/entrypoints/openai/protocol.py (ModelCard)
- TensorRT-LLM 1.x: docs/source/commands/trtllm-serve.rst (/version), serve/openai_protocol.py (ModelCard)
- LM Studio 0.3.6 and later: lmstudio.ai/docs/developer/rest/endpoints (/api/v0/models)
- Ollama 0.12: docs.ollama.com/api (/api/version, /api/ps)
- Text Generation Inference 3: router/src/lib.rs (/info)
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from app.domain.attached import ServerFacts, ServerKind, ServerModel
from app.domain.errors import Cancelled, EdgewiseError, EngineTimeout, ModelNotServed, NotAServer
from app.domain.generation import Cancellation
from app.domain.server_address import API_PATH, ServerAddress
from app.engines import refusals
from app.engines.address import Address
from app.engines.http_exchange import AnswerBroken, Request, Wire
from app.engines.openai_client import MAX_ANSWER_BYTES, headers
from app.engines.openai_events import is_count, objects

CONNECT_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 10.0
"""Without a byte."""
LIMIT_S = 30.0
"""For all questions together, however slowly the answers drip."""
MOST_MODELS = 1000
LONGEST_NAME = 512

_STARTING = 503


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a server is. `address` is where its API was found to begin."""

    address: ServerAddress
    facts: ServerFacts


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: dict[str, Any]
    content_type: str
    location: str

    @property
    def object(self) -> dict[str, Any]:
        """The JSON object of a good answer; empty for any other."""
        return self.body if self.status == 200 and self.content_type != refusals.WEB_PAGE else {}


def recognise(address: Address, cancellation: Cancellation) -> Recognised:
    """Ask the server at `address` who it is. Blocks, for `LIMIT_S` at most.

    Raises an EdgewiseError with what to do: ServerUnreachable, CertificateRefused, KeyRefused, NotAServer,
    ModelNotServed where it has none, EngineGone where it breaks off, Cancelled.
    """
    with _limited(cancellation, address) as inner:
        server = _Server(address, inner)
        listing = server.models()
        facts = _facts(server, listing)
    if not facts.models:
        raise ModelNotServed(
            f"{address.who} ({facts.kind}) has no model that could reply. Load or download one there, then"
            " try again."
        )
    return Recognised(server.address.where, facts)


class _Server:
    """Asks one server, one thing at a time."""

    def __init__(self, address: Address, cancellation: Cancellation) -> None:
        self.address = address
        self._cancellation = cancellation
        self._wire = Wire(address, connect_timeout_s=CONNECT_TIMEOUT_S)

    def models(self) -> dict[str, Any]:
        """Its list of models, where the API is found to begin. Empty where only its own endpoints are."""
        address = self.address
        answer = self.ask(address.path + "/models")
        if answer.status in (404, 405) and not address.where.has_version:
            longer = self.ask(address.path + API_PATH + "/models")
            if longer.status not in (404, 405):
                self.address = address = replace(address, path=address.path + API_PATH)
                answer = longer
        if isinstance(answer.object.get("data"), list):
            return answer.object
        if answer.status in (404, 405) and _is_tgi(self.get("/info")):
            return {}
        raise _why_not(answer, address)

    def get(self, path: str) -> dict[str, Any]:
        """The JSON object at one of its own endpoints; empty where it has none."""
        return self.ask(self.address.where.root + path).object

    def version(self, path: str) -> str:
        """The `version` that it tells there."""
        return _word(self.get(path).get("version"))

    def ask(self, path: str) -> _Answer:
        """Any answer. Raises EngineGone where there is none."""
        try:
            request = Request(path, headers(self.address))
            with self._wire.send(
                request, self._cancellation, first_byte_timeout_s=ANSWER_TIMEOUT_S
            ) as exchange:
                if exchange.is_compressed:
                    raise refusals.compressed(self.address)
                raw = exchange.read_all(MAX_ANSWER_BYTES)
                exchange.is_whole()
        except AnswerBroken as error:
            raise _no_http(self.address, error) from error
        except OSError as error:
            raise refusals.lost(error, self.address) from error
        return _Answer(exchange.status, refusals.read_answer(raw), exchange.content_type, exchange.location)


@contextmanager
def _limited(cancellation: Cancellation, address: Address) -> Iterator[Cancellation]:
    """A cancellation that is thrown with `cancellation`, and when the time is over."""
    inner = Cancellation()
    timer = threading.Timer(LIMIT_S, inner.cancel)
    timer.daemon = True
    timer.start()
    cancellation.on_cancel(inner.cancel)
    try:
        yield inner
    except EdgewiseError as error:
        if cancellation.cancelled:
            raise Cancelled("Stopped before the server had answered.") from error
        if inner.cancelled:
            raise EngineTimeout(
                f"{address.who} answers too slowly: it did not say in {LIMIT_S:.0f} seconds who it is."
            ) from error
        raise
    finally:
        cancellation.on_cancel(None)
        timer.cancel()


def _facts(server: _Server, listing: dict[str, Any]) -> ServerFacts:
    entries = objects(listing.get("data"))[:MOST_MODELS]
    owner = _word(entries[0].get("owned_by")) if entries else ""
    kind = _BY_OWNER.get(owner)
    if kind is not None:
        return _BY_KIND[kind](server, entries)
    for look in (_lm_studio, _ollama, _tgi):
        facts = look(server, entries)
        if facts is not None:
            return facts
    return ServerFacts(ServerKind.UNKNOWN, _models(entries))


def _llama_cpp(server: _Server, entries: list[dict[str, Any]]) -> ServerFacts:
    models = _models(entries)
    props = server.get("/props")
    settings = props.get("default_generation_settings")
    if len(models) == 1 and isinstance(settings, dict):
        # What one reply has for itself; `meta` has what all of them share.
        length = _length(settings.get("n_ctx")) or _length(_meta(entries[0]).get("n_ctx"))
        models = (ServerModel(models[0].name, length),)
    return ServerFacts(ServerKind.LLAMA_CPP, models, _word(props.get("build_info")))


def _vllm(server: _Server, entries: list[dict[str, Any]]) -> ServerFacts:
    return ServerFacts(ServerKind.VLLM, _models(entries), server.version("/version"))


def _sglang(server: _Server, entries: list[dict[str, Any]]) -> ServerFacts:
    version = server.version("/server_info") or server.version("/get_server_info")
    return ServerFacts(ServerKind.SGLANG, _models(entries), version)


def _tensorrt_llm(server: _Server, entries: list[dict[str, Any]]) -> ServerFacts:
    return ServerFacts(ServerKind.TENSORRT_LLM, _models(entries), server.version("/version"))


def _edgewise(server: _Server, entries: list[dict[str, Any]]) -> ServerFacts:
    return ServerFacts(ServerKind.EDGEWISE, _models(entries), server.version("/version"))


def _lm_studio(server: _Server, entries: list[dict[str, Any]]) -> ServerFacts | None:
    del entries  # its own list tells more
    listed = objects(server.get("/api/v0/models").get("data"))[:MOST_MODELS]
    if not any("compatibility_type" in entry or "max_context_length" in entry for entry in listed):
        return None
    # What is not loaded will be loaded with a context that LM Studio chooses then.
    models = (
        ServerModel(name, _length(entry.get("loaded_context_length")))
        for entry in listed
        if entry.get("type") != "embeddings" and (name := _name(entry.get("id")))
    )
    return ServerFacts(ServerKind.LM_STUDIO, tuple(models))


def _ollama(server: _Server, entries: list[dict[str, Any]]) -> ServerFacts | None:
    version = server.version("/api/version")
    if not version or not isinstance(server.get("/api/tags").get("models"), list):
        return None
    loaded = {
        _word(entry.get("name")): _length(entry.get("context_length"))
        for entry in objects(server.get("/api/ps").get("models"))
    }
    models = tuple(ServerModel(model.name, loaded.get(model.name)) for model in _models(entries))
    return ServerFacts(ServerKind.OLLAMA, models, version)


def _tgi(server: _Server, entries: list[dict[str, Any]]) -> ServerFacts | None:
    info = server.get("/info")
    if not _is_tgi(info):
        return None
    name = _name(info.get("model_id")) or next((model.name for model in _models(entries)), "tgi")
    model = ServerModel(name, _length(info.get("max_total_tokens")))
    return ServerFacts(ServerKind.TGI, (model,), _word(info.get("version")))


def _is_tgi(info: dict[str, Any]) -> bool:
    return "model_id" in info and "max_total_tokens" in info


_BY_OWNER = {
    "llamacpp": ServerKind.LLAMA_CPP,
    "vllm": ServerKind.VLLM,
    "sglang": ServerKind.SGLANG,
    "tensorrt_llm": ServerKind.TENSORRT_LLM,
    "edgewise": ServerKind.EDGEWISE,
}
_BY_KIND: dict[ServerKind, Callable[[_Server, list[dict[str, Any]]], ServerFacts]] = {
    ServerKind.LLAMA_CPP: _llama_cpp,
    ServerKind.VLLM: _vllm,
    ServerKind.SGLANG: _sglang,
    ServerKind.TENSORRT_LLM: _tensorrt_llm,
    ServerKind.EDGEWISE: _edgewise,
}


def _models(entries: list[dict[str, Any]]) -> tuple[ServerModel, ...]:
    """As OpenAI lists them; vLLM and SGLang add `max_model_len`, others `context_length`."""
    return tuple(
        ServerModel(name, _length(entry.get("max_model_len")) or _length(entry.get("context_length")))
        for entry in entries
        if (name := _name(entry.get("id")))
    )


def _meta(entry: dict[str, Any]) -> dict[str, Any]:
    meta = entry.get("meta")
    return meta if isinstance(meta, dict) else {}


def _name(value: object) -> str:
    """The name of a model; empty for what cannot be one. Names are sent back as they are, so none is
    changed."""
    good = isinstance(value, str) and value.isprintable() and len(value) <= LONGEST_NAME
    return str(value) if good else ""


def _word(value: object) -> str:
    """A version or the like, short enough to be shown."""
    return value[:64] if isinstance(value, str) and value.isprintable() else ""


def _length(value: object) -> int | None:
    return value if is_count(value) and 0 < value < 1 << 31 else None


def _why_not(answer: _Answer, address: Address) -> EdgewiseError:
    """Why the answer is no list of models."""
    who, url = address.who, address.where.url
    detail = str(answer.body)[:2000]
    if answer.status in (401, 403):
        return refusals.key_refused(answer.status, address, detail)
    if 300 <= answer.status < 400:
        return refusals.elsewhere(answer.status, answer.location, address)
    if answer.status == _STARTING:
        return NotAServer(
            f"{who} is there but not ready: it may be loading its model. Try again in a minute.",
            detail=detail,
        )
    if answer.status == 400 and not address.tls and "HTTPS" in detail:
        return NotAServer(
            f"{who} encrypts on port {address.port}. Begin its address with https://.", detail=detail
        )
    if answer.content_type == refusals.WEB_PAGE:
        return NotAServer(
            f"{who} is a website, or one has to log in to the network first: {url} does not hold OpenAI’s"
            " API. Check the port and the path; it mostly ends with /v1.",
            detail=detail,
        )
    return NotAServer(
        f"{who} answers, but not as OpenAI’s API does: {url}/models holds no list of models (status"
        f" {answer.status}). Check the port and the path; it mostly ends with /v1.",
        detail=detail,
    )


def _no_http(address: Address, error: OSError) -> NotAServer:
    hint = " If it encrypts on this port, begin its address with https://." if not address.tls else ""
    return NotAServer(
        f"{address.who} answers, but not as a web server does. Check the port.{hint}", detail=str(error)
    )
