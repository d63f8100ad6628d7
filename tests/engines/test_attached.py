"""A real llama-server, started as a stranger would, attached by its address; also through encryption."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from statistics import median

import pytest

from app.domain.attached import ServerKind
from app.domain.errors import CertificateRefused, ContextOverflow, KeyRefused, NotAServer, ServerUnreachable
from app.domain.generation import (
    Cancellation,
    ChatMessage,
    ChatRequest,
    Finished,
    FinishReason,
    Role,
    SamplingParams,
    TextDelta,
)
from app.domain.server_address import ServerAddress
from app.engines.llama_cpp_programs import find_program
from app.engines.process import free_port
from app.services.attached_servers import AttachedServers, Wanted
from app.storage.paths import Paths
from tests.certificates import Authority, TlsTerminator

KEY = "key-of-the-team"
CONTEXT = 2048
START_LIMIT_S = 60
CANCEL_LIMIT_S = 0.05


@pytest.fixture(scope="module")
def server(starter_model):
    """The address of a running llama-server that wants a key."""
    port = free_port()
    process = subprocess.Popen(
        [
            str(find_program("llama-server")),
            *("--model", str(starter_model), "--alias", "smol", "--ctx-size", str(CONTEXT)),
            *("--port", str(port), "--threads", "1", "--parallel", "1", "--no-ui"),
        ],
        env={**os.environ, "LLAMA_API_KEY": KEY},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = ServerAddress.parse(f"http://localhost:{port}")
    try:
        wait_for(address)
        yield address
    finally:
        process.kill()
        process.wait()


def wait_for(address):
    """Ask until it has loaded its model, as a person would."""
    servers = AttachedServers(Paths.find(), lambda: False)
    deadline = time.monotonic() + START_LIMIT_S
    while True:
        try:
            return servers.look(Wanted(address, KEY))
        except (ServerUnreachable, NotAServer):
            if time.monotonic() > deadline:
                raise
            threading.Event().wait(0.1)


@pytest.fixture
def servers(empty_home):
    paths = Paths.find()
    paths.create()
    return AttachedServers(paths, lambda: True)


@pytest.fixture
def encrypted(server, tmp_path):
    """The same server behind one that encrypts, and the authority that vouches for it."""
    authority = Authority(tmp_path)
    with TlsTerminator(authority.server(), server.port) as front:
        yield ServerAddress.parse(f"https://localhost:{front.port}"), authority


def model_of(servers, wanted):
    servers.attach(wanted, servers.look(wanted))
    return servers.engines()[-1].connect(None, Cancellation())


def hello(**params):
    params = {"max_tokens": 16, "temperature": 0.0, **params}
    return ChatRequest([ChatMessage(Role.USER, "Tell me about lighthouses.")], SamplingParams(**params))


def test_it_is_recognised(servers, server):
    found = servers.look(Wanted(server, KEY))
    assert found.facts.kind is ServerKind.LLAMA_CPP
    assert found.facts.version
    assert [(model.name, model.context_length) for model in found.facts.models] == [("smol", CONTEXT)]


@pytest.mark.parametrize("key", ["", "wrong"])
def test_it_wants_its_key(servers, server, key):
    with pytest.raises(KeyRefused):
        servers.look(Wanted(server, key))


def test_a_reply(servers, server):
    model = model_of(servers, Wanted(server, KEY))
    *pieces, finished = model.client.stream(hello(), Cancellation())
    assert all(isinstance(piece, TextDelta) for piece in pieces)
    assert isinstance(finished, Finished)
    assert finished.reason is FinishReason.LENGTH
    assert finished.usage is not None
    assert finished.usage.completion_tokens == 16
    assert model.client.count_prompt_tokens(hello().messages) == finished.usage.prompt_tokens


def test_a_prompt_that_is_too_long(servers, server):
    model = model_of(servers, Wanted(server, KEY))
    request = ChatRequest([ChatMessage(Role.USER, "word " * CONTEXT * 2)])
    with pytest.raises(ContextOverflow):
        list(model.client.stream(request, Cancellation()))


def test_a_reply_through_encryption(servers, server, encrypted):
    address, authority = encrypted
    plain = list(model_of(servers, Wanted(server, KEY)).client.stream(hello(), Cancellation()))
    model = model_of(servers, Wanted(address, KEY, ca_file=authority.ca_file))
    assert list(model.client.stream(hello(), Cancellation()))[:-1] == plain[:-1]


def test_encryption_that_nobody_vouches_for(servers, encrypted):
    address, _ = encrypted
    with pytest.raises(CertificateRefused, match="give the file"):
        servers.look(Wanted(address, KEY))


def test_a_cancel_through_encryption(servers, encrypted):
    """While it writes: five times, as another program may have the processor in one of them."""
    address, authority = encrypted
    client = model_of(servers, Wanted(address, KEY, ca_file=authority.ca_file)).client
    seconds = []
    for _ in range(5):
        cancellation = Cancellation()
        events = client.stream(hello(max_tokens=1000), cancellation)
        assert isinstance(next(events), TextDelta)
        at: list[float] = []

        def cancel(cancellation=cancellation, at=at):
            at.append(time.monotonic())
            cancellation.cancel()

        timer = threading.Timer(0.05, cancel)
        timer.start()
        *_, last = events
        seconds.append(time.monotonic() - at[0])
        timer.join()
        assert last == Finished(FinishReason.CANCELLED)
    assert median(seconds) < CANCEL_LIMIT_S
