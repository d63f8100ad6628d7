"""Sizes, counts, speeds and times in the words the window shows them in.

One place, so that a model's size reads the same on its card, in the list and in the shelf. Bytes come from
`app.domain.size_words`, as in the terminal.
"""

from __future__ import annotations

from datetime import date, datetime

from app.domain import size_words
from app.domain.size_words import size_of as size_of

UNKNOWN = "—"
"""Stands in a table where nothing is known; never a zero."""

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_LONGEST_WAIT = 4 * _DAY
"""An estimate beyond this says only that it is long."""


def size(count: int | float | None) -> str:
    """Bytes: "2.5 GB", "98 MB", "512 bytes"; UNKNOWN for None."""
    return UNKNOWN if count is None else size_words.size(count)


def count(number: int | None) -> str:
    """How many, short: "12.3 k", "1.4 M", "980"; UNKNOWN for None."""
    if number is None:
        return UNKNOWN
    if number < 1000:
        return f"{number}"
    for unit, of in (("k", 1e3), ("M", 1e6), ("G", 1e9)):
        if unit == "G" or round(number / of) < 1000:
            value = number / of
            return f"{value:,.0f} {unit}" if value >= 99.95 else f"{value:.1f} {unit}"
    raise AssertionError


def parameters(number: int | None) -> str:
    """A model's parameters as the field writes them: "135M", "4.0B", "70B"; UNKNOWN for None."""
    if number is None:
        return UNKNOWN
    if round(number / 1e6) < 1000:
        return f"{number / 1e6:.0f}M" if number >= 1e6 else f"{number:,}"
    billions = number / 1e9
    return f"{billions:,.0f}B" if billions >= 19.95 else f"{billions:.1f}B"


def tokens(number: int | None) -> str:
    """A context length in the field's way: "4k" is 4,096, "128k" 131,072; odd ones in full."""
    if number is None:
        return UNKNOWN
    if number >= 1 << 20 and number % (1 << 20) == 0:
        return f"{number >> 20}M"
    if number >= 1024 and number % 1024 == 0:
        return f"{number >> 10}k"
    return f"{number:,}"


def transfer(speed: float | None) -> str:
    """Bytes per second: "11 MB/s"; empty where it is not known."""
    return "" if speed is None else f"{size(speed)}/s"


def decode_speed(speed: float | None) -> str:
    """Tokens per second: "18.4 tok/s", "120 tok/s"; UNKNOWN for None."""
    if speed is None:
        return UNKNOWN
    return f"{speed:.0f} tok/s" if speed >= 99.95 else f"{speed:.1f} tok/s"


def signed_percent(share: float | None) -> str:
    """A share with its sign: "+2.1 %", "−0.4 %" (a true minus); UNKNOWN for None."""
    if share is None:
        return UNKNOWN
    shown = f"{abs(share) * 100:,.1f} %"
    if shown == "0.0 %":
        return shown
    return f"+{shown}" if share > 0 else f"−{shown}"


def duration(seconds: float) -> str:
    """How long: "20 s", "2 min", "1 h 5 min", "3 days". Rounded up to what a person waits for."""
    whole = max(1, round(seconds))
    if whole < 55:
        return f"{whole if whole < 10 else -(-whole // 5) * 5} s"
    minutes = -(-whole // _MINUTE)
    if minutes < 60:
        return f"{minutes} min"
    if whole < _DAY:
        hours, rest = divmod(minutes, 60)
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    days = round(whole / _DAY)
    return f"{days} day{'' if days == 1 else 's'}"


def time_left(seconds: float | None) -> str:
    """What is left of a download: "2 min left"; empty where it is not known."""
    if seconds is None:
        return ""
    return "days left" if seconds > _LONGEST_WAIT else f"{duration(seconds)} left"


def ago(at: float | None, now: float) -> str:
    """When something was, in seconds since the epoch: "just now", "5 min ago", "yesterday", "3 days ago".

    Days are those of the calendar. Of None it is "never".
    """
    if at is None:
        return "never"
    try:
        then, today = datetime.fromtimestamp(at), datetime.fromtimestamp(now)
    except (OverflowError, OSError, ValueError):  # no date this system knows
        return UNKNOWN
    passed = now - at
    if passed < _MINUTE:  # or of a clock that was set back
        return "just now"
    if passed < _HOUR:
        return f"{int(passed // _MINUTE)} min ago"
    return (
        f"{int(passed // _HOUR)} h ago"
        if then.date() == today.date()
        else days_ago(then.date(), today.date())
    )


def days_ago(day: date, today: date) -> str:
    """How long ago a day was: "today", "yesterday", "3 days ago", "2 months ago", "4 years ago"."""
    days = (today - day).days
    if days <= 0:
        return "today"
    if days == 1:
        return "yesterday"
    for unit, length in (("year", 365), ("month", 30), ("week", 7)):
        if days >= 2 * length or (unit != "week" and days >= length):
            passed = days // length
            return f"{passed} {unit}{'' if passed == 1 else 's'} ago"
    return f"{days} days ago"


def iso_days_ago(day: str | None, today: date) -> str:
    """`days_ago` of an ISO 8601 date or time, as a server said it; UNKNOWN if it is none."""
    try:
        return days_ago(date.fromisoformat((day or "")[:10]), today)
    except ValueError:
        return UNKNOWN


def moment(at: float) -> str:
    """A moment in seconds since the epoch, in this machine's time: "2026-03-01 14:05"."""
    try:
        return datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M")
    except (OverflowError, OSError, ValueError):
        return UNKNOWN
