"""Shares the account's quota between the threads of a process, so that they use all of it and run into no 429.

Works from what answers tell (`RateLimit`): a request goes out while more calls are left than are under way; when a
window is used up, all wait for its end, and then one goes ahead to learn what the new window holds. Other processes on
the same key are seen through the same numbers; where two race for the last calls, the 429 of the loser is `retry.py`'s
business.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from pulumi_runpod.client.ratelimit import Quota

_UNDER_WAY_AT_FIRST = 4
"""Requests that may be under way before the first answer tells the quota."""
_SAME_WINDOW = 1.5
"""Seconds by which two answers of one window may differ on its end: resets are reported in whole seconds."""
_UNKNOWN_RESET = 1.0


@dataclass
class _Window:
    remaining: int | None
    """None: the window has ended, and no answer has named the next."""
    resets_at: float | None
    last_end: float | None = None
    """When the window before it ended, at the latest."""


class QuotaSpentError(Exception):
    """The next call would have to wait longer than allowed; `wait` in seconds, `window` as the service names it."""

    def __init__(self, window: str, wait: float) -> None:
        super().__init__(f"the {window} window is used up for {wait:.0f} s")
        self.window, self.wait = window, wait


class Pacer:
    """One per account and process. `acquire` before a request is written, `release` when its answer (or none) is in."""

    def __init__(self, *, monotonic: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._monotonic = monotonic
        self._sleep = sleep
        self._answered = threading.Condition()
        self._windows: dict[str, _Window] = {}
        self._under_way = 0
        self._seen = False
        self._blocked_until = float("-inf")

    def acquire(self, longest: float) -> float:
        """Wait for room; answers the seconds waited for windows to end. Raises `QuotaSpentError` beyond `longest`."""
        waited = 0.0
        while True:
            with self._answered:
                window, wait = self._room()
                while wait is None:
                    self._answered.wait()
                    window, wait = self._room()
                if wait <= 0:
                    self._under_way += 1
                    return waited
            if waited + wait > longest:
                raise QuotaSpentError(window, wait)
            self._sleep(wait)
            waited += wait

    def release(self, items: tuple[Quota, ...] = (), *, answered: bool, blocked_for: float = 0.0) -> None:
        """`quotas`: those of the answer; `answered` False without one; `blocked_for`: seconds that a 429 asks for."""
        with self._answered:
            now = self._monotonic()
            self._under_way -= 1
            self._seen = self._seen or answered
            for quota in items:
                self._learn(quota, now)
            if blocked_for:
                self._blocked_until = max(self._blocked_until, now + blocked_for)
            self._answered.notify_all()

    def _room(self) -> tuple[str, float | None]:
        """Seconds to wait for room; 0 when there is some; None when an answer under way must come first."""
        now = self._monotonic()
        if now < self._blocked_until:
            return "current", self._blocked_until - now
        if not self._seen:
            return "", 0.0 if self._under_way < _UNDER_WAY_AT_FIRST else None
        longest, name_of_longest = 0.0, ""
        for name, window in self._windows.items():
            if window.resets_at is not None and now >= window.resets_at:
                window.last_end = window.resets_at
                window.remaining = window.resets_at = None
            left = 1 if window.remaining is None else window.remaining
            if left > self._under_way:
                continue
            if self._under_way:
                return name, None
            until = _UNKNOWN_RESET if window.resets_at is None else window.resets_at - now
            if window.resets_at is None:
                window.resets_at = now + until
            if until > longest:
                longest, name_of_longest = until, name
        return name_of_longest, longest

    def _learn(self, quota: Quota, now: float) -> None:
        ends = None if quota.reset is None else now + quota.reset
        window = self._windows.get(quota.name)
        if window is None:
            self._windows[quota.name] = _Window(quota.remaining, ends)
        elif window.remaining is None:
            window.remaining, window.resets_at = quota.remaining, _end(window.last_end, ends, quota.seconds)
        elif window.resets_at is None or ends is None:
            window.remaining = min(window.remaining, quota.remaining)
            window.resets_at = window.resets_at if ends is None else ends
        elif ends > window.resets_at + _SAME_WINDOW:
            window.last_end = window.resets_at
            window.remaining, window.resets_at = quota.remaining, _end(window.last_end, ends, quota.seconds)
        elif ends >= window.resets_at - _SAME_WINDOW:
            # Answers overtake each other, and each tells the end rounded up: the smallest of both is the truth.
            window.remaining = min(window.remaining, quota.remaining)
            window.resets_at = min(window.resets_at, ends)


def _end(last_end: float | None, result: float | None, seconds: int | None) -> float | None:
    """The reported end, which is rounded up by less than a second, or a nearer one computed from the last end."""
    if last_end is None or result is None or not seconds:
        return result
    foretold = last_end + (result - last_end) // seconds * seconds
    return foretold if result - 1 < foretold else result
