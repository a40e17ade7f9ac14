"""The documented calls per 10 s on job URLs, per endpoint. Enforced only when a switch asks for it.

The service grants more with more running workers, by an allowance that it does not publish: here the base holds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from pulumi_runpod.emulator.platform.clock import Clock

WINDOW_S = 10.0
CALLS: Mapping[str, int] = {
    "runsync": 2000,
    "status": 2000,
    "status-sync": 2000,
    "stream": 2000,
    "openai": 2000,
    "run": 1000,
    "cancel": 100,
    "purge-queue": 2,
}


class JobRates:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._windows: dict[tuple[str, str], tuple[float, int]] = {}

    def take(self, endpoint_id: str, operation: str) -> int | None:
        """Count a call; seconds to wait when it is one too many."""
        allowed = CALLS.get(operation)
        if allowed is None:
            return None
        now, place = self._clock.now(), (endpoint_id, operation)
        began, calls = self._windows.get(place, (now, 0))
        if now - began >= WINDOW_S:
            began, calls = now, 0
        if calls >= allowed:
            return max(1, math.ceil(began + WINDOW_S - now))
        self._windows[place] = (began, calls + 1)
        return None
