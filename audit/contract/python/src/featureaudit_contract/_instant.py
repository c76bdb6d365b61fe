"""Instants to the nanosecond and lengths of time, read as strictly as the Go program reads them."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, timedelta, timezone
from typing import NamedTuple

_FORM = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?(Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_UNITS = {"w": 604800.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3}
_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:w|d|h|ms|m|s))+")
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(w|d|h|ms|m|s)")
_EPOCH = date(1970, 1, 1).toordinal()


class Instant(NamedTuple):
    """Whole seconds since 1970-01-01 UTC, and nanoseconds."""

    seconds: int
    nanos: int

    def until(self, later: Instant) -> float:
        """Seconds from this instant to another one."""
        return float(later.seconds - self.seconds) + (later.nanos - self.nanos) / 1e9

    def __str__(self) -> str:
        days, rest = divmod(self.seconds, 86400)
        day = date.fromordinal(days + _EPOCH)
        fraction = f".{self.nanos:09d}".rstrip("0") if self.nanos else ""
        return f"{day.isoformat()}T{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}{fraction}Z"


def parse_instant(text: str) -> Instant:
    """Read RFC 3339 with an offset. ValueError where it is anything else: a zone would be a guess."""
    match = _FORM.fullmatch(text)
    problem = ValueError(f"{text[:64]!r} is no instant: expected RFC 3339 with an offset, such as 2026-11-23T02:00:00Z")
    if match is None:
        raise problem
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    if hour > 23 or minute > 59 or second > 59:
        raise problem
    try:
        days = date(year, month, day).toordinal() - _EPOCH
    except ValueError:
        raise problem from None
    zone = match[8]
    offset = 0
    if zone != "Z":
        offset = int(zone[1:3]) * 3600 + int(zone[4:6]) * 60
        offset = -offset if zone[0] == "-" else offset
    return Instant(days * 86400 + hour * 3600 + minute * 60 + second - offset, int((match[7] or "").ljust(9, "0")))


def instant_of(value: datetime | str) -> Instant:
    """The instant of an aware datetime or an RFC 3339 text. ValueError for a naive one."""
    if isinstance(value, str):
        return parse_instant(value)
    if value.tzinfo is None or value.utcoffset() is None:
        raise ValueError(f"{value!r} has no time zone: give an aware datetime, such as datetime.now(timezone.utc)")
    delta = value - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return Instant(delta.days * 86400 + delta.seconds, delta.microseconds * 1000)


def duration_seconds(value: timedelta | float | str, name: str) -> float:
    """Seconds of a limit: a timedelta, seconds, or text such as "6h" or "1d12h". ValueError unless above 0."""
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
    elif isinstance(value, str):
        if _DURATION.fullmatch(value) is None:
            raise ValueError(f'{name} {value!r}: expected a duration such as "90s", "6h" or "7d"')
        seconds = math.fsum(float(number) * _UNITS[unit] for number, unit in _PART.findall(value))
    elif isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{name} {value!r}: expected a timedelta, seconds, or text such as '6h'")
    else:
        seconds = float(value)
    if not math.isfinite(seconds) or seconds <= 0:
        raise ValueError(f"{name} {value!r}: expected a duration above 0")
    return seconds


def in_words(seconds: float) -> str:
    """A length of time for people: "3d6h57m57s"."""
    if abs(seconds) > 9e9:
        return f"{seconds:.0f}s"
    if abs(seconds) < 1:
        return f"{seconds * 1000:.3g}ms" if seconds else "0"
    text = "-" if seconds < 0 else ""
    rest = int(abs(seconds))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        count, rest = divmod(rest, size)
        if count:
            text += f"{count}{unit}"
    return text
