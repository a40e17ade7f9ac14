"""Whatever happens, in whatever order: jobs are neither lost nor done twice, and books agree with each other."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pulumi_runpod.emulator.job_plane.job import Job
from pulumi_runpod.wire.job import FINAL

if TYPE_CHECKING:
    from conftest import Stage

    from pulumi_runpod.emulator.job_plane.worker import Worker


class JobPlane:
    """Clients, workers, the clock and bad luck take turns."""

    def __init__(self, make_stage: Callable[[Path], Stage]) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.stage = make_stage(Path(self.folder.name))
        self.fleet = self.stage.endpoint(workers={"min": 0, "max": 3, "idleTimeout": 10}, timeout=30_000)
        self.jobs: list[Job] = []
        self.ends: dict[str, list[str]] = {}
        self.stage.scheduler.jobs.on_final = lambda job: self.ends.setdefault(job.id, []).append(job.status)

    def close(self) -> None:
        self.stage.close()
        self.folder.cleanup()

    def worker(self, which: int) -> list[Worker]:
        """One of the workers, if there are any."""
        workers = list(self.fleet.workers.values())
        return [workers[which % len(workers)]] if workers else []

    def submit(self, low: list[bool]) -> None:
        for priority in low:
            policy = {"lowPriority": priority, "ttl": 3_600_000}
            self.jobs.append(self.stage.submit(self.fleet, policy=policy))

    def take(self, which: int, count: int) -> None:
        """Its first one makes a worker ready."""
        for worker in self.worker(which):
            self.stage.do(lambda w=worker: self.fleet.life.saw(w))
            self.stage.take(self.fleet, worker, count)

    def poll(self, which: int) -> None:
        for worker in self.worker(which):
            self.stage.do(lambda w=worker: self.fleet.life.saw(w))
            self.stage.do(lambda w=worker: self.fleet.dispatch.wait(w, 1))

    def report(self, which: int, failed: bool) -> None:
        result: dict[str, Any] = {"status": "FAILED", "error": "x"} if failed else {"output": "1"}
        for worker in self.worker(which):
            for job in list(worker.jobs.values())[:1]:
                self.stage.report(self.fleet, worker, job, **result)

    def lose_the_answer(self, which: int) -> None:
        for worker in self.worker(which):
            self.stage.do(lambda w=worker: self.fleet.dispatch.give_back(w, list(w.jobs.values())))

    def ask_with_empty_hands(self, which: int) -> None:
        for worker in self.worker(which):
            self.stage.do(lambda w=worker: self.fleet.dispatch.has_nothing(w))

    def cancel(self, which: int) -> None:
        for job in self.jobs[which : which + 1]:
            self.stage.do(lambda j=job: self.fleet.dispatch.cancel(j))

    def purge(self) -> None:
        self.stage.do(self.fleet.dispatch.purge)

    def crash(self, which: int, code: int) -> None:
        for worker in self.worker(which):
            if worker.running is not None:
                self.stage.do(lambda w=worker: self.stage.puppet(w).exit(code))

    def refresh(self, which: int) -> None:
        for worker in self.worker(which):
            self.stage.do(lambda w=worker: self.fleet.recycle(w))

    def release(self) -> None:
        self.stage.patch(self.fleet, image=f"worker:{self.fleet.version + 1}")

    def scale(self, maximum: int) -> None:
        self.stage.patch(self.fleet, workers={"min": 0, "max": maximum, "idleTimeout": 10})

    def time_passes(self, seconds: float) -> None:
        self.stage.advance(seconds)

    def every_job_is_in_one_place(self) -> None:
        waiting = [j.id for j in self.fleet.dispatch.queue]
        held = [j for w in self.fleet.workers.values() for j in w.jobs]
        assert len(set(waiting)) == len(waiting)
        assert len(set(held)) == len(held)
        assert not set(waiting) & set(held)
        for job in self.jobs:
            place = (job.id in waiting, job.id in held, job.status in FINAL)
            assert place[:2] == (job.status == "IN_QUEUE", job.status == "IN_PROGRESS")
            assert place in [(True, False, False), (False, True, False), (False, False, True)], (job, place)
        assert self.fleet.dispatch.running == len(held)

    def every_job_ends_once(self) -> None:
        assert all(len(ends) == 1 for ends in self.ends.values())

    def the_store_agrees_with_memory(self) -> None:
        rows = dict(self.stage.store.connection.execute("SELECT id, status FROM jobs").fetchall())
        for job in self.jobs:
            assert rows.get(job.id, job.status) == job.status
        assert set(self.stage.scheduler.jobs.live) == {j for j, s in rows.items() if s not in FINAL}

    def a_running_job_has_a_timer_and_others_have_none(self) -> None:
        for job in self.jobs:
            assert (job.timer is not None) == (job.status == "IN_PROGRESS")

    def nobody_of_an_old_release_is_idle(self) -> None:
        assert all(w.busy for w in self.fleet.workers.values() if w.version != self.fleet.version)

    def check(self) -> None:
        self.every_job_is_in_one_place()
        self.every_job_ends_once()
        self.the_store_agrees_with_memory()
        self.a_running_job_has_a_timer_and_others_have_none()
        self.nobody_of_an_old_release_is_idle()


which = st.integers(0, 5)
events = st.one_of(
    st.tuples(st.just("submit"), st.lists(st.booleans(), min_size=1, max_size=4)),
    st.tuples(st.just("take"), which, st.integers(1, 3)),
    st.tuples(st.just("take"), which, st.integers(1, 3)),
    st.tuples(st.just("report"), which, st.booleans()),
    st.tuples(st.just("report"), which, st.booleans()),
    st.tuples(st.just("submit"), st.lists(st.booleans(), min_size=1, max_size=4)),
    st.tuples(st.just("poll"), which),
    st.tuples(st.just("lose_the_answer"), which),
    st.tuples(st.just("ask_with_empty_hands"), which),
    st.tuples(st.just("cancel"), st.integers(0, 20)),
    st.tuples(st.just("purge")),
    st.tuples(st.just("crash"), which, st.sampled_from([0, 1, 137])),
    st.tuples(st.just("refresh"), which),
    st.tuples(st.just("release")),
    st.tuples(st.just("scale"), st.sampled_from([0, 1, 3, 3, 4])),
    st.tuples(st.just("time_passes"), st.sampled_from([0.0, 0.5, 1.0, 4.5, 11.0, 31.0])),
)


@settings(max_examples=120, deadline=None)
@given(history=st.lists(events, min_size=20, max_size=60))
def test_no_order_of_events_loses_a_job_or_runs_one_twice(
    make_stage: Callable[[Path], Stage], history: list[tuple[Any, ...]]
) -> None:
    """The books agree after every step of random histories."""
    plane = JobPlane(make_stage)
    try:
        for name, *result in history:
            getattr(plane, name)(*result)
            plane.check()
    finally:
        plane.close()
