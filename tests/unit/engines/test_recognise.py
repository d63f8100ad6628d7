"""Each kind of server as its documentation or source says it answers; `recognise` names them, with
versions."""

import json
import time

import pytest

from app.domain.attached import ServerFacts, ServerKind, ServerModel
from app.domain.errors import (
    Cancelled,
    EngineGone,
    EngineTimeout,
    KeyRefused,
    ModelNotServed,
    NotAServer,
    RequestRefused,
)
from app.domain.generation import Cancellation
from app.engines import recognise as module
from app.engines.address import Address
from app.engines.recognise import recognise
from tests.mock_engine import MockEngine


def listing(*entries):
    return {"object": "list", "data": list(entries)}


# llama-server b1-0c1e570 (the pinned llama-cpp-python 0.3.36), recorded, shortened.
LLAMA_CPP = {
    "/v1/models": {
        "models": [{"name": "smol", "model": "smol", "type": "model", "capabilities": ["completion"]}],
        **listing(
            {
                "id": "smol",
                "object": "model",
                "owned_by": "llamacpp",
                "meta": {"n_vocab": 49152, "n_ctx": 8192, "n_ctx_train": 8192, "n_embd": 576},
            }
        ),
    },
    "/props": {
        "default_generation_settings": {"params": {"temperature": 0.8}, "n_ctx": 2048},
        "total_slots": 4,
        "model_alias": "smol",
        "build_info": "b1-0c1e570",
    },
}
# vLLM 0.32: OpenAIServingModels.show_available_models, /version.
VLLM = {
    "/v1/models": listing(
        {
            "id": "meta-llama/Llama-3.1-8B-Instruct",
            "object": "model",
            "created": 1700000000,
            "owned_by": "vllm",
            "root": "meta-llama/Llama-3.1-8B-Instruct",
            "parent": None,
            "max_model_len": 32768,
            "permission": [],
        },
        {"id": "our-lora", "object": "model", "owned_by": "vllm", "parent": "meta-llama"},
    ),
    "/version": {"version": "0.32.0"},
}
# SGLang 0.5: ModelCard; /server_info (0.5.4 and later), /get_server_info (before).
SGLANG = {
    "/v1/models": listing(
        {"id": "qwen/qwen2.5-0.5b-instruct", "owned_by": "sglang", "root": "x", "max_model_len": 32768}
    ),
    "/server_info": {"model_path": "qwen/qwen2.5-0.5b-instruct", "version": "0.5.23", "internal_states": []},
}
OLD_SGLANG = {"/v1/models": SGLANG["/v1/models"], "/get_server_info": {"version": "0.4.6"}}
# TensorRT-LLM 1.x: serve/openai_protocol.py, trtllm-serve.rst.
TENSORRT_LLM = {
    "/v1/models": listing({"id": "TinyLlama-1.1B-Chat-v1.0", "object": "model", "owned_by": "tensorrt_llm"}),
    "/version": {"version": "1.2.0"},
}
# LM Studio 0.3.6 and later: lmstudio.ai/docs/developer/rest/endpoints. It answers 200
# also where it has nothing.
LM_STUDIO = {
    "/v1/models": listing({"id": "qwen2-vl-7b-instruct", "owned_by": "organization_owner"}),
    "/api/v0/models": listing(
        {"id": "qwen2-vl-7b-instruct", "type": "vlm", "compatibility_type": "mlx", "state": "not-loaded",
         "max_context_length": 32768},
        {"id": "llama-3.1-8b", "type": "llm", "compatibility_type": "gguf", "state": "loaded",
         "max_context_length": 131072, "loaded_context_length": 8192},
        {"id": "text-embedding-nomic", "type": "embeddings", "max_context_length": 2048},
    ),
    "*": {"error": "Unexpected endpoint or method. (GET /anything)"},
}  # fmt: skip
# Ollama 0.12: docs.ollama.com/api-reference.
OLLAMA = {
    "/v1/models": listing(
        {"id": "gemma3:latest", "object": "model", "created": 1, "owned_by": "library"},
        {"id": "me/own:1b", "object": "model", "created": 1, "owned_by": "me"},
    ),
    "/api/version": {"version": "0.12.6"},
    "/api/tags": {"models": [{"name": "gemma3:latest"}, {"name": "me/own:1b"}]},
    "/api/ps": {"models": [{"name": "gemma3:latest", "size_vram": 1, "context_length": 4096}]},
}
# Text Generation Inference 3: router/src/lib.rs.
TGI = {
    "/v1/models": listing({"id": "HuggingFaceH4/zephyr-7b-beta", "object": "model", "owned_by": "x"}),
    "/info": {
        "model_id": "HuggingFaceH4/zephyr-7b-beta",
        "max_input_tokens": 1024,
        "max_total_tokens": 2048,
        "version": "3.3.4",
        "router": "text-generation-router",
    },
}
OLD_TGI = {"/info": TGI["/info"]}
# The Transformers server of app/engine_servers.
EDGEWISE = {"/v1/models": listing({"id": "SmolLM2", "object": "model", "owned_by": "edgewise"})}
UNKNOWN = {"/v1/models": listing({"id": "gpt-x", "owned_by": "me"}, {"id": "gpt-y", "context_length": 9})}


def served(answers, prefix=""):
    """A server with these JSON answers under `prefix`, all of which want the key."""

    def behave(exchange):
        if exchange.headers.get("authorization") != "Bearer secret":
            exchange.answer(401, b'{"error": {"message": "Invalid API Key"}}')
            return
        found = answers.get(exchange.path.removeprefix(prefix), answers.get("*"))
        if found is None or not exchange.path.startswith(prefix):
            exchange.answer(404, b'{"error": "not found"}')
        else:
            exchange.answer(200, json.dumps(found).encode())

    return MockEngine(behave)


def address(mock, path="/v1", key="secret"):
    return Address("127.0.0.1", mock.port, key, path=path, server="Team GPU")


@pytest.mark.parametrize(
    ("answers", "facts"),
    [
        (LLAMA_CPP, ServerFacts(ServerKind.LLAMA_CPP, (ServerModel("smol", 2048),), "b1-0c1e570")),
        (
            VLLM,
            ServerFacts(
                ServerKind.VLLM,
                (ServerModel("meta-llama/Llama-3.1-8B-Instruct", 32768), ServerModel("our-lora")),
                "0.32.0",
            ),
        ),
        (
            SGLANG,
            ServerFacts(ServerKind.SGLANG, (ServerModel("qwen/qwen2.5-0.5b-instruct", 32768),), "0.5.23"),
        ),
        (
            OLD_SGLANG,
            ServerFacts(ServerKind.SGLANG, (ServerModel("qwen/qwen2.5-0.5b-instruct", 32768),), "0.4.6"),
        ),
        (
            TENSORRT_LLM,
            ServerFacts(ServerKind.TENSORRT_LLM, (ServerModel("TinyLlama-1.1B-Chat-v1.0"),), "1.2.0"),
        ),
        (
            LM_STUDIO,
            ServerFacts(
                ServerKind.LM_STUDIO, (ServerModel("qwen2-vl-7b-instruct"), ServerModel("llama-3.1-8b", 8192))
            ),
        ),
        (
            OLLAMA,
            ServerFacts(
                ServerKind.OLLAMA, (ServerModel("gemma3:latest", 4096), ServerModel("me/own:1b")), "0.12.6"
            ),
        ),
        (TGI, ServerFacts(ServerKind.TGI, (ServerModel("HuggingFaceH4/zephyr-7b-beta", 2048),), "3.3.4")),
        (OLD_TGI, ServerFacts(ServerKind.TGI, (ServerModel("HuggingFaceH4/zephyr-7b-beta", 2048),), "3.3.4")),
        (EDGEWISE, ServerFacts(ServerKind.EDGEWISE, (ServerModel("SmolLM2"),))),
        (UNKNOWN, ServerFacts(ServerKind.UNKNOWN, (ServerModel("gpt-x"), ServerModel("gpt-y", 9)))),
    ],
    ids=lambda value: value.kind.name if isinstance(value, ServerFacts) else "",
)
@pytest.mark.parametrize("prefix", ["", "/team/a"])
def test_each_kind(answers, facts, prefix):
    with served(answers, prefix) as mock:
        recognised = recognise(address(mock, f"{prefix}/v1"), Cancellation())
    assert recognised.facts == facts
    assert recognised.address.path == f"{prefix}/v1"


def test_a_path_is_completed():
    with served(VLLM, "/openai") as mock:
        assert recognise(address(mock, "/openai"), Cancellation()).address.path == "/openai/v1"


def test_a_listing_with_several_llamas_tells_no_context():
    entry = {"id": "a", "owned_by": "llamacpp"}
    answers = {**LLAMA_CPP, "/v1/models": listing(entry, {**entry, "id": "b"})}
    with served(answers) as mock:
        facts = recognise(address(mock), Cancellation()).facts
    assert facts.models == (ServerModel("a"), ServerModel("b"))


@pytest.mark.parametrize(
    "entry",
    [
        {"id": 5}, {"id": None}, {}, {"id": ""}, {"id": "x" * 600}, {"id": "two\nlines"}, {"id": "\x1b[2J"},
        {"id": ["a"]},
    ],
)  # fmt: skip
def test_models_without_a_usable_name_are_left_out(entry):
    with served({"/v1/models": listing(entry, {"id": "good", "max_model_len": "much"})}) as mock:
        assert recognise(address(mock), Cancellation()).facts.models == (ServerModel("good"),)


@pytest.mark.parametrize("length", [0, -1, 1.5, True, "4096", 10**40, None])
def test_a_context_that_cannot_be(length):
    with served({"/v1/models": listing({"id": "m", "owned_by": "vllm", "max_model_len": length})}) as mock:
        assert recognise(address(mock), Cancellation()).facts.models == (ServerModel("m"),)


def test_a_server_without_models():
    with served({"/v1/models": listing()}) as mock, pytest.raises(ModelNotServed, match="has no model"):
        recognise(address(mock), Cancellation())


@pytest.mark.parametrize(("key", "sentence"), [("", "wants a key"), ("wrong", "refused the key")])
def test_the_key(key, sentence):
    with served(VLLM) as mock, pytest.raises(KeyRefused, match=sentence) as caught:
        recognise(address(mock, key=key), Cancellation())
    assert "wrong" not in caught.value.message + caught.value.detail


def fails(behave):
    with MockEngine(behave) as mock, pytest.raises(Exception) as caught:  # noqa: PT011
        recognise(address(mock), Cancellation())
    assert "secret" not in str(caught.value) + getattr(caught.value, "detail", "")
    return caught.value


def endless(exchange):
    exchange.start(200, "application/json")
    exchange.send(b'{"data": [')
    while True:
        exchange.send(b"x" * 65536)


def endless_headers(exchange):
    exchange.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        exchange.send(b"X: y\r\n")


def compressed(exchange):
    exchange.start(200, "application/json", "Content-Encoding: gzip")
    exchange.send(b"\x1f\x8b\0\0")


@pytest.mark.parametrize(
    ("behave", "kind", "sentence"),
    [
        (lambda e: e.answer(200, b"<html>", "text/html"), NotAServer, "is a website, or one has to log in"),
        (lambda e: e.answer(404, b"<html>", "text/html"), NotAServer, "is a website"),
        (lambda e: e.answer(404, b"{}"), NotAServer, "not as OpenAI’s API does"),
        (lambda e: e.answer(200, b"[]"), NotAServer, "holds no list of models"),
        (lambda e: e.answer(200, b'{"data": {}}'), NotAServer, "holds no list of models"),
        (lambda e: e.answer(200, b"[" * 100_000), NotAServer, "holds no list of models"),
        (endless, NotAServer, "holds no list of models"),
        (lambda e: e.answer(500, b""), NotAServer, r"status 500"),
        (lambda e: e.answer(503, b'{"error": {"message": "Loading model"}}'), NotAServer, "be loading"),
        (
            lambda e: e.answer(400, b"Client sent an HTTP request to an HTTPS server.", "text/plain"),
            NotAServer,
            "Begin its address with https://",
        ),
        (lambda e: e.send(b"\x15\x03\x01\x00\x02\x02\x16"), NotAServer, "begin its address with https://"),
        (lambda e: e.send(b"220 mail.example ESMTP\r\n"), NotAServer, "not as a web server does"),
        (endless_headers, NotAServer, "not as a web server does"),
        (compressed, EngineGone, "compressed answer"),
        (
            lambda e: e.start(301, "text/html", "Location: https://elsewhere.example/v1"),
            RequestRefused,
            "https://elsewhere.example/v1",
        ),
    ],
    ids=range(15),
)
def test_what_is_no_server_of_models(behave, kind, sentence):
    failure = fails(behave)
    assert isinstance(failure, kind)
    assert sentence in str(failure)


def test_a_server_that_falls_silent(monkeypatch):
    monkeypatch.setattr(module, "ANSWER_TIMEOUT_S", 0.1)
    failure = fails(lambda exchange: exchange.hold())
    assert isinstance(failure, EngineTimeout)


def test_a_server_that_drips(monkeypatch):
    monkeypatch.setattr(module, "LIMIT_S", 0.5)

    def drip(exchange):
        exchange.start(200, "application/json")
        while True:
            exchange.send(b" ")
            exchange.pause(0.01)

    began = time.monotonic()
    failure = fails(drip)
    assert isinstance(failure, EngineTimeout)
    assert "answers too slowly" in str(failure)
    assert time.monotonic() - began < 5


def test_a_person_does_not_want_to_wait():
    cancellation = Cancellation()

    def behave(exchange):
        cancellation.cancel()
        exchange.hold()

    with MockEngine(behave) as mock, pytest.raises(Cancelled):
        recognise(address(mock), cancellation)
