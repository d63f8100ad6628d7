"""With real handshakes: what OpenSSL says of a certificate is what has to become a sentence."""

import socket
import ssl
import sys
import threading

import pytest

from app.domain.errors import CertificateRefused
from app.domain.generation import Cancellation
from app.domain.server_address import ServerAddress
from app.engines.certificates import explain, trust
from app.engines.connecting import connect
from tests.certificates import DAY, Authority, TlsTerminator
from tests.mock_engine import MockEngine


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def refused(context, trusted):
    """Why the connection to a server with `context` was refused."""
    with MockEngine() as mock, TlsTerminator(context, mock.port) as server:
        where = ServerAddress("localhost", server.port, tls=True)
        with pytest.raises(ssl.SSLError) as caught:
            connect(where, proxy=None, trust=trusted, timeout_s=10, cancellation=Cancellation())
    return explain(caught.value, "localhost", "Team GPU")


def test_a_persons_own_authority(authority):
    with MockEngine() as mock, TlsTerminator(authority.server(), mock.port) as server:
        where = ServerAddress("localhost", server.port, tls=True)
        channel = connect(
            where, proxy=None, trust=trust(authority.ca_file), timeout_s=10, cancellation=Cancellation()
        )
        channel.close(in_peace=True)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep theirs where a test cannot add any")
def test_an_authority_that_the_system_trusts(authority, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    with MockEngine() as mock, TlsTerminator(authority.server(), mock.port) as server:
        where = ServerAddress("localhost", server.port, tls=True)
        channel = connect(where, proxy=None, trust=trust(None), timeout_s=10, cancellation=Cancellation())
        channel.close(in_peace=True)


def test_one_that_the_system_does_not_trust(authority):
    failure = refused(authority.server(), trust(None))
    assert "made by somebody whom this computer does not trust" in failure.message
    assert "give the file" in failure.message


def test_a_file_with_another_authority(authority, tmp_path):
    other = Authority(tmp_path, "Another")
    assert "does not trust" in refused(authority.server(), trust(other.ca_file)).message


def test_an_expired_one(authority):
    failure = refused(authority.server(begins=-10 * DAY, ends=-DAY), trust(authority.ca_file))
    assert failure.message.startswith("The certificate of Team GPU has expired.")


def test_one_of_tomorrow(authority):
    failure = refused(authority.server(begins=DAY, ends=2 * DAY), trust(authority.ca_file))
    assert failure.message.startswith("The certificate of Team GPU is not valid yet.")


@pytest.mark.parametrize("name", ["gpu.example", "10.0.0.1"])
def test_one_for_another_name(authority, name):
    failure = refused(authority.server(name), trust(authority.ca_file))
    assert failure.message.startswith("The certificate of Team GPU is not for localhost.")


def test_a_server_that_does_not_encrypt():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            sock, _ = listener.accept()
            with sock:
                sock.recv(65536)
                sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        where = ServerAddress("127.0.0.1", listener.getsockname()[1], tls=True)
        with pytest.raises(ssl.SSLError) as caught:
            connect(where, proxy=None, trust=trust(None), timeout_s=10, cancellation=Cancellation())
        thread.join()
    assert "Use an address with http://" in explain(caught.value, "127.0.0.1", "Team GPU").message


@pytest.mark.parametrize("reason", ["WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"])
def test_an_answer_that_is_not_encrypted(reason):
    error = ssl.SSLError(1, "nonsense")
    error.reason = reason
    assert "Use an address with http://" in explain(error, "localhost", "Team GPU").message


def test_any_other_failure_of_encryption():
    error = ssl.SSLError(1, "unsupported protocol")
    error.reason = "UNSUPPORTED_PROTOCOL"
    assert "No encrypted connection to Team GPU came about" in explain(error, "localhost", "Team GPU").message


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (-2146762495, "has expired"),  # Windows: CERT_E_EXPIRED, as its signed form
        (0x800B010F, "is not for gpu.example"),
        (0x800B0109, "does not trust"),
        (-67818, "has expired"),  # macOS: errSecCertificateExpired
        (-67602, "is not for gpu.example"),
        (-67843, "does not trust"),
        (12345, "is not valid."),
    ],
)
def test_what_windows_and_macos_say(code, sentence):
    error = ssl.SSLCertVerificationError("Das Zertifikat ist nichts wert.")
    error.verify_code = code
    assert sentence in explain(error, "gpu.example", "Team GPU").message


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"\x00\xff" * 100])
def test_a_file_that_holds_no_certificates(tmp_path, content):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CertificateRefused, match="BEGIN CERTIFICATE"):
        trust(path)
