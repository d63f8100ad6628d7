import pytest

from app.domain.errors import EngineTimeout
from app.engines.address import Address
from app.engines.refusals import elsewhere, lost, read_answer, refusal

OURS = Address("127.0.0.1", 1, "secret")
TEAM = Address("gpu.example", 443, "secret", tls=True, server="Team GPU")


@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b"[1]", {"error": {"message": "[1]"}}),
        (b" no JSON \xff", {"error": {"message": "no JSON \ufffd"}}),
    ],
)
def test_an_answer(raw, answer):
    assert read_answer(raw) == answer


def test_who_refused():
    assert str(refusal(500, {"error": "no"}, OURS)) == "The engine refused the request: no"
    assert str(refusal(500, {"error": "no"}, TEAM)) == "Team GPU refused the request: no"


def test_what_to_do_about_silence():
    for address, advice in ((OURS, "restart it"), (TEAM, "Try again later")):
        failure = lost(TimeoutError("timed out"), address)
        assert isinstance(failure, EngineTimeout)
        assert advice in failure.message


def test_another_address_is_named_if_the_server_names_it():
    assert "https://other.example" in str(elsewhere(301, "https://other.example", TEAM))
    assert "it does not say which" in str(elsewhere(301, "", TEAM))
    assert len(str(elsewhere(301, "x" * 10_000, TEAM))) < 500
