"""How fast something arrives."""

from __future__ import annotations

import pytest

from app.domain.transfer_speed import WINDOW_S, TransferSpeed


def test_a_steady_stream_has_its_speed():
    speed = TransferSpeed()
    for tenth in range(200):
        speed.add(tenth / 10, tenth * 1000)
    assert speed.rate(19.9) == pytest.approx(10_000)


def test_nothing_is_told_before_anything_is_known():
    speed = TransferSpeed()
    assert speed.rate(0.0) is None
    speed.add(0.0, 0)
    speed.add(0.1, 1000)
    assert speed.rate(0.1) is None
    assert speed.rate(1.0) == pytest.approx(1000)


def test_it_sinks_to_zero_while_nothing_arrives():
    speed = TransferSpeed()
    for tenth in range(20):
        speed.add(tenth / 10, tenth * 1000)
    sinking = speed.rate(3.0)
    assert sinking is not None
    assert 0 < sinking < 10_000
    assert speed.rate(2.0 + WINDOW_S) == 0.0


def test_only_the_last_seconds_count():
    speed = TransferSpeed()
    speed.add(0.0, 0)
    speed.add(1.0, 1_000_000)
    for second in range(2, 12):
        speed.add(float(second), 1_000_000 + second)
    assert speed.rate(11.0) == pytest.approx(1.0)


def test_less_than_before_begins_anew():
    speed = TransferSpeed()
    speed.add(0.0, 0)
    speed.add(1.0, 1000)
    speed.add(2.0, 0)
    assert speed.rate(2.0) is None
    speed.add(3.0, 500)
    assert speed.rate(3.0) == pytest.approx(500)
    speed.clear()
    assert speed.rate(3.0) is None
