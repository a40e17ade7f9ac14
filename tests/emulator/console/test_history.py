"""Charts of the past: drawn from jobs, kept within bounds, true to the clock."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pulumi_runpod.emulator.console.history import BUCKET_S, KEPT, MAX_SAMPLE, History, Span, percentile

NOW = 1_000_000.0
ONE = (1, 0, 0, 0, 0)
_MOMENTS = st.floats(NOW - BUCKET_S * KEPT * 1.5, NOW, allow_nan=False)


@given(st.lists(st.floats(0, 1e6, allow_nan=False), min_size=1), st.sampled_from([0.5, 0.95, 1.0]))
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(values: list[float], share: float) -> None:
    """And the smallest such value."""
    found = percentile(sorted(values), share)
    assert sum(v <= found for v in values) >= share * len(values) - 1e-9
    assert sum(v < found for v in values) < share * len(values)


@given(st.lists(st.tuples(_MOMENTS, _MOMENTS, _MOMENTS)), st.lists(_MOMENTS))
def test_the_past_is_drawn_as_it_was(ended: list[tuple[float, float, float]], waiting: list[float]) -> None:
    """At the end of the window, what still waits waits; each job that ended within it is counted once."""
    spans: list[Span] = [(a, b, c) for a, b, c in map(sorted, ended)] + [(moment, None, None) for moment in waiting]
    history = History()
    history.fill(spans, NOW)
    result = history.since(0)
    first = result[0][0]
    assert len(result) == KEPT
    assert result[-1][1] >= len(waiting)  # type: ignore[operator]
    assert sum(bucket[4] for bucket in result) == sum(c >= first for _, _, c in map(sorted, ended))  # type: ignore[misc,operator]
    assert all(bucket[1] >= 0 and bucket[2] >= 0 for bucket in result)  # type: ignore[operator]


def test_a_bucket_tells_the_most_that_waited() -> None:
    """A peak between two buckets' ends is not lost, nor is a worker that ran for a moment."""
    history = History()
    for queued, workers in ((1, (0, 1, 0, 0, 0)), (7, ONE), (2, (0, 1, 0, 0, 0))):
        history.sample(NOW, queued=queued, running=0, workers=workers)
    assert history.since(0) == [[NOW, 7, 0, ONE, 0, None, None]]


def test_what_was_seen_is_not_drawn_over() -> None:
    """States of workers are known for the time in which somebody looked, and stay."""
    history = History()
    history.sample(NOW - 10, queued=3, running=1, workers=ONE)
    history.fill([(NOW - 20, NOW - 5, None)], NOW)
    seen = next(bucket for bucket in history.since(0) if bucket[0] == NOW - 10)
    assert seen[1:4] == [3, 1, ONE]
    assert history.since(0)[-1][1:4] == [0, 1, None]


def test_memory_is_bounded_however_many_jobs_end() -> None:
    """Latencies beyond the sample are thinned evenly, and a year of samples leaves the last minutes."""
    history = History()
    for number in range(20_000):
        history.ended(NOW, number / 1000)
    ((_, _, _, _, count, p50, p95),) = history.since(0)
    assert count == 20_000
    assert abs(p50 - 10_000) < 200  # type: ignore[operator]
    assert abs(p95 - 19_000) < 200  # type: ignore[operator]
    assert len(history._buckets[0].latencies.kept) <= MAX_SAMPLE
    for day in range(365):
        history.sample(NOW + day * 86_400, queued=0, running=0, workers=ONE)
    assert len(history.since(0)) == KEPT


def test_a_bucket_that_was_left_in_its_middle_is_completed() -> None:
    """The last page closed, and a job ended in the same two seconds: both what was seen and the job are reported."""
    history = History()
    history.sample(NOW, queued=3, running=0, workers=ONE)
    history.fill([(NOW - 1, NOW, NOW + 0.1)], NOW + 0.2)
    assert history.since(0)[-1][1:5] == [3, 1, ONE, 1]

    history.ended(NOW + 0.3, 1.0)
    history.fill([], NOW + 0.4)
    assert history.since(0)[-1][4] == 2
