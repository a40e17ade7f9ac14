"""The quota of the account: windows of time, one counter each, in the `RateLimit` headers of authenticated answers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from pulumi_runpod.emulator.platform.quota import Window


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
        if exceeded is not None:
            return Verdict(self._headers(now), exceeded.window.name, _left(exceeded, now))
        for counter in self._counters:
            counter.used += 1
        return Verdict(self._headers(now))

    def _headers(self, now: float) -> tuple[tuple[bytes, bytes], ...]:
        state = ", ".join([f'"{c.window.name}";r={c.window.quota - c.used};t={_left(c, now)}' for c in self._counters])
        return ((b"ratelimit", state.encode()), (b"ratelimit-policy", self._policy))


def _left(counter: _Counter, now: float) -> int:
    """Whole seconds until the window ends, at least 1."""
    return max(1, math.ceil((counter.index + 1) * counter.window.seconds - now))
