import logging

import pytest

from app.domain.errors import AccessDenied, HubBusy, HubError, HubUnreachable, NotOnHub
from app.domain.hub import Access, Format, HubFile, HubModel
from app.models.hub import LONGEST_WORDS, Hub, Sort
from tests.hub_server import Fault, HubServer

TOKEN = "hf_secretSECRETsecret"


@pytest.fixture
def server():
    with HubServer() as hub:
        yield hub


@pytest.fixture
def hub(server):
    return Hub(server.url)


@pytest.fixture
def shelf(server):
    """Some models of both formats, and what is neither."""
    server.add("b/Llama-1B-GGUF", {"m-Q8_0.gguf": b"1"}, downloads=10, cardData={"license": "llama3.2"})
    server.add("a/Llama-1B", {"model.safetensors": b"1"}, downloads=500, gated="auto",
               safetensors={"total": 1_000, "parameters": {"BF16": 1_000}})  # fmt: skip
    server.add("c/llama-data", {"data.csv": b"1"}, downloads=999)
    server.add("d/Qwen-GGUF", {"m-Q8_0.gguf": b"1"}, likes=7, gguf={"total": 600})
    server.add("e/secret-Llama-GGUF", {"m-Q8_0.gguf": b"1"}, private=True)
    return server


def test_a_search_finds_both_formats(shelf, hub):
    assert hub.search("llama") == [
        HubModel("a/Llama-1B", (Format.SAFETENSORS,), Access.GATED, 500, 0, None, 1_000, "2026-09-01"),
        HubModel("b/Llama-1B-GGUF", (Format.GGUF,), Access.OPEN, 10, 0, "llama3.2", None, "2026-09-01"),
    ]


def names(models):
    return [model.repository for model in models]


def test_a_search_in_one_format(shelf, hub):
    assert names(hub.search("llama", format=Format.GGUF)) == ["b/Llama-1B-GGUF"]
    assert names(hub.search("llama", format=Format.SAFETENSORS)) == ["a/Llama-1B"]
    assert shelf.asked[0].query["filter"] == ["gguf"]


def test_a_search_for_anything_and_in_order(shelf, hub):
    assert names(hub.search("  ", format=Format.GGUF, sort=Sort.LIKES)) == ["d/Qwen-GGUF", "b/Llama-1B-GGUF"]
    assert names(hub.search("", limit=1)) == ["a/Llama-1B"]
    assert hub.search("nothing like it") == []
    assert names(hub.search("https://huggingface.co/d/Qwen-GGUF/tree/main")) == ["d/Qwen-GGUF"]


@pytest.mark.parametrize("words", ["家 Zoë & ?x=1#y", "a\0b\ud800", "x" * 5000, "a\nb\tc", "%00"])
def test_words_are_only_words(shelf, hub, words):
    assert hub.search(words) == []
    (asked,) = shelf.asked
    assert asked.path == "/api/models"
    assert len(asked.query.get("search", [""])[0]) <= LONGEST_WORDS
    assert set(asked.query) - {"search"} == {"sort", "limit", "expand"}


def test_a_repository(server, hub):
    added = server.add(
        "a/b",
        {"m-Q8_0.gguf": b"12345", "sub/README.md": b"1", ".gitattributes": b""},
        cardData={"license": "mit"},
    )
    repository = hub.repository("a/b")
    assert repository.revision == added.commit
    assert repository.files == (
        HubFile("m-Q8_0.gguf", 5, added.blobs["m-Q8_0.gguf"].etag),
        HubFile("sub/README.md", 1),
    )
    assert repository.licence == "mit"
    assert hub.repository("a/b", added.commit) == repository


def test_what_is_not_there(server, hub):
    server.add("a/b", {})
    with pytest.raises(NotOnHub, match="no a/c on the hub, or it is private"):
        hub.repository("a/c")
    with pytest.raises(NotOnHub, match="this version"):
        hub.repository("a/b", "v2")
    with pytest.raises(HubError, match="not the name of a repository"):
        hub.repository("../../api")
    assert server.asked[-1].path.startswith("/api/models/a/b/")


def test_private_repositories_open_with_the_token(server):
    server.add("a/b", {"m-Q8_0.gguf": b"1"}, private=True)
    server.tokens = {TOKEN: {"a/b"}}
    with pytest.raises(NotOnHub):
        Hub(server.url).repository("a/b")
    assert Hub(server.url, TOKEN).repository("a/b").access is Access.PRIVATE
    with pytest.raises(AccessDenied, match="does not accept the access token"):
        Hub(server.url, "hf_other").repository("a/b")


def test_a_busy_hub_is_not_waited_for(server, hub):
    """huggingface_hub would sleep for as long as it is told to."""
    server.add("a/b", {})
    for repository, path in (("a/b", ""), ("", "search")):
        server.fail(repository, path, Fault("api", status=429, headers={"Retry-After": "3600"}))
    with pytest.raises(HubBusy) as busy:
        hub.repository("a/b")
    assert busy.value.retry_after_s == 3600
    with pytest.raises(HubBusy):
        hub.search("x")
    assert len(server.asked) == 2


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_hub_in_trouble(server, hub, status):
    server.fail("a/b", "", Fault("api", status=status))
    with pytest.raises(HubUnreachable, match="trouble"):
        hub.repository("a/b")


def test_redirects_in_circles(server, hub):
    server.fail("a/b", "", Fault("api", times=None, circle=True))
    with pytest.raises(HubUnreachable, match="in circles"):
        hub.repository("a/b")
    assert len(server.asked) < 15


def test_a_token_is_in_no_text(server, caplog):
    caplog.set_level(logging.DEBUG)
    server.add("a/b", {"m-Q8_0.gguf": b"1"}, gated="auto")
    server.tokens = {TOKEN: set()}
    hub = Hub(server.url, TOKEN)
    assert TOKEN not in repr(hub)
    for ask in (lambda: hub.repository("a/none"), lambda: hub.repository("a/b", "none")):
        with pytest.raises(HubError) as raised:
            ask()
        assert TOKEN not in repr(raised.value) + str(raised.value) + raised.value.detail
    assert server.asked[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert caplog.text
    assert TOKEN not in caplog.text


def test_who_is_asked_learns_the_app_and_nothing_of_the_machine(shelf, hub):
    hub.search("x")
    assert shelf.asked[0].headers["user-agent"].startswith("edgewise/")
    assert "authorization" not in shelf.asked[0].headers
    assert "torch" not in shelf.asked[0].headers["user-agent"]
