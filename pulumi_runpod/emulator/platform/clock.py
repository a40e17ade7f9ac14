"""Time as an object: real by default, driven by tests. Nothing in the local RunPod reads another clock.

What waits here is what the service times: queues, idle and execution timeouts, prices. The patience of a socket or of a
process that is asked to end stays real, whatever this clock says.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime

_COMPACT_ABOVE = 64
"""Fewer cancelled timers than this are never worth a sweep."""


class Timer:
    """One call that the clock owes at `moment`, seconds since the epoch."""

    __slots__ = ("_clock", "call", "moment")

    def __init__(self, clock: Clock, moment: float, call: Callable[[], None]) -> None:
        self._clock = clock
        self.moment = moment
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        """Never call. No-op once called or cancelled."""
        if self.call is not None:
            self.call = None
            self._clock._forget_one()


class Clock:
    """Wall time in seconds since the epoch, which can be moved forward, or stopped and then moved by hand.

    All methods belong to the event loop's thread. Timers fire in order of their moments, and `now` is each one's own
    moment while it runs, so that one long `advance` gives what many short ones give.
    """

    def __init__(self, *, frozen_at: float | None = None) -> None:
        self._offset = 0.0
        self._frozen_at = frozen_at
        self._passing: float | None = None
        self._timers: list[tuple[float, int, Timer]] = []
        self._cancelled = 0
        self._serial = itertools.count()
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = float("inf")

    @property
    def frozen(self) -> bool:
        """Whether time is frozen until `advance` moves it."""
        return self._frozen_at is not None

    @property
    def pending(self) -> int:
        """How many timers are due."""
        return len(self._timers) - self._cancelled

    def now(self) -> float:
        if self._passing is not None:
            return self._passing
        return self._frozen_at if self._frozen_at is not None else time.time() + self._offset

    def timestamp(self) -> str:
        """Now as RFC 3339 in UTC with microseconds: what the API writes."""
        return rfc3339(self.now())

    def freeze(self) -> None:
        self._frozen_at = self.now()
        self._disarm()

    def resume(self) -> None:
        """Let time flow again."""
        if self._frozen_at is not None:
            self._offset = self._frozen_at - time.time()
            self._frozen_at = None
            self._arm()

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds`, making every call due on the way. Raises ValueError backwards."""
        if not 0 <= seconds < float("inf"):
            raise ValueError(f"a clock moves forward only, not by {seconds}")
        target = self.now() + seconds
        self._run_until(target)
        if self._frozen_at is not None:
            self._frozen_at = target
        else:
            self._offset += seconds
            self._arm()

    def call_at(self, moment: float, call: Callable[[], None]) -> Timer:
        """Call `call` once the clock reads `moment`; a moment in the past is due with the loop's next turn."""
        timer = Timer(self, moment, call)
        heapq.heappush(self._timers, (moment, next(self._serial), timer))
        if self._frozen_at is None:
            self._arm()
        elif moment <= self.now():
            asyncio.get_running_loop().call_soon(self._run_due)
        return timer

    def call_later(self, seconds: float, call: Callable[[], None]) -> Timer:
        return self.call_at(self.now() + seconds, call)

    async def sleep(self, seconds: float) -> None:
        """Return when `seconds` have passed on this clock."""
        await self.sleep_until(self.now() + seconds)

    async def sleep_until(self, moment: float) -> None:
        if moment <= self.now():
            return
        woken = asyncio.get_running_loop().create_future()

        def wake() -> None:
            if not woken.done():
                woken.set_result(None)

        timer = self.call_at(moment, wake)
        try:
            await woken
        finally:
            timer.cancel()

    def _run_due(self) -> None:
        self._run_until(self.now())

    def _run_until(self, target: float) -> None:
        if self._passing is not None:
            raise RuntimeError("a timer moved the clock that runs it")
        try:
            while self._timers and self._timers[0][0] <= target:
                moment, _, timer = heapq.heappop(self._timers)
                if timer.call is None:
                    self._cancelled -= 1
                    continue
                # A timer that was late when it was made must not turn time back.
                self._passing = max(moment, self._passing or min(self.now(), target))
                call, timer.call = timer.call, None
                call()
        finally:
            self._passing = None

    def _forget_one(self) -> None:
        self._cancelled += 1
        if self._cancelled > _COMPACT_ABOVE and self._cancelled * 2 > len(self._timers):
            self._timers = [entry for entry in self._timers if entry[2].call is not None]
            heapq.heapify(self._timers)
            self._cancelled = 0

    def _arm(self) -> None:
        """Have the event loop wake us for the earliest timer. Only a clock that flows is woken by real time."""
        while self._timers and self._timers[0][2].call is None:
            heapq.heappop(self._timers)
            self._cancelled -= 1
        if not self._timers or self._frozen_at is not None or self._passing is not None:
            return
        earliest = self._timers[0][0] - self._offset
        if self._alarm is not None and self._alarm_at <= earliest:
            return
        self._disarm()
        loop = asyncio.get_running_loop()
        self._alarm_at = earliest
        self._alarm = loop.call_later(max(0.0, earliest - time.time()), self._ring)

    def _disarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm, self._alarm_at = None, float("inf")

    def _ring(self) -> None:
        self._alarm, self._alarm_at = None, float("inf")
        if self._frozen_at is None:
            try:
                self._run_due()
            finally:
                # One call that fails takes no other with it.
                self._arm()


def rfc3339(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse_rfc3339(text: str) -> float:
    """Seconds since the epoch. Raises ValueError when the text is no RFC 3339 time with a zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment.timestamp()
