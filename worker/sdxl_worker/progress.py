"""Tells the platform how far a job is, at most once a second and never at the last step.

The SDK sends each update in its own thread, so one sent just before the answer can arrive after it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

INTERVAL_SECONDS = 1.0


@dataclass(kw_only=True)
class Progress:
    """Progress of one job.

    Attributes:
        send: hands one update to the platform: ``{"progress": per cent, "step", "steps"}``.
        clock: seconds, monotonic.
    """

    send: Callable[[dict[str, int]], None]
    clock: Callable[[], float] = time.monotonic
    _last: float = field(init=False)

    def __post_init__(self) -> None:
        self._last = self.clock()

    def report(self, step: int, steps: int) -> None:
        """Step number ``step`` (from 1) of ``steps`` is done."""
        now = self.clock()
        if step >= steps or now - self._last < INTERVAL_SECONDS:
            return
        self._last = now
        self.send({"progress": min(99, 100 * step // steps), "step": step, "steps": steps})
