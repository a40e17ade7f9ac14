"""The scaling rules, as pure functions: examples from the service's pages, and invariants that hold for any state."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_runpod.emulator.job_plane import scaling
from pulumi_runpod.emulator.job_plane.scaling import DAY, Load, Rules, WorkerState

NOW = 1_000_000.0


def rules(kind: str = "QUEUE_DELAY", **changes: float) -> Rules:
    defaults = {
        "kind": kind, "queue_delay": 4.0, "request_count": 4, "min_workers": 0, "max_workers": 3, "idle_timeout": 10.0,
    }  # fmt: skip
    return Rules(**{**defaults, **changes})  # type: ignore[arg-type]


def ready(name: str, *, idle_for: float | None = None, stale: bool = False) -> WorkerState:
    """A worker that works, or has been idle for so many seconds."""
    return WorkerState(
        name, "ready", busy=idle_for is None, idle_since=None if idle_for is None else NOW - idle_for, stale=stale
    )


def test_the_first_request_adds_one_worker_at_once() -> None:
    """With zero workers, nobody waits for the queue delay."""
    plan = scaling.plan(rules(), Load(in_queue=5, oldest_queued_at=NOW), [], NOW)
    assert plan.start == 1


def test_a_further_worker_comes_only_after_the_queue_delay() -> None:
    """A request that waits shorter than the delay adds nobody, and the moment to look again is known."""
    load = Load(in_queue=1, in_progress=1, oldest_queued_at=NOW - 1)
    plan = scaling.plan(rules(), load, [ready("a")], NOW)
    assert plan.start == 0
    assert plan.look_again_at == NOW + 3
    assert scaling.plan(rules(), load, [ready("a")], NOW + 3).start == 1


def test_workers_are_added_one_step_at_a_time() -> None:
    """However long the queue, one worker per step."""
    load = Load(in_queue=50, in_progress=1, oldest_queued_at=NOW - 100)
    busy = [ready("a")]
    assert scaling.plan(rules(max_workers=9), load, busy, NOW).start == 1
    held = scaling.plan(rules(max_workers=9), load, busy, NOW, last_added_at=NOW - 0.4)
    assert held.start == 0
    assert held.look_again_at == pytest.approx(NOW + 0.6)


def test_no_more_workers_start_than_requests_wait() -> None:
    """One waiting request, one worker on its way: a long cold start does not fill the endpoint."""
    load = Load(in_queue=1, in_progress=1, oldest_queued_at=NOW - 60)
    assert scaling.plan(rules(), load, [ready("a"), WorkerState("b", "starting")], NOW).start == 0


def test_request_count_is_the_ceiling_of_all_requests_over_the_count() -> None:
    """ceil((in queue + in progress) / requestCount), within minimum and maximum."""
    by_count = rules("REQUEST_COUNT", max_workers=3)
    assert scaling.requested_workers(by_count, Load(0, 0)) == 0
    assert scaling.requested_workers(by_count, Load(1, 0)) == 1
    assert scaling.requested_workers(by_count, Load(4, 1)) == 2
    assert scaling.requested_workers(by_count, Load(100, 0)) == 3
    assert scaling.plan(by_count, Load(100, 0, NOW), [], NOW).start == 3


def test_low_priority_requests_start_nobody() -> None:
    """They are not in the load, so an endpoint at rest stays at rest."""
    assert scaling.plan(rules(), Load(in_queue=0, oldest_queued_at=None), [], NOW).start == 0


def test_an_idle_worker_leaves_after_the_idle_timeout() -> None:
    """Not before, and the moment is known beforehand."""
    early = scaling.plan(rules(), Load(), [ready("a", idle_for=4)], NOW)
    assert (early.stop, early.look_again_at) == ((), NOW + 6)
    assert scaling.plan(rules(), Load(), [ready("a", idle_for=10)], NOW).stop == ("a",)


def test_minimum_workers_stay_however_idle() -> None:
    """The one that has been idle longest goes, the minimum stays."""
    workers = [ready("young", idle_for=100), ready("old", idle_for=500)]
    assert scaling.plan(rules(min_workers=1), Load(), workers, NOW).stop == ("old",)


def test_minimum_workers_are_started_without_any_request() -> None:
    """Active workers run from the start."""
    assert scaling.plan(rules(min_workers=2), Load(), [], NOW).start == 2


def test_a_lowered_maximum_ends_idle_workers_at_once_and_busy_ones_later() -> None:
    """A job in progress is never cut off by scaling."""
    workers = [ready("busy"), ready("idle", idle_for=0)]
    assert scaling.plan(rules(max_workers=0), Load(in_progress=1), workers, NOW).stop == ("idle",)


def test_idle_workers_of_an_old_release_are_replaced_at_once() -> None:
    """A busy one is left to finish; each idle one has a successor."""
    workers = [ready("busy", stale=True), ready("idle", idle_for=1, stale=True)]
    plan = scaling.plan(rules(), Load(in_progress=1), workers, NOW)
    assert (plan.stop, plan.start) == (("idle",), 1)


def test_a_crash_looping_endpoint_does_not_grow() -> None:
    """Unhealthy workers count as on their way: their number is not multiplied by a queue."""
    load = Load(in_queue=1, oldest_queued_at=NOW - 100)
    assert scaling.plan(rules(), load, [WorkerState("a", "unhealthy")], NOW).start == 0


def test_the_platform_lowers_the_maximum_after_three_and_seven_idle_days() -> None:
    """3 days: at most 2; 7 days: 0; and it says when it looks again."""
    assert scaling.platform_maximum(5, NOW, NOW) == (5, NOW + 3 * DAY)
    assert scaling.platform_maximum(5, NOW - 3 * DAY, NOW) == (2, NOW + 4 * DAY)
    assert scaling.platform_maximum(1, NOW - 3 * DAY, NOW) == (1, NOW + 4 * DAY)
    assert scaling.platform_maximum(5, NOW - 7 * DAY, NOW) == (0, None)
    assert scaling.platform_maximum(0, NOW, NOW) == (0, None)


def test_restarts_back_off_to_a_bound() -> None:
    """1, 2, 4, ... seconds, never more than five minutes."""
    assert [scaling.restart_delay(n) for n in (0, 1, 2, 3)] == [0, 1, 2, 4]
    assert scaling.restart_delay(10_000) == 300


counts = st.integers(0, 12)
some_rules = st.builds(
    rules,
    st.sampled_from(["QUEUE_DELAY", "REQUEST_COUNT"]),
    queue_delay=st.floats(0.5, 60),
    request_count=st.integers(1, 10),
    min_workers=counts,
    max_workers=counts,
    idle_timeout=st.floats(1, 3600),
)
moments = st.floats(NOW - 10_000, NOW)
some_loads = st.builds(
    lambda queue, running, oldest: Load(queue, running, oldest if queue else None), counts, counts, moments
)
some_workers = st.lists(
    st.builds(
        lambda phase, busy, idle_since, stale, born: WorkerState(
            "",
            phase,
            busy=busy and phase == "ready",
            idle_since=idle_since if phase == "ready" and not busy else None,
            stale=stale,
            born_at=born,
        ),
        st.sampled_from(["starting", "ready", "unhealthy"]),
        st.booleans(),
        moments,
        st.booleans(),
        moments,
    ),
    max_size=12,
).map(lambda workers: [WorkerState(**{**_fields(w), "id": f"w{n}"}) for n, w in enumerate(workers)])


def _fields(worker: WorkerState) -> dict[str, object]:
    return {name: getattr(worker, name) for name in WorkerState.__dataclass_fields__}


@given(some_rules, some_loads, some_workers, st.none() | moments)
def test_every_plan_keeps_the_invariants(
    result: Rules, load: Load, workers: list[WorkerState], last_added_at: float | None
) -> None:
    """Never a busy worker stopped, never above the maximum by a start, never below the minimum, never a look back."""
    plan = scaling.plan(result, load, workers, NOW, last_added_at=last_added_at)
    stopped = [w for w in workers if w.id in plan.stop]
    kept = len(workers) - len(stopped)
    assert len(set(plan.stop)) == len(plan.stop)
    assert not any(w.busy for w in stopped)
    assert plan.start >= 0
    assert kept + plan.start <= max(result.max_workers, kept)
    assert kept + plan.start >= min(result.floor, len(workers) + plan.start)
    assert kept + plan.start >= result.floor or kept + plan.start >= result.max_workers
    assert plan.look_again_at is None or plan.look_again_at > NOW


@given(some_rules, some_loads, some_workers)
def test_planning_settles(result: Rules, load: Load, workers: list[WorkerState]) -> None:
    """Carrying out a plan leaves nothing to stop at the same moment."""
    plan = scaling.plan(result, load, workers, NOW)
    after = [w for w in workers if w.id not in plan.stop]
    after += [WorkerState(f"new{n}", "starting", born_at=NOW) for n in range(plan.start)]
    again = scaling.plan(result, load, after, NOW, last_added_at=NOW if plan.start else None)
    assert again.stop == ()
    assert again.start == 0


@given(st.integers(1, 50), counts, counts)
def test_request_count_never_leaves_a_request_without_a_worker(count: int, queue: int, running: int) -> None:
    """The workers wanted can hold all requests, and one fewer could not, as far as the maximum allows."""
    advice = rules("REQUEST_COUNT", request_count=count, max_workers=1000)
    wanted = scaling.requested_workers(advice, Load(queue, running))
    assert wanted == math.ceil((queue + running) / count)
