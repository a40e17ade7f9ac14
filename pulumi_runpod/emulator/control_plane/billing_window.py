"""Which time a billing call is about: whole buckets of an hour, day, week, month or year, in UTC."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import get_args

from starlette.datastructures import QueryParams

from pulumi_runpod.emulator.control_plane.validation import invalid
from pulumi_runpod.emulator.platform.problem import ProblemError
from pulumi_runpod.wire.billing import BucketSize

DEFAULT_DAYS = 30
MAX_LAST_N = 100_000
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")


@dataclass(frozen=True)
class Window:
    start: datetime
    end: datetime
    """Exclusive."""
    bucket_size: BucketSize

    def shares(self, begin: float, end: float) -> Iterator[tuple[datetime, datetime, float]]:
        """`(bucket start, bucket end, seconds)` for what of a span lies in each bucket of the window."""
        begin = max(begin, self.start.timestamp())
        end = min(end, self.end.timestamp())
        while begin < end:
            first = floor(datetime.fromtimestamp(begin, UTC), self.bucket_size)
            last = following(first, self.bucket_size)
            upto = min(end, last.timestamp())
            yield first, last, upto - begin
            begin = upto


def parse_window(query: QueryParams, now: datetime) -> Window:
    """Raises ProblemError: 400 for `lastN` beside a time, 422 for what is malformed."""
    value = query.get("bucketSize", "day")
    sizes: tuple[BucketSize, ...] = get_args(BucketSize)
    size = next((s for s in sizes if s == value), None)
    if size is None:
        raise invalid("$query.bucketSize", f"value must be one of {', '.join(map(repr, sizes))}")
    last_n = query.get("lastN")
    start, end = _time(query, "startTime"), _time(query, "endTime")
    if last_n is not None and (start or end):
        raise ProblemError(400, "lastN and startTime/endTime exclude each other: give one or the other")
    try:
        if last_n is not None:
            return _last(last_n, size, now)
        end = ceiling(end or now, size)
        start = floor(start or min(now, end) - timedelta(days=DEFAULT_DAYS), size)
    except OverflowError:
        raise invalid("$query", "the window leaves the calendar") from None
    if start >= end:
        raise ProblemError(400, "startTime must be before endTime")
    return Window(start, end, size)


def floor(moment: datetime, size: BucketSize) -> datetime:
    """The start of the bucket that `moment` is in."""
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if size == "hour":
        return moment.replace(minute=0, second=0, microsecond=0)
    if size == "week":
        return day - timedelta(days=day.weekday())
    if size == "month":
        return day.replace(day=1)
    return day.replace(month=1, day=1) if size == "year" else day


def following(start: datetime, size: BucketSize) -> datetime:
    """The start of the next bucket. Raises OverflowError at the end of the calendar."""
    if size == "month":
        return floor(start + timedelta(days=31), "month")
    if size == "year":
        return floor(start + timedelta(days=366), "year")
    return start + {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}[size]


def ceiling(moment: datetime, size: BucketSize) -> datetime:
    """The end of the bucket that `moment` is in; itself when it is a boundary."""
    start = floor(moment, size)
    return moment if start == moment else following(start, size)


def _last(text: str, size: BucketSize, now: datetime) -> Window:
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= MAX_LAST_N):
        raise invalid("$query.lastN", f"must be an integer from 1 to {MAX_LAST_N}")
    current = floor(now, size)
    start = current
    for _ in range(int(text) - 1):
        start = floor(start - timedelta(hours=1), size)
    return Window(start, following(current, size), size)


def _time(query: QueryParams, name: str) -> datetime | None:
    value = query.get(name)
    if value is None:
        return None
    malformed = invalid(f"$query.{name}", "must be an RFC 3339 time with a zone, such as 2026-06-01T00:00:00Z")
    if not _RFC3339.fullmatch(value):
        raise malformed
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise malformed from None
