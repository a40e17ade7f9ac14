"""What is expected of an endpoint: how many requests, how long each, how they come, how fast they must be answered."""

from __future__ import annotations

from decimal import Decimal

from pulumi_runpod.planning.money import SECONDS_PER_DAY, SECONDS_PER_HOUR, plain
from pulumi_runpod.planning.quantities import Given, HoursPerDay, Mistake, RequestsPerDay, Seconds


class Traffic(Given):
    """Declared, not measured: cost and advice are as good as these figures."""

    requests_per_day: RequestsPerDay
    """On average over the days."""
    seconds_each: Seconds
    """Average time that a worker spends on a request."""
    bursty: bool = True
    """Whether requests come in waves with pauses between them. Assumed until somebody says otherwise."""
    active_hours_per_day: HoursPerDay = Decimal(24)
    """Hours of a day that the requests spread over; 8 for an office tool."""
    latency_target_seconds: Seconds | None = None
    """How soon a caller needs the answer, queue and cold start included. Without it, nothing is said of latency."""
    worst_case_seconds: Seconds | None = None
    """The longest that a healthy request may take. Without it, the execution timeout is not judged."""

    def contradictions(self) -> list[Mistake]:
        if self.worst_case_seconds is None or self.worst_case_seconds >= self.seconds_each:
            return []
        return [
            Mistake(
                "worst_case_seconds",
                self.worst_case_seconds,
                f"must be at least the average, seconds_each, which is {plain(self.seconds_each)}",
            )
        ]

    @property
    def busy_seconds_per_day(self) -> Decimal:
        return self.requests_per_day * self.seconds_each

    @property
    def active_seconds_per_day(self) -> Decimal:
        return self.active_hours_per_day * SECONDS_PER_HOUR

    @property
    def offered_load(self) -> Decimal:
        """Workers that would be busy on average in the active hours (erlang)."""
        return self.busy_seconds_per_day / self.active_seconds_per_day

    @property
    def utilisation(self) -> Decimal:
        """Busy share of one GPU over the whole day; above 1 one GPU is not enough."""
        return self.busy_seconds_per_day / SECONDS_PER_DAY
