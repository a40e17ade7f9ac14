"""Time as an object: real by default, driven by tests. Nothing in the local RunPod reads another clock."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime


class Clock:
    """Wall time in seconds since the epoch, which can be moved forward, or stopped and then moved by hand.

    `sleep` honours both: a sleeper wakes when the clock, not the machine, has reached its time. All methods belong to
    the event loop's thread.
    """

    def __init__(self, *, frozen_at: float | None = None) -> None:
        self._offset = 0.0
        self._frozen_at = frozen_at
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._serial = itertools.count()

    @property
    def frozen(self) -> bool:
        """Whether time stands still until `advance` moves it."""
        return self._frozen_at is not None

    def now(self) -> float:
        return self._frozen_at if self._frozen_at is not None else time.time() + self._offset

    def timestamp(self) -> str:
        """Now as RFC 3339 in UTC with microseconds: what the API writes."""
        return rfc3339(self.now())

    def freeze(self) -> None:
        self._frozen_at = self.now()

    def resume(self) -> None:
        """Let time flow again, from where it stands."""
        if self._frozen_at is not None:
            self._offset = self._frozen_at - time.time()
            self._frozen_at = None

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds` and wake whoever waited for a moment on the way. Raises ValueError backwards."""
        if not 0 <= seconds < float("inf"):
            raise ValueError(f"a clock moves forward only, not by {seconds}")
        if self._frozen_at is not None:
            self._frozen_at += seconds
        else:
            self._offset += seconds
        self._wake()

    async def sleep(self, seconds: float) -> None:
        """Return when `seconds` have passed on this clock."""
        await self.sleep_until(self.now() + seconds)

    async def sleep_until(self, moment: float) -> None:
        while (left := moment - self.now()) > 0:
            with self._sleeper(moment) as woken:
                # A frozen clock is moved by `advance` alone; a flowing one also by real time.
                await asyncio.wait({woken}, timeout=None if self.frozen else left)

    @contextmanager
    def _sleeper(self, moment: float) -> Iterator[asyncio.Future[None]]:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (moment, next(self._serial), woken))
        try:
            yield woken
        finally:
            woken.cancel()

    def _wake(self) -> None:
        now = self.now()
        while self._sleepers and (self._sleepers[0][2].done() or self._sleepers[0][0] <= now):
            woken = heapq.heappop(self._sleepers)[2]
            if not woken.done():
                woken.set_result(None)


def rfc3339(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse_rfc3339(text: str) -> float:
    """Seconds since the epoch. Raises ValueError when the text is no RFC 3339 time with a zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment.timestamp()
