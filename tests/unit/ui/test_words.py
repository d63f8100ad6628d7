"""Sizes, counts, speeds and times in words."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from app.ui import words

NOON = datetime(2026, 3, 10, 12, 0).timestamp()


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (None, "—"),
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (98_362_432, "98 MB"),
        (9_940_000, "9.9 MB"),
        (9_960_000, "10 MB"),
        (999_400_000, "999 MB"),
        (999_700_000, "1.0 GB"),
        (2_497_280_256, "2.5 GB"),
        (42_520_393_472, "42.5 GB"),
        (1_342_000_000_000, "1.3 TB"),
        (5e15, "5,000.0 TB"),
    ],
)
def test_size(count, shown) -> None:
    assert words.size(count) == shown


@pytest.mark.parametrize(
    ("done", "whole", "shown"),
    [
        (0, 2_497_280_256, "0.0 of 2.5 GB"),
        (612_000_000, 2_497_280_256, "0.6 of 2.5 GB"),
        (61_000_000, 98_362_432, "61 of 98 MB"),
        (61_000_000, None, "61 MB"),
        (10, 500, "10 of 500 bytes"),
    ],
)
def test_size_of(done, whole, shown) -> None:
    assert words.size_of(done, whole) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (None, "—"),
        (0, "0"),
        (980, "980"),
        (12_345, "12.3 k"),
        (99_960, "100 k"),
        (999_600, "1.0 M"),
        (1_400_000, "1.4 M"),
        (3_000_000_000, "3.0 G"),
    ],
)
def test_count(number, shown) -> None:
    assert words.count(number) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (None, "—"),
        (134_515_008, "135M"),
        (999_900_000, "1.0B"),
        (4_022_468_096, "4.0B"),
        (19_940_000_000, "19.9B"),
        (70_553_706_496, "71B"),
        (1_000, "1,000"),
    ],
)
def test_parameters(number, shown) -> None:
    assert words.parameters(number) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [(None, "—"), (8192, "8k"), (131_072, "128k"), (1_048_576, "1M"), (40_000, "40,000"), (512, "512")],
)
def test_tokens(number, shown) -> None:
    assert words.tokens(number) == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (None, "—"),
        (0.021, "+2.1 %"),
        (-0.004, "−0.4 %"),
        (0.0, "0.0 %"),
        (-0.0004, "0.0 %"),
        (12.0, "+1,200.0 %"),
    ],
)
def test_signed_percent(share, shown) -> None:
    assert words.signed_percent(share) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, ""),
        (0, "1 s left"),
        (4.4, "4 s left"),
        (12, "15 s left"),
        (54, "55 s left"),
        (61, "2 min left"),
        (3599, "1 h left"),
        (3900, "1 h 5 min left"),
        (2 * 86_400, "2 days left"),
        (86_400, "1 day left"),
        (1e9, "days left"),
    ],
)
def test_time_left(seconds, shown) -> None:
    assert words.time_left(seconds) == shown


def test_speeds() -> None:
    assert words.transfer(11_400_000) == "11 MB/s"
    assert words.transfer(None) == ""
    assert words.decode_speed(18.42) == "18.4 tok/s"
    assert words.decode_speed(99.97) == "100 tok/s"
    assert words.decode_speed(None) == "—"


@pytest.mark.parametrize(
    ("before", "shown"),
    [
        (-100, "just now"),
        (59, "just now"),
        (61, "1 min ago"),
        (3599, "59 min ago"),
        (3 * 3600, "3 h ago"),
        (13 * 3600, "yesterday"),
        (3 * 86_400, "3 days ago"),
        (1e18, "—"),
    ],
)
def test_ago(before, shown) -> None:
    assert words.ago(NOON - before, NOON) == shown


def test_never() -> None:
    assert words.ago(None, NOON) == "never"


@pytest.mark.parametrize(
    ("days", "shown"),
    [
        (-1, "today"),
        (0, "today"),
        (1, "yesterday"),
        (13, "13 days ago"),
        (14, "2 weeks ago"),
        (29, "4 weeks ago"),
        (30, "1 month ago"),
        (364, "12 months ago"),
        (365, "1 year ago"),
        (800, "2 years ago"),
    ],
)
def test_days_ago(days, shown) -> None:
    today = date(2026, 3, 10)
    assert words.days_ago(today - timedelta(days=days), today) == shown


@pytest.mark.parametrize("said", [None, "", "soon", "2026-99-99"])
def test_a_date_that_is_none(said) -> None:
    assert words.iso_days_ago(said, date(2026, 3, 10)) == "—"


def test_a_servers_date() -> None:
    assert words.iso_days_ago("2026-03-07T10:00:00.000Z", date(2026, 3, 10)) == "3 days ago"


def test_moment() -> None:
    assert words.moment(NOON) == "2026-03-10 12:00"
    assert words.moment(1e30) == "—"
