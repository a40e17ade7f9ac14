"""When a request may be sent again, and after how long: policy as data, decisions without I/O.

A POST is never repeated once it may have been written: names are not unique on the service, so that a second POST can
make a second, billed object. A 429 did no work and may be repeated by any method.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

UNTOUCHED = frozenset({502, 503, 504})
"""Gateways' answers: the request may or may not have reached the service."""


@dataclass(frozen=True)
class RetryPolicy:
    """All times in seconds."""

    attempts: int = 5
    """Sends of one request in all, for answers and connections that failed."""
    connect_attempts: int = 3
    """Sends in all while the connection does not even open: few, so that a wrong URL is reported soon."""
    first_backoff: float = 0.5
    longest_backoff: float = 8.0
    longest_wait: float = 120.0
    """One wait for the quota. A minute's window ends within it, an hour's may not: then the error comes at once."""
    total_wait: float = 600.0
    """All waits of one request together."""
    unasked_wait: float = 120.0
    """All waits of one request after a 429 that does not say how long to wait."""


class Attempts:
    """The attempts of one request. Each `after_...` answers how long to wait before the next, or None to give up."""

    def __init__(self, policy: RetryPolicy, *, method: str, repeatable: bool, random: Callable[[], float]) -> None:
        self._policy = policy
        self._method = method
        self._repeatable = repeatable
        self._random = random
        self._failed = 0
        self._limited = 0
        self.waited = 0.0
        """Seconds waited so far, quota included."""

    @property
    def sent(self) -> int:
        """Answers or failures seen so far."""
        return self._failed + self._limited

    def after_status(self, status: int, asked: float | None) -> float | None:
        """`asked`: seconds that the answer itself asks for."""
        if status == 429:
            return self._after_limit(asked)
        if status in UNTOUCHED or (status == 500 and self._method in ("GET", "DELETE", "PATCH")):
            return self._backoff(self._policy.attempts, asked) if self._repeatable else None
        return None

    def after_failure(self, *, sent: bool) -> float | None:
        """`sent` False: the connection never opened, so that any method may be tried again."""
        if not sent:
            return self._backoff(self._policy.connect_attempts, None)
        return self._backoff(self._policy.attempts, None) if self._repeatable else None

    def _after_limit(self, asked: float | None) -> float | None:
        self._limited += 1
        wait = asked or self._exponential(self._limited)
        if wait > self._policy.longest_wait:
            return None
        if not asked and self.waited + wait > self._policy.unasked_wait:
            return None
        # Many clients wait for the same instant: spread them, upwards alone.
        return self._within(wait + self._random() * min(1.0, max(0.1, wait / 10)))

    def _backoff(self, most: int, asked: float | None) -> float | None:
        self._failed += 1
        if self._failed >= most:
            return None
        wait = self._exponential(self._failed) * (0.5 + self._random() / 2)
        if asked is not None:
            wait = max(wait, asked)
        return self._within(wait) if wait <= self._policy.longest_wait else None

    def _exponential(self, number: int) -> float:
        return min(self._policy.longest_backoff, self._policy.first_backoff * 2.0 ** min(number - 1, 16))

    def _within(self, wait: float) -> float | None:
        if self.waited + wait > self._policy.total_wait:
            return None
        self.waited += wait
        return wait
