from pathlib import Path

import pytest

from app.benchmark.load_messages import (
    LoadJob,
    Pieces,
    read_job,
    read_message,
    write_job,
    write_message,
)
from app.domain.generation import ChatMessage, Role, ServerTimings
from app.domain.speed_test import RequestSample, Round
from app.engines.address import Address
from app.engines.openai_client import SALT, Dialect

PROMPTS = ((ChatMessage(Role.SYSTEM, "Be brief.\n"), ChatMessage(Role.USER, "Zoë 🦊")),) * 2


@pytest.mark.parametrize(
    "address",
    [
        Address("127.0.0.1", 8080, "secret"),
        Address("gpu.example", 443, "", "big", True, "/api/v1", Path("/etc/ca 家.pem"), "Zoë’s server"),
    ],
)
@pytest.mark.parametrize("dialect", [Dialect(), Dialect({"seed": "seed"}, "/count", {"a": False, "b": SALT})])
def test_a_job_comes_as_it_was_sent(address, dialect):
    job = LoadJob(address, dialect, PROMPTS, 128)
    line = write_job(job)
    assert line.count(b"\n") == 1
    assert read_job(line) == job


def test_a_round_comes_as_it_was_measured():
    whole = RequestSample(
        0.001, 0.25, 1.5, (0.1, 0.0, 0.30000000000000004), 32, 4, ServerTimings(32, 8.5, 4, 20.0)
    )
    failed = RequestSample(0.0, None, 0.1, error="The engine is full.")
    done = Round((whole, failed), 1.501)
    assert read_message(write_message(done)) == done


def test_a_count_of_pieces():
    assert read_message(write_message(Pieces(17))) == Pieces(17)


@pytest.mark.parametrize(
    "line", [b"", b"Traceback (most recent call last):\n", b"{\n", b'{"a": 1}\n', b'{"round": 3}\n']
)
def test_what_is_no_message(line):
    assert read_message(line) is None
