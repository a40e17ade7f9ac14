"""When progress is sent: seldom, rising, and never close to the result."""

from __future__ import annotations

from sdxl_worker.progress import Progress


def sent(step_seconds: float, steps: int) -> list[dict[str, int]]:
    updates: list[dict[str, int]] = []
    now = [0.0]
    progress = Progress(send=updates.append, clock=lambda: now[0])
    for step in range(1, steps + 1):
        now[0] += step_seconds
        progress.report(step, steps)
    return updates


def test_at_most_one_update_a_second() -> None:
    """However fast the steps are."""
    assert [update["step"] for update in sent(0.25, 10)] == [4, 8]


def test_no_update_with_the_last_step() -> None:
    """It could arrive after the result, which would make a finished job look unfinished."""
    assert [update["step"] for update in sent(2.0, 3)] == [1, 2]


def test_a_short_job_sends_none() -> None:
    """The result itself is the news."""
    assert sent(0.01, 30) == []


def test_per_cent_are_those_of_the_steps() -> None:
    """And they stay below 100."""
    assert [update["progress"] for update in sent(1.0, 4)] == [25, 50, 75]
    assert sent(1.0, 1000)[-1]["progress"] == 99
