"""What goes wrong is brought about with the real client and the real huggingface_hub, and then explained."""

import socket
import ssl
import subprocess
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from app.domain.errors import (
    AccessDenied,
    DownloadDamaged,
    HubBusy,
    HubError,
    HubUnreachable,
    NotOnHub,
    Offline,
    TokenRefused,
)
from app.models.hub_errors import LONGEST_WAIT_S, explain, retry_after, without_secrets
from app.models.hub_session import CERTIFICATES, hub_headers, new_client, use_hub
from tests.unit.models.scripted_server import ScriptedServer, answer

use_hub()

REPOSITORY = "maker/Model-GGUF"
TOKEN = "hf_secretSECRETsecret"
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def as_a_system_comes(monkeypatch):
    """Without the certificates and proxies of whoever runs the tests."""
    for name in (*CERTIFICATES, "SSL_CERT_DIR", *PROXIES):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def failure(answering, path="/maker/Model-GGUF/resolve/main/a.gguf", *, token=None, what=REPOSITORY):
    """What a request that `answering` answers to becomes."""
    from huggingface_hub.utils._http import hf_raise_for_status

    with ScriptedServer(answering) as server, new_client() as client:
        try:
            hf_raise_for_status(client.get(server.address + path, headers=hub_headers(token)))
        except Exception as error:
            return explain(error, what)
    raise AssertionError("The request succeeded.")


def status(number, **headers):
    return lambda *_: answer(number, b"<html>no</html>", **headers)


@pytest.mark.parametrize(
    ("number", "code", "token", "kind", "sentence"),
    [
        (401, "GatedRepo", None, AccessDenied, "granted access. Ask for it on its page: http://127.0.0.1:"),
        (403, "GatedRepo", None, AccessDenied, "then enter your access token"),
        (401, "", None, AccessDenied, "then enter your access token"),
        (401, "", TOKEN, TokenRefused, "does not accept the access token"),
        (403, "GatedRepo", TOKEN, AccessDenied, "was not granted access to maker/Model-GGUF"),
        (403, "", TOKEN, AccessDenied, "/maker/Model-GGUF"),
        (401, "RepoNotFound", None, NotOnHub, "no maker/Model-GGUF on the hub, or it is private"),
        (404, "RepoNotFound", None, NotOnHub, "no maker/Model-GGUF on the hub"),
        (404, "RevisionNotFound", None, NotOnHub, "no longer has this version"),
        (404, "EntryNotFound", None, NotOnHub, "no longer has this file"),
        (404, "", None, NotOnHub, "no maker/Model-GGUF on the hub"),
        (451, "", None, NotOnHub, "legal reasons"),
        (416, "", None, DownloadDamaged, "another file than it announced"),
        (400, "", None, HubError, "status 400"),
        (407, "", None, HubUnreachable, "proxy"),
        (500, "", None, HubUnreachable, "trouble of its own"),
        (503, "", None, HubUnreachable, "trouble of its own"),
    ],
)
def test_statuses(number, code, token, kind, sentence):
    error = failure(status(number, X_Error_Code=code), token=token)
    assert type(error) is kind
    assert sentence in error.message
    assert str(number) in error.detail
    assert TOKEN not in error.message + error.detail


def test_a_disabled_repository():
    said = failure(status(403, X_Error_Message="Access to this resource is disabled."), token=TOKEN)
    assert type(said) is NotOnHub
    assert "disabled" in said.message


def test_an_expired_link_to_the_storage_is_no_lack_of_access():
    error = failure(status(403), "/storage/a.gguf?Signature=SECRET", token=TOKEN)
    assert type(error) is HubUnreachable
    assert "no longer valid" in error.message
    assert "SECRET" not in error.detail


@pytest.mark.parametrize(
    ("headers", "seconds", "words"),
    [
        ({"Retry-After": "7"}, 7.0, "in 7 s"),
        ({"Retry-After": "600"}, 600.0, "in 10 min"),
        ({"Retry-After": "99999999999999999"}, LONGEST_WAIT_S, "in 24 h"),
        ({"RateLimit": '"api";r=0;t=55'}, 55.0, "in 55 s"),
        ({"RateLimit": '"api";r=3;t=55'}, None, "in a few minutes"),
        ({"Retry-After": "soon"}, None, "in a few minutes"),
        ({"Retry-After": "-5"}, None, "in a few minutes"),
        ({"Retry-After": f"Thu, 01 Jan {10**20} 00:00:00 GMT"}, None, "in a few minutes"),
        ({"Retry-After": f"Thu, 01 Jan 2026 00:00:00 +{10**20}"}, None, "in a few minutes"),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0, "in 1 s"),
        ({}, None, "in a few minutes"),
    ],
)
def test_a_busy_hub(headers, seconds, words):
    error = failure(status(429, **headers))
    assert isinstance(error, HubBusy)
    assert error.retry_after_s == seconds
    assert words in error.message


def test_a_date_to_wait_for():
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert retry_after({"Retry-After": until}) == pytest.approx(100, abs=5)
    assert failure(status(503, Retry_After="9")).retry_after_s == 9.0


def test_a_connection_that_is_cut():
    assert "broke off" in failure(lambda *_: b"").message
    cut = failure(lambda *_: answer(200, b"short", Content_Length="500"))
    assert type(cut) is HubUnreachable
    assert "broke off" in cut.message


def test_redirects_without_an_end():
    error = failure(lambda asked, _: answer(302, Location=asked.path + "x"))
    assert type(error) is HubUnreachable
    assert "in circles" in error.message


def asking(url, **options):
    with new_client() as client:
        try:
            client.get(url, **options)
        except Exception as error:
            return explain(error, REPOSITORY)
    raise AssertionError("The request succeeded.")


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    error = asking(f"http://127.0.0.1:{port}/")
    assert type(error) is HubUnreachable
    assert "could not be reached" in error.message


def test_a_name_that_does_not_exist():
    error = asking("http://hub.invalid/")  # RFC 2606: never resolves
    assert type(error) is HubUnreachable
    assert "could not be found" in error.message


def test_silence():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = time.monotonic()
        error = asking(f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout=0.2)
    assert time.monotonic() - start < 10
    assert "in time" in error.message


def test_what_is_no_web_address():
    assert "HF_ENDPOINT" in asking("ftp://127.0.0.1/").message


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """The files of a certificate that nobody trusts, for 127.0.0.1."""
    folder = tmp_path_factory.mktemp("certificate")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


class TlsServer(ScriptedServer):
    def __init__(self, certificate, key):
        super().__init__(lambda *_: answer(200, b"yes"))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._listener = context.wrap_socket(self._listener, server_side=True)
        self.address = self.address.replace("http:", "https:")


def test_a_certificate_is_only_trusted_when_a_person_says_so(stranger, monkeypatch):
    certificate, key = stranger
    with TlsServer(certificate, key) as server:
        error = asking(server.address)
        assert type(error) is HubUnreachable
        assert "certificate is not trusted" in error.message
        assert "SSL_CERT_FILE" in error.message
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        with (
            TlsServer(certificate, key) as server,
            monkeypatch.context() as environment,
        ):
            environment.setenv(name, str(certificate))
            with new_client() as client:
                assert client.get(server.address).text == "yes"


def test_https_to_a_server_that_has_none():
    with ScriptedServer(status(200)) as server:
        error = asking(server.address.replace("http:", "https:"))
    assert type(error) is HubUnreachable
    assert "encrypted connection" in error.message


def test_the_systems_proxy_is_used_and_its_refusal_explained(monkeypatch):
    with ScriptedServer(status(407)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.address.replace("//", "//me:SECRET@"))
        monkeypatch.setenv("no_proxy", "other.invalid")
        with new_client() as client:
            refused = client.get("http://hub.invalid/api/models/x")
        assert proxy.asked[0].path == "http://hub.invalid/api/models/x"
        assert refused.status_code == 407
        monkeypatch.setenv("https_proxy", proxy.address.replace("//", "//me:SECRET@"))
        error = asking("https://hub.invalid/")
        assert proxy.asked[1].method == "CONNECT"
    assert type(error) is HubUnreachable
    assert "proxy" in error.message
    assert "SECRET" not in error.message + error.detail


def test_hf_hub_offline_is_obeyed(monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)  # it reads the environment once, at its import
    with ScriptedServer(status(200)) as server:
        assert type(asking(server.address)) is Offline
        assert server.asked == []


def test_the_cause_counts_where_the_library_wraps_it():
    from huggingface_hub.errors import LocalEntryNotFoundError

    inner = NotOnHub("Gone.")
    outer = LocalEntryNotFoundError("Something else.")
    outer.__cause__ = inner
    assert explain(outer, REPOSITORY) is inner


def test_what_merely_happened_before_hides_no_bug():
    try:
        try:
            raise NotOnHub("Gone.")
        except NotOnHub:
            _ = 1 // 0
    except ZeroDivisionError as bug:
        with pytest.raises(ZeroDivisionError):
            explain(bug, REPOSITORY)


@pytest.mark.parametrize("bug", [KeyError("x"), OSError(28, "No space left on device"), AssertionError()])
def test_bugs_and_full_disks_are_not_the_hubs(bug):
    with pytest.raises(type(bug)) as raised:
        explain(bug, REPOSITORY)
    assert raised.value is bug


def test_secrets_are_taken_out():
    text = without_secrets(
        f"GET https://me:pass@mirror/x?X-Amz-Signature=abc {TOKEN} authorization: Bearer other.token end"
    )
    assert text == "GET https://…@mirror/x?… hf_… authorization: Bearer … end"
