import subprocess
import sys

import pytest

from app.domain.errors import HubError
from app.models.hub_session import (
    CERTIFICATES,
    CONNECT_TIMEOUT_S,
    HUB,
    READ_TIMEOUT_S,
    hub_endpoint,
    hub_environment,
    hub_headers,
    new_client,
    use_hub,
)
from tests.unit.models.scripted_server import ScriptedServer, answer


def test_the_library_is_imported_late_and_as_we_want_it():
    program = """
import sys
import app.models.hub_session as session
assert "huggingface_hub" not in sys.modules and "httpx2" not in sys.modules
session.use_hub()
session.use_hub()
from huggingface_hub import constants, get_session
assert constants.HF_HUB_DISABLE_TELEMETRY and constants.HF_HUB_DISABLE_IMPLICIT_TOKEN
assert constants.HF_HUB_DISABLE_UPDATE_CHECK and constants.HF_HUB_DISABLE_PROGRESS_BARS
assert get_session().timeout.read == session.READ_TIMEOUT_S
headers = session.hub_headers(None)
assert "authorization" not in headers, headers
assert headers["user-agent"].startswith("edgewise/"), headers
assert session.hub_headers("hf_x")["authorization"] == "Bearer hf_x"
"""
    # A token that another program stored, or that stands in the environment, is not sent by itself.
    environment = {"HF_TOKEN": "hf_implicit", "HF_HUB_DISABLE_TELEMETRY": "0", "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr


def test_what_is_switched_off_is_known_to_the_library():
    use_hub()
    from huggingface_hub import constants

    assert all(getattr(constants, name) for name in hub_environment())


def test_waits_are_bounded_even_where_the_library_asks_for_none():
    seen = []
    with ScriptedServer(lambda *_: answer(200)) as server, new_client() as client:
        client.event_hooks["request"].append(lambda request: seen.append(request.extensions["timeout"]))
        client.get(server.address, timeout=None)
        client.get(server.address, timeout=3)
    assert seen[0]["read"] == READ_TIMEOUT_S
    assert seen[0]["connect"] == CONNECT_TIMEOUT_S
    assert seen[1]["read"] == 3


@pytest.mark.parametrize("name", CERTIFICATES)
def test_certificates_that_cannot_be_read(name, monkeypatch, tmp_path):
    for other in CERTIFICATES:
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, str(tmp_path / "missing.pem"))
    with pytest.raises(HubError, match=name):
        new_client()
    (tmp_path / "missing.pem").write_text("no certificate")
    with pytest.raises(HubError, match=name):
        new_client()


def test_the_endpoint(monkeypatch):
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    assert hub_endpoint() == HUB
    monkeypatch.setenv("HF_ENDPOINT", " https://mirror.example/hf/ ")
    assert hub_endpoint() == "https://mirror.example/hf"


@pytest.mark.parametrize(
    "wrong", ["mirror.example", "file:///etc", "https://", "https://[::1", "http://x:y/", "https://a/?b"]
)
def test_an_endpoint_that_is_no_address(wrong, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", wrong)
    with pytest.raises(HubError, match="HF_ENDPOINT"):
        hub_endpoint()


def test_a_token_does_not_follow_a_redirect_to_another_server():
    with ScriptedServer(lambda *_: answer(200)) as storage:
        elsewhere = storage.address.replace("127.0.0.1", "localhost") + "/file"
        with (
            ScriptedServer(lambda *_: answer(302, Location=elsewhere)) as hub,
            new_client() as client,
        ):
            client.get(hub.address, headers=hub_headers("hf_secret"))
        assert hub.asked[0].headers["authorization"] == "Bearer hf_secret"
        assert "authorization" not in storage.asked[0].headers
