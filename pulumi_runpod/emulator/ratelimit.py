"""The quota of the account: windows of time, one counter each, told in `RateLimit` headers of authenticated answers.

The numbers of the service are not published (its document's example is 60 a minute). The local default is far above
what one machine can ask, so that nobody is slowed down, while the headers are there to be read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

DEFAULT_QUOTA = '"minute";q=1000000;w=60'
_NAMES = {60: "minute", 3600: "hour", 86_400: "day"}
_MEMBER = re.compile(r'^(?:"([a-z0-9_-]{1,20})"\s*;)?\s*q\s*=\s*(\d{1,9})\s*;\s*w\s*=\s*(\d{1,9})$')


@dataclass(frozen=True)
class Window:
    name: str
    quota: int
    """Calls per window."""
    seconds: int


def parse_quota(text: str) -> tuple[Window, ...]:
    """`q=60;w=3`, or several members as in the `RateLimit-Policy` header: `"minute";q=60;w=60, "hour";q=3000;w=3600`.

    Empty: no limit and no headers, as for callers that the service exempts. Raises ValueError.
    """
    windows = []
    for member in filter(None, (m.strip() for m in text.split(","))):
        told = _MEMBER.match(member)
        if not told or not int(told[2]) or not int(told[3]):
            raise ValueError(f"{member!r} is no quota: write q=CALLS;w=SECONDS, such as q=60;w=60")
        seconds = int(told[3])
        windows.append(Window(told[1] or _NAMES.get(seconds, f"{seconds}s"), int(told[2]), seconds))
    return tuple(windows)


@dataclass
class _Counter:
    window: Window
    index: int = -1
    used: int = 0


@dataclass(frozen=True)
class Verdict:
    """What became of a call: `exceeded` names the window that is used up, None when the call may go on."""

    headers: tuple[tuple[bytes, bytes], ...]
    exceeded: str | None = None
    retry_after: int = 0
    """Seconds."""


class RateLimit:
    """One per account: all keys share it. Fixed windows, aligned to the clock, with the minute's at its start."""

    def __init__(self, windows: tuple[Window, ...], now: Callable[[], float]) -> None:
        self._now = now
        self.windows: tuple[Window, ...] = ()
        self.set(windows)

    def set(self, windows: tuple[Window, ...]) -> None:
        """Take another policy; counts start anew."""
        self.windows = windows
        self._counters = [_Counter(w) for w in windows]
        self._policy = ", ".join(f'"{w.name}";q={w.quota};w={w.seconds}' for w in windows).encode()

    def take(self) -> Verdict:
        """Count one call. A refused call is not counted."""
        if not self._counters:
            return Verdict(())
        now = self._now()
        exceeded: _Counter | None = None
        for counter in self._counters:
            index = int(now // counter.window.seconds)
            if index != counter.index:
                counter.index, counter.used = index, 0
            if counter.used >= counter.window.quota:
                exceeded = counter
        if exceeded is None:
            for counter in self._counters:
                counter.used += 1
        state = ", ".join(f'"{c.window.name}";r={c.window.quota - c.used};t={_left(c, now)}' for c in self._counters)
        headers = ((b"ratelimit", state.encode()), (b"ratelimit-policy", self._policy))
        if exceeded is None:
            return Verdict(headers)
        return Verdict(headers, exceeded.window.name, _left(exceeded, now))


def _left(counter: _Counter, now: float) -> int:
    """Whole seconds until the window ends, at least 1."""
    return max(1, math.ceil((counter.index + 1) * counter.window.seconds - now))
