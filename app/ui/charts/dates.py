"""The days and hours that are named along an axis of time."""

from __future__ import annotations

from datetime import datetime, timedelta

_MINUTES = (1, 5, 15, 30)
_HOURS = (1, 3, 6, 12)
_DAYS = (1, 2, 7, 14)
_MONTHS = (1, 3, 6)
_YEARS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_UNITS = (("minute", _MINUTES), ("hour", _HOURS), ("day", _DAYS), ("month", _MONTHS), ("year", _YEARS))


def ticks(low: float, high: float, most: int) -> tuple[tuple[float, str], ...]:
    """At most `most` moments from `low` to `high`, in seconds since the epoch, with their words.

    A minute, hour, day, month or year of this machine's time begins there: "14:05", "3 Mar", "Mar 2026",
    "2026". There are none where this system knows no such date.
    """
    try:
        start, end = datetime.fromtimestamp(low), datetime.fromtimestamp(high)
        for unit, counts in _UNITS:
            for count in counts:
                found = _between(start, end, unit, count, most)
                if found is not None:
                    return tuple((moment.timestamp(), _words(moment, unit)) for moment in found)
    except (OverflowError, OSError, ValueError):
        pass
    return ()


def _between(start: datetime, end: datetime, unit: str, count: int, most: int) -> list[datetime] | None:
    """Every `count`-th of a unit; None where that is more than `most`."""
    moment = _floor(start, unit, count)
    found: list[datetime] = []
    while moment <= end:
        if moment >= start:
            found.append(moment)
        if len(found) > most:
            return None
        moment = _next(moment, unit, count)
    return found


def _floor(moment: datetime, unit: str, count: int) -> datetime:
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    match unit:
        case "minute":
            return moment.replace(minute=moment.minute - moment.minute % count, second=0, microsecond=0)
        case "hour":
            return day.replace(hour=moment.hour - moment.hour % count)
        case "day":  # counted on from a Monday, so that weeks begin there
            return day - timedelta(days=(day.toordinal() - 1) % count)
        case "month":
            return day.replace(day=1, month=moment.month - (moment.month - 1) % count)
        case _:
            return day.replace(day=1, month=1, year=max(1, moment.year - moment.year % count))


def _next(moment: datetime, unit: str, count: int) -> datetime:
    match unit:
        case "minute":
            return moment + timedelta(minutes=count)
        case "hour":
            return moment + timedelta(hours=count)
        case "day":
            return moment + timedelta(days=count)
        case "month":
            months = moment.month - 1 + count
            return moment.replace(year=moment.year + months // 12, month=months % 12 + 1)
        case _:
            return moment.replace(year=moment.year - moment.year % count + count)


def _words(moment: datetime, unit: str) -> str:
    match unit:
        case "minute" | "hour":
            return f"{moment:%H:%M}" if moment.hour or moment.minute else f"{moment.day} {moment:%b}"
        case "day":
            return f"{moment.day} {moment:%b}"
        case "month":
            return f"{moment:%b %Y}"
        case _:
            return f"{moment.year}"
