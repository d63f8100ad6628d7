import pytest

from app.domain.errors import AddressError
from app.domain.server_address import ServerAddress


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://gpu.team.example/v1", "https://gpu.team.example/v1"),
        ("https://gpu.team.example", "https://gpu.team.example/v1"),
        ("https://gpu.team.example:443/v1/", "https://gpu.team.example/v1"),
        ("http://host:8000/openai/v1", "http://host:8000/openai/v1"),
        ("  HTTP://Host:8000/openai/  ", "http://host:8000/openai"),
        ("http://host:8000/v1/chat/completions", "http://host:8000/v1"),
        ("http://host/v1/models", "http://host/v1"),
        ("http://[2001:db8::5]:8000", "http://[2001:db8::5]:8000/v1"),
        ("localhost:1234", "http://localhost:1234/v1"),
        ("127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1"),
        ("[::1]:8080", "http://[::1]:8080/v1"),
        ("https://gpu.example/über uns", "https://gpu.example/%C3%BCber%20uns"),
        ("https://münchen.example", "https://münchen.example/v1"),
    ],
)
def test_what_people_type(text, url):
    address = ServerAddress.parse(text)
    assert address.url == url
    assert ServerAddress.parse(address.url) == address


@pytest.mark.parametrize(
    "text",
    [
        "", "gpu", "gpu.team.example:8000", "ftp://host", "http://", "http://host:0", "http://host:99999",
        "http://host:port", "http://[::1", "http://ho st/v1", "http://host\r\nX-Header: 1",
        "http://" + "a" * 3000, "javascript:alert(1)", "http://..",
    ],
)  # fmt: skip
def test_what_is_no_address(text):
    with pytest.raises(AddressError, match="not the address of a server"):
        ServerAddress.parse(text)


@pytest.mark.parametrize("text", ["http://me:secret@host", "https://secret@host/v1"])
def test_a_secret_in_an_address_is_neither_taken_nor_repeated(text):
    with pytest.raises(AddressError, match="name or a password") as caught:
        ServerAddress.parse(text)
    assert "secret" not in str(caught.value) + caught.value.detail


def test_a_query_is_not_taken():
    with pytest.raises(AddressError, match="before its"):
        ServerAddress.parse("https://host/v1?key=secret")


@pytest.mark.parametrize(
    ("url", "remote"),
    [
        ("http://localhost:1", False),
        ("http://LOCALHOST.:1", False),
        ("http://a.localhost", False),
        ("http://127.8.9.1", False),
        ("http://[::1]", False),
        ("http://[::ffff:127.0.0.1]", False),
        ("http://192.168.1.5", True),
        ("http://0.0.0.0", True),
        ("http://localhost.example", True),
        ("http://[::ffff:10.0.0.1]", True),
        ("http://127.0.0.1.example", True),
    ],
)
def test_what_leaves_this_computer(url, remote):
    address = ServerAddress.parse(url)
    assert address.remote is remote
    assert address.readable_by_others is remote


def test_encryption_keeps_others_from_reading():
    assert not ServerAddress.parse("https://gpu.example").readable_by_others


@pytest.mark.parametrize(
    ("path", "root", "has_version"),
    [("/v1", "", True), ("/openai/v1", "/openai", True), ("/v1beta", "", True), ("/api", "/api", False)],
)
def test_where_its_own_endpoints_are(path, root, has_version):
    address = ServerAddress("host", 80, path=path)
    assert (address.root, address.has_version) == (root, has_version)
