import socket
import ssl
import struct
import threading
import time
from functools import partial

import pytest

from app.domain.generation import Cancellation
from app.domain.server_address import ServerAddress
from app.engines import connecting
from app.engines.certificates import trust
from app.engines.connecting import NoHandshake, ProxyRefused, connect
from app.engines.process import free_port
from app.engines.proxies import Proxy

CANCEL_LIMIT_S = 0.2
"""Generous for a busy machine; a cancel is looked for every `STEP_S`."""


def reach(where, cancellation=None, *, proxy=None, trusted=None, timeout_s=10.0):
    return connect(
        where, proxy=proxy, trust=trusted, timeout_s=timeout_s, cancellation=cancellation or Cancellation()
    )


def local(port, *, tls=False):
    return ServerAddress("127.0.0.1", port, tls=tls)


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def port_of(sock):
    return sock.getsockname()[1]


def cancel_in(seconds, cancellation):
    at = []

    def cancel():
        at.append(time.monotonic())
        cancellation.cancel()

    timer = threading.Timer(seconds, cancel)
    timer.start()
    return timer, at


def felt(cancellation, begin):
    """Seconds from a cancel until `begin`, which it ends, has ended."""
    timer, at = cancel_in(0.2, cancellation)
    with pytest.raises(OSError):  # noqa: PT011  # any: whoever cancelled does not ask
        begin()
    ended = time.monotonic()
    timer.join()
    return ended - at[0]


def test_a_connection(listener):
    channel = reach(local(port_of(listener)))
    sock, _ = listener.accept()
    with sock:
        channel.sock.sendall(b"hello")
        assert sock.recv(10) == b"hello"
        assert channel.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        channel.close(in_peace=True)
        assert sock.recv(10) == b""


def test_a_name_is_looked_up(listener):
    channel = reach(ServerAddress("localhost", port_of(listener)))
    channel.close(in_peace=True)


def test_nobody_listens():
    with pytest.raises(ConnectionRefusedError):
        reach(local(free_port()))


def test_a_name_that_is_none():
    with pytest.raises(socket.gaierror):
        reach(ServerAddress("nothing.invalid", 80))


def test_the_next_of_several_addresses_is_tried(listener, monkeypatch):
    good = ("127.0.0.1", port_of(listener))
    bad = ("127.0.0.1", free_port())
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in (bad, good)]
    monkeypatch.setattr(connecting, "_look_up", lambda *_: found)
    channel = reach(ServerAddress("two.example", 80))
    assert channel.sock.getpeername() == good
    channel.close(in_peace=True)


@pytest.fixture
def full():
    """A port whose queue of connections is full, so that further ones hang."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(0)
        waiting = []
        for _ in range(4):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(sock.getsockname())
            waiting.append(client)
        yield port_of(sock)
        for client in waiting:
            client.close()


def test_a_connection_that_hangs_times_out(full):
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        reach(local(full), timeout_s=0.3)
    assert time.monotonic() - began < 2


def test_cancelled_while_a_connection_hangs(full):
    cancellation = Cancellation()
    assert felt(cancellation, lambda: reach(local(full), cancellation)) < CANCEL_LIMIT_S


def test_cancelled_while_a_name_is_looked_up(monkeypatch):
    over = threading.Event()
    real = socket.getaddrinfo

    def slow(*arguments, **options):
        if options.get("flags"):
            return real(*arguments, **options)
        over.wait(10)
        raise socket.gaierror(socket.EAI_NONAME, "no")

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    cancellation = Cancellation()
    try:
        seconds = felt(cancellation, lambda: reach(ServerAddress("slow.example", 80), cancellation))
        assert seconds < CANCEL_LIMIT_S
        with pytest.raises(TimeoutError):
            reach(ServerAddress("slow.example", 80), timeout_s=0.2)
    finally:
        over.set()


def test_cancelled_while_encryption_begins(listener):
    cancellation = Cancellation()
    where = local(port_of(listener), tls=True)
    assert felt(cancellation, lambda: reach(where, cancellation, trusted=trust(None))) < CANCEL_LIMIT_S


def test_encryption_that_does_not_begin_times_out(listener):
    with pytest.raises(NoHandshake):
        reach(local(port_of(listener), tls=True), trusted=trust(None), timeout_s=0.5)


def test_others_are_not_held_up_by_encryption_that_does_not_begin(listener):
    """One context is for all requests to a server."""
    trusted = trust(None)
    cancellation = Cancellation()
    where = local(port_of(listener), tls=True)
    hung = partial(felt, cancellation, lambda: reach(where, cancellation, trusted=trusted))
    first = threading.Thread(target=hung, daemon=True)
    first.start()
    sock, _ = listener.accept()
    began = time.monotonic()
    with sock, pytest.raises(TimeoutError):
        reach(where, trusted=trusted, timeout_s=0.1)
    assert time.monotonic() - began < 2
    first.join()


def test_ending_at_once_resets_the_connection(listener):
    channel = reach(local(port_of(listener)))
    sock, _ = listener.accept()
    with sock:
        channel.close(in_peace=False)
        with pytest.raises(ConnectionResetError):
            sock.recv(10)


def test_shutting_wakes_the_reader(listener):
    channel = reach(local(port_of(listener)))
    threading.Timer(0.1, channel.shut).start()
    assert channel.sock.recv(10) == b""
    channel.close(in_peace=False)
    channel.shut()


class MockProxy:
    """A proxy that says `answer` to CONNECT and then passes nothing on."""

    def __init__(self, listener, answer):
        self.asked = b""
        self.port = port_of(listener)
        self._listener = listener
        self._answer = answer
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        sock, _ = self._listener.accept()
        with sock:
            while b"\r\n\r\n" not in self.asked:
                self.asked += sock.recv(65536)
            sock.sendall(self._answer)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))


def test_a_tunnel_through_a_proxy(listener):
    proxy = MockProxy(listener, b"HTTP/1.1 200 Connection established\r\n\r\n")
    where = ServerAddress("gpu.example", 8443, tls=True)
    with pytest.raises(OSError) as caught:  # noqa: PT011  # it ends where encryption would begin
        reach(where, proxy=Proxy("127.0.0.1", proxy.port, "Basic abc"), trusted=trust(None))
    proxy.thread.join()
    assert isinstance(caught.value, ssl.SSLError | ConnectionError)
    assert proxy.asked.decode().splitlines() == [
        "CONNECT gpu.example:8443 HTTP/1.1",
        "Host: gpu.example:8443",
        "Proxy-Authorization: Basic abc",
        "",
    ]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", "407"),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "403 Forbidden"),
        (b"what\r\n\r\n", "what"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", "65536"),
        (b"", "RemoteDisconnected|closed connection"),
    ],
)
def test_a_proxy_that_refuses(listener, answer, why):
    proxy = MockProxy(listener, answer)
    where = ServerAddress("gpu.example", 443, tls=True)
    with pytest.raises(ProxyRefused, match=why) as caught:
        reach(where, proxy=Proxy("127.0.0.1", proxy.port, "Basic abc"))
    proxy.thread.join()
    assert "abc" not in str(caught.value)
