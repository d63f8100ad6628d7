"""Rounds to an engine that may crash or hang meanwhile."""

from __future__ import annotations

import threading

import pytest

from app.benchmark.interruption import Interruption
from app.benchmark.rounds import LiveMeter, Rounds
from app.domain.errors import Cancelled, EngineGone, EngineTimeout
from app.domain.generation import Cancellation, ChatMessage, Role
from app.domain.speed_test import Case, RequestSample, Round, Shape

CASE = Case(Shape("chat", 16, 8), 1)
PROMPTS = [(ChatMessage(Role.USER, "Hi"),)]
FINE = Round((RequestSample(0.0, 0.1, 1.0, completion_tokens=8),), 1.0)
BROKEN = Round((RequestSample(0.0, None, 0.1, error="The engine broke off."),), 0.1)
DEADLINE_S = 10.0


class Running:
    """An engine that never was."""

    def __init__(self, log=None, pid=1):
        self.log = log
        self.pid = pid
        self.stopped = threading.Event()

    def crashed(self):
        return self.log

    def stop(self, *, at_once=False):
        assert at_once
        self.stopped.set()


class Load:
    """Answers with what it was given."""

    def __init__(self, answer, pieces=()):
        self.answer = answer
        self.pieces = pieces
        self.asked = []

    def round(self, running, prompts, output_tokens, *, cancellation, timeout_s, on_pieces):
        self.asked.append((prompts, output_tokens, timeout_s))
        for count in self.pieces:
            on_pieces(count)
        return self.answer


def rounds(running, load, cancellation=None):
    return Rounds(running, load, Interruption(cancellation or Cancellation()), "llama.cpp")


def test_a_round_as_it_was_asked_for() -> None:
    load = Load(FINE)
    assert rounds(Running(), load).send(CASE, PROMPTS, timeout_s=7.0) is FINE
    assert load.asked == [(PROMPTS, 8, 7.0)]


def test_a_failed_request_of_an_engine_that_runs_is_a_round_all_the_same() -> None:
    assert rounds(Running(), Load(BROKEN)).send(CASE, PROMPTS, timeout_s=7.0) is BROKEN


def test_an_engine_that_crashed_is_told_with_its_log() -> None:
    with pytest.raises(EngineGone) as told:
        rounds(Running("Segmentation fault"), Load(BROKEN)).send(CASE, PROMPTS, timeout_s=7.0)
    assert told.value.message == "llama.cpp ended by itself in the middle of the test."
    assert told.value.detail == "Segmentation fault"


def test_somebody_elses_server_is_not_asked_for_its_process() -> None:
    running = Running("this would be a crash", pid=None)
    assert rounds(running, Load(BROKEN)).send(CASE, PROMPTS, timeout_s=7.0) is BROKEN


def test_after_a_cancel_there_is_no_round() -> None:
    cancellation = Cancellation()
    asking = rounds(Running(), Load(FINE), cancellation)
    cancellation.cancel()
    with pytest.raises(Cancelled):
        asking.send(CASE, PROMPTS, timeout_s=7.0)


def test_what_takes_too_long_ends_the_engine() -> None:
    running = Running()

    def count_for_ever() -> None:
        with rounds(running, Load(FINE)).limited(0.05, "counting"):
            assert running.stopped.wait(DEADLINE_S)
            raise EngineGone("The engine broke off.")

    with pytest.raises(EngineTimeout) as told:
        count_for_ever()
    assert told.value.message == "llama.cpp hung: it did not finish counting within 0 s."


def test_what_is_in_time_ends_nothing() -> None:
    running = Running()
    with rounds(running, Load(FINE)).limited(0.05, "counting"):
        pass
    assert not running.stopped.wait(0.2)


def test_live_rates_are_of_the_last_second() -> None:
    now = [0.0]
    told: list[float] = []
    meter = LiveMeter(told.append, clock=lambda: now[0])
    for tenth in range(1, 31):
        now[0] = tenth / 10
        meter.count(10 * tenth if tenth <= 15 else 150 + 40 * (tenth - 15))
    assert told[4] == pytest.approx(100.0)
    assert told[14] == pytest.approx(100.0)
    assert told[-1] == pytest.approx(400.0)
