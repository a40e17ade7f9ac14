"""The budget of calls that all gates on one key share. Its clock is moved by the test: a minute would be a minute."""

from __future__ import annotations

import threading

from pulumi_runpod.resources.rollout_gate import CALLS_PER_MINUTE, Budget


class Clock:
    """Time passes in sleeps alone."""

    def __init__(self) -> None:
        self.now = 0.0
        self.lock = threading.Lock()

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self.lock:
            self.now += seconds


def test_no_minute_sees_more_than_twenty_calls() -> None:
    """Whatever their distance: every window of 60 s holds at most 20."""
    clock = Clock()
    budget = Budget(monotonic=clock.monotonic, sleep=clock.sleep)
    sent = []
    for i in range(200):
        clock.now += (i % 7) * 0.3
        budget.spend()
        sent.append(clock.now)

    assert all(later - sooner > 59.999 for sooner, later in zip(sent, sent[CALLS_PER_MINUTE:], strict=False))


def test_the_first_calls_do_not_wait() -> None:
    """A release that is ready at once is seen at once."""
    clock = Clock()
    budget = Budget(monotonic=clock.monotonic, sleep=clock.sleep)
    for _ in range(CALLS_PER_MINUTE):
        budget.spend()

    assert clock.now == 0
