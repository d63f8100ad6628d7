import pytest

from app.domain.errors import ServerUnreachable
from app.domain.server_address import ServerAddress
from app.engines.proxies import Proxy, proxy_for

REMOTE = ServerAddress.parse("https://gpu.example")
VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def without_proxies(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_none_is_set():
    assert proxy_for(REMOTE) is None


def test_the_systems_proxy(monkeypatch):
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    assert proxy_for(REMOTE) == Proxy("proxy.example", 3128)
    assert proxy_for(ServerAddress.parse("http://gpu.example")) is None
    monkeypatch.setenv("http_proxy", "other.example")
    assert proxy_for(ServerAddress.parse("http://gpu.example")) == Proxy("other.example", 80)


def test_a_proxy_for_everything(monkeypatch):
    monkeypatch.setenv("all_proxy", "http://proxy.example:1")
    assert proxy_for(REMOTE) == Proxy("proxy.example", 1)


def test_a_proxy_that_asks_who_one_is(monkeypatch):
    monkeypatch.setenv("https_proxy", "http://me:p%40ss@proxy.example:3128")
    proxy = proxy_for(REMOTE)
    assert proxy == Proxy("proxy.example", 3128, "Basic bWU6cEBzcw==")
    assert "bWU6" not in repr(proxy)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "https://localhost", "http://[::1]:1"])
def test_never_on_the_way_to_this_computer(url, monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://proxy.example:3128")
    assert proxy_for(ServerAddress.parse(url)) is None


def test_what_needs_no_proxy(monkeypatch):
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", ".example")
    assert proxy_for(REMOTE) is None


@pytest.mark.parametrize(
    "text", ["socks5://me:secret@proxy.example:1080", "https://proxy.example", "http://:1"]
)
def test_a_proxy_of_another_kind(text, monkeypatch):
    monkeypatch.setenv("https_proxy", text)
    with pytest.raises(ServerUnreachable, match="NO_PROXY") as caught:
        proxy_for(REMOTE)
    assert "secret" not in caught.value.message + caught.value.detail
