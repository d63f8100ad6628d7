"""What answers an attached server, in words; and that a cancel ends an encrypted stream at once."""

import socket
import statistics
import threading
import time
from dataclasses import replace

import pytest

from app.domain.errors import CertificateRefused, EngineGone, RequestRefused, ServerBlocked, ServerUnreachable
from app.domain.generation import (
    Cancellation,
    ChatMessage,
    ChatRequest,
    Finished,
    FinishReason,
    Role,
    TextDelta,
)
from app.engines import http_exchange
from app.engines.address import Address
from app.engines.connecting import ProxyRefused
from app.engines.openai_client import Dialect, OpenAIClient
from app.engines.process import free_port
from app.engines.proxies import Proxy
from tests.certificates import Authority, TlsTerminator
from tests.mock_engine import DONE, MockEngine, engine, event, finish, say, text

HELLO = ChatRequest([ChatMessage(Role.USER, "Hello")])
CANCEL_LIMIT_S = 0.05


def address(port, **changes):
    plain = Address("localhost", port, "secret", "m", server="Team GPU")
    return replace(plain, **changes)


def ask(where, cancellation=None, **options):
    return list(OpenAIClient(where, Dialect(), **options).stream(HELLO, cancellation or Cancellation()))


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def test_a_reply_through_encryption(authority):
    with (
        engine(say(text("Hel"), text("lo"), finish(), DONE)) as mock,
        TlsTerminator(authority.server(), mock.port) as server,
    ):
        events = ask(address(server.port, tls=True, ca_file=authority.ca_file))
    assert events == [TextDelta("Hel"), TextDelta("lo"), Finished(FinishReason.STOP)]
    (request,) = mock.requests
    assert request.headers["authorization"] == "Bearer secret"
    assert request.headers["host"] == f"localhost:{server.port}"


def test_a_path_of_its_own_and_no_key():
    with MockEngine() as mock:
        ask(address(mock.port, path="/openai/v1", api_key=""))
    (request,) = mock.requests
    assert request.path == "/openai/v1/chat/completions"
    assert "authorization" not in request.headers


def test_through_a_proxy_that_does_not_encrypt(monkeypatch):
    with MockEngine() as mock:
        monkeypatch.setattr(http_exchange, "proxy_for", lambda _: Proxy("127.0.0.1", mock.port, "Basic abc"))
        ask(address(8000, host="gpu.example"))
    (request,) = mock.requests
    assert request.path == "http://gpu.example:8000/v1/chat/completions"
    assert request.headers["host"] == "gpu.example:8000"
    assert request.headers["proxy-authorization"] == "Basic abc"


def silent(exchange, reached):
    reached.set()


def silent_after_headers(exchange, reached):
    exchange.start()
    reached.set()


def silent_in_the_middle(exchange, reached):
    exchange.start()
    exchange.events(text("half"))
    exchange.send(b"data: {")
    reached.set()


@pytest.mark.parametrize("until", [silent, silent_after_headers, silent_in_the_middle])
def test_a_cancel_ends_an_encrypted_stream_within_milliseconds(authority, until):
    """Five times, as another program may take the processor in one of them; the server feels it, too."""
    seconds = []
    reached = threading.Event()
    hung_up = threading.Semaphore(0)

    def behave(exchange):
        until(exchange, reached)
        exchange.hold()
        hung_up.release()

    with engine(behave) as mock, TlsTerminator(authority.server(), mock.port) as server:
        where = address(server.port, tls=True, ca_file=authority.ca_file)
        for _ in range(5):
            reached.clear()
            cancellation = Cancellation()
            cancelled_at: list[float] = []

            def cancel(cancellation=cancellation, cancelled_at=cancelled_at):
                reached.wait(10)
                cancelled_at.append(time.monotonic())
                cancellation.cancel()

            thread = threading.Thread(target=cancel)
            thread.start()
            events = ask(where, cancellation)
            returned_at = time.monotonic()
            thread.join()
            assert events[-1] == Finished(FinishReason.CANCELLED)
            seconds.append(returned_at - cancelled_at[0])
            assert hung_up.acquire(timeout=5)
    assert statistics.median(seconds) < CANCEL_LIMIT_S


def test_a_cancel_ends_a_fast_encrypted_stream(authority):
    def behave(exchange):
        exchange.start()
        while True:
            exchange.send(event(text("x")) * 200)

    cancellation = Cancellation()
    with engine(behave) as mock, TlsTerminator(authority.server(), mock.port) as server:
        client = OpenAIClient(address(server.port, tls=True, ca_file=authority.ca_file), Dialect())
        for count, _ in enumerate(client.stream(HELLO, cancellation)):
            if count == 1000:
                cancelled_at = time.monotonic()
                cancellation.cancel()
        assert time.monotonic() - cancelled_at < 0.2


def test_the_offline_switch_makes_no_connection():
    looked_up = []
    with MockEngine() as mock, pytest.MonkeyPatch.context() as patch:
        patch.setattr(http_exchange, "connect", lambda *where, **_: looked_up.append(where))
        client = OpenAIClient(
            address(443, host="gpu.example"), Dialect(count_path="/tokenize"), offline=lambda: True
        )
        with pytest.raises(ServerBlocked, match="Team GPU is on another computer: nothing was sent"):
            list(client.stream(HELLO, Cancellation()))
        with pytest.raises(ServerBlocked):
            client.count_prompt_tokens(HELLO.messages)
    assert not looked_up
    assert not mock.requests


def test_the_offline_switch_leaves_this_computers_servers_alone():
    with MockEngine() as mock:
        assert ask(address(mock.port), offline=lambda: True)[0] == TextDelta("ok")


def refused(where, **options):
    with pytest.raises(EngineGone) as caught:
        ask(where, **options)
    assert "secret" not in caught.value.message + caught.value.detail + repr(caught.value)
    return caught.value


def test_nobody_listens():
    failure = refused(address(free_port()))
    assert isinstance(failure, ServerUnreachable)
    assert failure.message.startswith("Team GPU is not running")


def test_a_name_that_is_none():
    assert "there is no computer named gpu.invalid" in refused(address(1, host="gpu.invalid")).message


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ProxyRefused("407 Proxy Authentication Required"), "proxy gives no connection to Team GPU (407 "),
        (TimeoutError("timed out"), "Team GPU does not answer"),
        (OSError(101, "Network is unreachable"), "Team GPU cannot be reached at localhost, port 1."),
    ],
)
def test_other_ways_not_to_be_reached(error, sentence, monkeypatch):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(http_exchange, "connect", fail)
    assert sentence in refused(address(1)).message


def test_a_certificate_that_nobody_vouches_for(authority):
    with MockEngine() as mock, TlsTerminator(authority.server(), mock.port) as server:
        failure = refused(address(server.port, tls=True))
    assert isinstance(failure, CertificateRefused)
    assert not mock.requests, "nothing is sent before the certificate is known to be good"


def test_encryption_that_a_server_never_answers():
    with MockEngine() as mock:
        failure = refused(address(mock.port, tls=True), connect_timeout_s=1.0)
    assert isinstance(failure, CertificateRefused)
    assert "begin its address with http://" in failure.message


def test_a_server_that_hangs_up_on_encryption():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up():
            sock, _ = listener.accept()
            with sock:
                sock.recv(65536)

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        failure = refused(address(listener.getsockname()[1], host="127.0.0.1", tls=True))
        thread.join()
    assert "hung up when encryption was to begin" in failure.message


def test_a_redirect_is_not_followed():
    with MockEngine() as other:

        def redirect(exchange):
            exchange.start(307, "text/plain", f"Location: http://localhost:{other.port}/v1/chat/completions")

        with engine(redirect) as mock, pytest.raises(RequestRefused) as caught:
            ask(address(mock.port))
    assert f"http://localhost:{other.port}/v1" in caught.value.message
    assert not other.requests


def compressed(exchange):
    exchange.start(200, "text/event-stream", "Content-Encoding: gzip")
    exchange.send(b"\x1f\x8b" + b"\0" * 1000)


def web_page(exchange):
    exchange.answer(200, b"<html>Log in</html>", "text/html; charset=utf-8")


def not_streamed(exchange):
    exchange.answer(200, b'{"choices": [{"message": {"content": "all at once"}}]}')


def endless_headers(exchange):
    exchange.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        exchange.send(b"X: y\r\n")


def endless_line(exchange):
    exchange.start()
    exchange.send(b"data: ")
    while True:
        exchange.send(b"x" * 65536)


@pytest.mark.parametrize(
    ("behave", "sentence"),
    [
        (compressed, "Team GPU sent a compressed answer"),
        (web_page, "Team GPU answered with a web page"),
        (not_streamed, "Team GPU did not stream its reply"),
        (endless_headers, "Team GPU broke off"),
        (endless_line, "Team GPU sent an event that is too long"),
    ],
)
def test_hostile_and_wrong_answers(behave, sentence):
    with engine(behave) as mock:
        assert sentence in refused(address(mock.port)).message


@pytest.mark.parametrize(
    ("behave", "sentence"),
    [
        (lambda e: e.answer(502, b"<html>Bad</html>", "text/html"), "Team GPU refused the request: 502"),
        (lambda e: e.answer(401, b"{}"), "Team GPU refused the key"),
        (lambda e: e.answer(200, b'{"error": {"message": "no such model"}}'), "no such model"),
    ],
)
def test_refusals(behave, sentence):
    with engine(behave) as mock, pytest.raises(RequestRefused) as caught:
        ask(address(mock.port))
    assert sentence in caught.value.message
    assert "html" not in caught.value.message


def test_a_server_that_wants_a_key():
    with engine(lambda e: e.answer(401, b"{}")) as mock, pytest.raises(RequestRefused, match="wants a key"):
        ask(address(mock.port, api_key=""))


@pytest.mark.parametrize("status", [400, 403, 404, 405, 422, 501])
def test_a_server_that_cannot_count(status):
    with MockEngine() as mock:
        mock.behave = lambda exchange: exchange.answer(status, b"<html>", "text/html")
        client = OpenAIClient(address(mock.port), Dialect(count_path="/tokenize"))
        assert client.count_prompt_tokens(HELLO.messages) is None


def test_a_server_that_counts_for_ever(monkeypatch):
    monkeypatch.setattr("app.engines.openai_client.COUNT_LIMIT_S", 0.3)

    def drip(exchange):
        exchange.start(200, "application/json")
        while True:
            exchange.send(b" ")
            exchange.pause(0.01)

    with engine(drip) as mock:
        client = OpenAIClient(address(mock.port), Dialect(count_path="/tokenize"))
        began = time.monotonic()
        assert client.count_prompt_tokens(HELLO.messages) is None
    assert time.monotonic() - began < 5
