import json
import socket
import threading

import pytest

from app.domain.catalog import CatalogModel, Dimensions, Purpose
from app.domain.errors import AccessDenied, HubBusy, HubError, HubUnreachable, NotOnHub, Offline
from app.domain.hub import Format
from app.models.gguf_header import read_header
from app.services import hub_access
from app.services.hub_access import HubAccess
from app.storage.paths import Paths
from app.storage.secrets import TokenPlace, TokenStore
from tests.hub_server import Fault, HubServer
from tests.unit.models.gguf_writer import GgufWriter, llama

NAME = "maker/Model-GGUF"
TOKEN = "hf_secretSECRETsecret"


@pytest.fixture
def server():
    with HubServer() as hub:
        hub.add(NAME, {"m-Q8_0.gguf": llama(GgufWriter()).header()})
        yield hub


class Switch:
    """The offline switch."""

    on = False

    def __call__(self):
        return self.on


@pytest.fixture
def switch():
    return Switch()


@pytest.fixture
def access(server, empty_home, switch, monkeypatch):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    return HubAccess(Paths.find(), switch, endpoint=server.url)


def anew(access, server, switch):
    """As after a restart of the app."""
    return HubAccess(Paths.find(), switch, endpoint=server.url)


def age(monkeypatch):
    """Make what is kept too old."""
    monkeypatch.setattr(hub_access, "FRESH_S", 0.0)


def test_a_listing_is_asked_for_once(access, server, switch):
    first = access.listing(NAME)
    assert not first.stale
    assert anew(access, server, switch).repository(NAME) == first.repository
    assert len(server.asked) == 1
    access.listing(NAME, anew=True)
    assert len(server.asked) == 2
    assert [v.label for v in access.variants(first.repository)] == ["Q8_0"]


def test_an_old_listing_is_asked_for_again(access, server, monkeypatch):
    access.repository(NAME)
    age(monkeypatch)
    server.add(NAME, {"m-Q4_0.gguf": b"1"})
    assert [file.path for file in access.repository(NAME).files] == ["m-Q4_0.gguf"]


def test_offline_nothing_is_tried(access, server, switch, monkeypatch, empty_home):
    switch.on = True
    variant = None
    for ask in (
        lambda: access.search("x"),
        lambda: access.repository(NAME),
        lambda: access.listing(NAME, anew=True),
    ):
        with pytest.raises(Offline, match="Edgewise is offline"):
            ask()
    switch.on = False
    repository = access.repository(NAME)
    variant = access.variants(repository)[0]
    header = access.header(variant)
    asked = len(server.asked)
    connections = server.connections
    switch.on = True
    age(monkeypatch)
    listing = access.listing(NAME)
    assert listing.repository == repository
    assert listing.stale
    assert isinstance(listing.problem, Offline)
    assert access.header(variant) == header
    with pytest.raises(Offline):
        access.repository("maker/Other")
    assert (len(server.asked), server.connections) == (asked, connections)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault("api", status=500), HubUnreachable),
        (Fault("api", status=429, headers={"Retry-After": "60"}), HubBusy),
        (Fault("api", times=None, circle=True), HubUnreachable),
    ],
)
def test_an_old_listing_serves_while_the_hub_does_not(access, server, monkeypatch, fault, kind):
    server.fail("maker/New", "", fault)
    with pytest.raises(kind):
        access.repository("maker/New")
    repository = access.repository(NAME)
    age(monkeypatch)
    server.fail(NAME, "", fault)
    listing = access.listing(NAME)
    assert listing.repository == repository
    assert type(listing.problem) is kind
    assert listing.age_s >= 0


def test_what_the_hub_refuses_is_refused_though_it_was_known(access, server, monkeypatch):
    access.repository(NAME)
    age(monkeypatch)
    del server.repositories[NAME]
    with pytest.raises(NotOnHub):
        access.repository(NAME)
    assert access.known(NAME) is not None


def test_a_damaged_cache_is_asked_again(access, server, empty_home):
    repository = access.repository(NAME)
    for content in ('{"key": 1}', "{}", "rubbish"):
        for file in Paths.find().hub_cache.iterdir():
            file.write_text(content)
        assert access.known(NAME) is None
        assert access.repository(NAME) == repository
    for file in Paths.find().hub_cache.iterdir():  # the right question, but an answer that is none
        file.write_text(json.dumps(json.loads(file.read_text()) | {"value": {"sha": "no commit"}}))
    assert access.repository(NAME) == repository
    assert len(server.asked) == 5


def test_a_header_is_fetched_once(access, server, switch, starter_model):
    server.add(NAME, {"SmolLM2.Q4_1.gguf": starter_model})
    variant = access.variants(access.repository(NAME))[0]
    assert access.header(variant) == read_header(starter_model)
    asked = len(server.asked)
    assert anew(access, server, switch).header(variant) == read_header(starter_model)
    assert len(server.asked) == asked
    for file in Paths.find().hub_cache.iterdir():
        assert file.stat().st_size < 200_000  # of a header of 1.7 MB


def test_a_search(access):
    assert [model.repository for model in access.search("model", format=Format.GGUF)] == [NAME]


def test_a_token_opens_what_is_gated(access, server):
    server.add(NAME, {"m-Q8_0.gguf": llama(GgufWriter()).header()}, gated="auto")
    server.tokens = {TOKEN: {NAME}}
    variant = access.variants(access.repository(NAME))[0]
    with pytest.raises(AccessDenied):
        access.header(variant)
    assert access.token_place() is TokenPlace.NOWHERE
    assert access.set_token(TOKEN) is TokenPlace.THIS_RUN
    assert access.header(variant).architecture == "llama"
    assert access.token() == TOKEN
    access.forget_token()
    assert access.token() is None


def test_a_token_is_kept_for_its_hub_alone(access, server, monkeypatch):
    accounts = []

    class Recorded(TokenStore):
        def __init__(self, account):
            super().__init__(account)
            accounts.append(account)

    monkeypatch.setattr(hub_access, "TokenStore", Recorded)
    access.token()
    HubAccess(Paths.find(), lambda: False, endpoint="https://me:pass@mirror.example:8443/hf").token()
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    HubAccess(Paths.find(), lambda: False).token()
    assert accounts == [server.url.removeprefix("http://"), "mirror.example:8443", "huggingface.co"]


def test_an_endpoint_that_is_none(empty_home, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "nonsense")
    access = HubAccess(Paths.find(), lambda: False)
    assert access.known(NAME) is None
    for ask in (lambda: access.search("x"), lambda: access.repository(NAME), access.token):
        with pytest.raises(HubError, match="HF_ENDPOINT"):
            ask()


def model(repository, original):
    dimensions = Dimensions("llama", 1, 1, 1, 1, (1,), 1, 1, True)
    return CatalogModel(
        "id", "Name", "Maker", "Everything.", (Purpose.CHAT,), 1, 1, 1, ("en",), "mit", repository, original,
        (), dimensions,
    )  # fmt: skip


def test_the_catalog_is_known_offline_afterwards(access, server, switch):
    names = [f"maker/M{n}" for n in range(6)]
    for name in names:
        server.add(name, {"m-Q8_0.gguf": b"12345", "config.json": b"{}"})
    models = [model(names[n], names[n + 1]) for n in range(0, 6, 2)] + [model(names[0], "maker/Missing")]
    done = access.refresh_catalog(models)
    assert done.known == 6
    assert list(done.failures) == ["maker/Missing"]
    assert isinstance(done.failures["maker/Missing"], NotOnHub)
    switch.on = True
    assert access.variants(access.known("maker/M3"))[0].size == 5
    asked = len(server.asked)
    assert access.refresh_catalog(models[:3]).failures == {}  # fresh, so nothing is asked
    assert len(server.asked) == asked
    assert access.known("maker/Missing") is None


def test_the_catalog_is_not_tried_to_the_end_when_the_hub_is_away(access, server, switch):
    models = [model(f"maker/M{n}", f"maker/O{n}") for n in range(30)]
    for listed in models:
        for name in (listed.repository, listed.original):
            server.fail(name, "", Fault("api", times=None, status=503))
    done = access.refresh_catalog(models)
    assert done.known == 0
    assert len(done.failures) == 60
    assert len(server.asked) <= 2 * hub_access.REFRESHED_AT_ONCE
    switch.on = True
    asked = len(server.asked)
    assert all(isinstance(error, Offline) for error in access.refresh_catalog(models).failures.values())
    assert len(server.asked) == asked


def test_many_threads_ask_at_once(access, server):
    found = []
    threads = [threading.Thread(target=lambda: found.append(access.repository(NAME))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [access.repository(NAME)] * 8


def test_a_hub_that_does_not_answer_does_not_keep_the_app(empty_home, switch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        access = HubAccess(Paths.find(), switch, endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}")
        done = []
        waiting = threading.Thread(target=lambda: done.append(access.refresh_catalog([model("a/b", "c/d")])))
        waiting.start()
        connection, _ = silent.accept()
        with connection:
            access.close()
            waiting.join(10)
            assert not waiting.is_alive()
    assert all(isinstance(error, Offline) for error in done[0].failures.values())
    with pytest.raises(Offline):
        access.search("x")
