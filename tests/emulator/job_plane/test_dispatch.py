"""Jobs on their way: hand-over, results, cancel, timeouts, lost workers, retries, and a restart of the local RunPod."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from pulumi_runpod.emulator.job_plane.scheduler import Scheduler

if TYPE_CHECKING:
    from conftest import Stage

    from pulumi_runpod.emulator.job_plane.fleet import Fleet
    from pulumi_runpod.emulator.job_plane.job import Job
    from pulumi_runpod.emulator.job_plane.worker import Worker

ONE = {"min": 1, "max": 1, "idleTimeout": 60}


def busy(stage: Stage, **request: object) -> tuple[Fleet, Worker, Job]:
    """An endpoint whose one worker has taken a job."""
    fleet = stage.endpoint(workers=ONE)
    (worker,) = stage.load(fleet)
    job = stage.submit(fleet, **request)
    assert stage.take(fleet, worker) == [job]
    return fleet, worker, job


def test_jobs_are_handed_over_in_the_order_in_which_they_came(stage: Stage) -> None:
    """First in, first out, and a batch takes several."""
    fleet = stage.endpoint(workers=ONE)
    (worker,) = stage.load(fleet)
    jobs = [stage.submit(fleet) for _ in range(4)]
    assert stage.take(fleet, worker) == jobs[:1]
    assert stage.take(fleet, worker, 10) == jobs[1:]
    assert stage.take(fleet, worker) == []


def test_a_waiting_worker_gets_a_job_at_once(stage: Stage) -> None:
    """An open poll is answered by the submission itself."""
    fleet = stage.endpoint(workers=ONE)
    (worker,) = stage.load(fleet)
    poll = stage.do(lambda: fleet.dispatch.wait(worker, 1))
    job = stage.submit(fleet)
    assert poll.answer.result() == [job]
    assert job.status == "IN_PROGRESS"


def test_a_second_poll_of_a_worker_lets_the_first_go_empty(stage: Stage) -> None:
    """A worker that asks again has given up its earlier question: no job goes to it."""
    fleet = stage.endpoint(workers=ONE)
    (worker,) = stage.load(fleet)
    first = stage.do(lambda: fleet.dispatch.wait(worker, 1))
    second = stage.do(lambda: fleet.dispatch.wait(worker, 1))
    job = stage.submit(fleet)
    assert first.answer.result() == []
    assert second.answer.result() == [job]


def test_a_job_whose_hand_over_failed_waits_again_as_if_never_taken(stage: Stage) -> None:
    """First in line, no retry counted, its wait counted from the start."""
    fleet, worker, job = busy(stage)
    stage.submit(fleet)
    stage.advance(3)
    stage.do(lambda: fleet.dispatch.give_back(worker, [job]))
    assert (job.status, job.retries, job.worker_id) == ("IN_QUEUE", 0, None)
    assert stage.take(fleet, worker) == [job]
    assert job.started_at is not None
    assert job.started_at - job.queued_at == pytest.approx(3, abs=0.1)


def test_a_result_ends_the_job_and_frees_the_worker(stage: Stage) -> None:
    """The output is kept as it was sent."""
    fleet, worker, job = busy(stage)
    assert stage.report(fleet, worker, job, output='{"x":[1,null]}')
    assert stage.found(job).status == "COMPLETED"
    assert stage.scheduler.jobs.output_of(job) == '{"x":[1,null]}'
    assert worker.status == "IDLE"


def test_a_result_after_a_cancel_is_ignored(stage: Stage) -> None:
    """The job stays CANCELLED, and the worker is free."""
    fleet, worker, job = busy(stage)
    stage.do(lambda: fleet.dispatch.cancel(job))
    assert worker.status == "RUNNING"
    assert not stage.report(fleet, worker, job, output="1")
    assert stage.found(job).status == "CANCELLED"
    assert stage.scheduler.jobs.output_of(job) is None
    assert worker.status == "IDLE"


def test_a_worker_that_goes_on_with_a_cancelled_job_is_killed_after_the_grace(stage: Stage) -> None:
    """A blocking handler does not hear the stop signal."""
    fleet, worker, job = busy(stage)
    stage.do(lambda: fleet.dispatch.cancel(job))
    stage.advance(9.5)
    assert worker.id in fleet.workers
    stage.advance(1)
    assert worker.id not in fleet.workers
    assert stage.puppet(worker).orders == ["kill"]


def test_a_worker_that_stops_in_time_is_spared(stage: Stage) -> None:
    """It asks for its next job, and says that it has none."""
    fleet, worker, job = busy(stage)
    stage.do(lambda: fleet.dispatch.cancel(job))
    stage.do(lambda: fleet.dispatch.has_nothing(worker))
    stage.advance(20)
    assert worker.id in fleet.workers


def test_a_heartbeat_without_the_job_frees_its_place_once_it_was_notified(stage: Stage) -> None:
    """Before the stop signal was sent, its absence proves nothing."""
    fleet, worker, job = busy(stage)
    stage.do(lambda: fleet.dispatch.cancel(job))
    stage.do(lambda: fleet.dispatch.still_at(worker, frozenset()))
    assert worker.busy
    worker.dropped[job.id] = 1.0
    stage.do(lambda: fleet.dispatch.still_at(worker, frozenset({job.id})))
    assert worker.busy
    stage.do(lambda: fleet.dispatch.still_at(worker, frozenset()))
    assert not worker.busy


def test_a_queued_job_is_cancelled_without_any_worker(stage: Stage) -> None:
    """It never reaches one."""
    fleet = stage.endpoint(workers={"min": 0, "max": 0})
    job = stage.submit(fleet)
    stage.do(lambda: fleet.dispatch.cancel(job))
    assert stage.found(job).status == "CANCELLED"
    assert len(fleet.dispatch.queue) == 0


def test_the_execution_timeout_ends_the_job_and_the_worker(stage: Stage) -> None:
    """TIMED_OUT with an error, the worker killed, and another one started in its place."""
    fleet, worker, job = busy(stage)
    stage.advance(19.9)
    assert job.status == "IN_PROGRESS"
    stage.advance(0.2)
    found = stage.found(job)
    assert (found.status, found.error) == ("TIMED_OUT", "job exceeded its execution timeout of 20000 ms")
    assert stage.puppet(worker).orders == ["kill"]
    assert stage.statuses(fleet) == ["INITIALIZING"]


def test_a_jobs_own_policy_overrides_the_endpoints_timeout(stage: Stage) -> None:
    """Five seconds for this one, twenty for the others."""
    _, _, job = busy(stage, policy={"executionTimeout": 5000})
    stage.advance(5.1)
    assert stage.found(job).status == "TIMED_OUT"


def test_a_timeout_of_zero_is_the_platforms_default(stage: Stage) -> None:
    """Ten minutes, by a switch."""
    fleet = stage.endpoint(workers=ONE, timeout=0)
    (worker,) = stage.load(fleet)
    job = stage.submit(fleet)
    stage.take(fleet, worker)
    stage.advance(599)
    assert job.status == "IN_PROGRESS"
    stage.advance(2)
    assert stage.found(job).status == "TIMED_OUT"


def test_a_timeout_can_be_retried_by_a_switch_and_then_fails(stage: Stage) -> None:
    """As observed on the service: `job timed out after 1 retries`."""
    stage.switch(timeout_retries=1)
    fleet, _, job = busy(stage)
    stage.advance(21)
    assert (job.status, job.retries) == ("IN_QUEUE", 1)
    (second,) = stage.load(fleet)
    stage.take(fleet, second)
    stage.advance(21)
    found = stage.found(job)
    assert (found.status, found.error) == ("FAILED", "job timed out after 1 retries")


def test_a_job_that_started_again_has_its_whole_timeout_again(stage: Stage) -> None:
    """The clock of the first attempt is stopped with it."""
    fleet, worker, job = busy(stage)
    stage.advance(15)
    stage.do(lambda: stage.puppet(worker).exit(1))
    assert job.status == "IN_QUEUE"
    stage.advance(0.1)
    (second,) = stage.load(fleet)
    stage.take(fleet, second)
    stage.advance(15)
    assert job.status == "IN_PROGRESS"


def test_a_job_is_tried_once_more_when_its_worker_dies_and_then_fails(stage: Stage) -> None:
    """The error names the worker and how it ended."""
    fleet, worker, job = busy(stage)
    stage.do(lambda: stage.puppet(worker).exit(139))
    assert (job.status, job.retries) == ("IN_QUEUE", 1)
    stage.advance(0.1)
    (second,) = stage.load(fleet)
    assert stage.take(fleet, second) == [job]
    stage.do(lambda: stage.puppet(second).exit(139))
    found = stage.found(job)
    assert found.status == "FAILED"
    assert found.error == f"worker {second.id} is gone: container exited with code 139 (after 1 retries)"


def test_without_retries_a_lost_worker_fails_its_jobs(stage: Stage) -> None:
    """By a switch."""
    stage.switch(worker_loss_retries=0)
    _, worker, job = busy(stage)
    stage.do(lambda: stage.puppet(worker).exit(1))
    assert stage.found(job).status == "FAILED"


def test_jobs_of_a_worker_killed_for_another_job_are_tried_again(stage: Stage) -> None:
    """A concurrent worker's other jobs did nothing wrong."""
    fleet = stage.endpoint(workers=ONE)
    (worker,) = stage.load(fleet)
    slow, other = stage.submit(fleet, policy={"executionTimeout": 5000}), stage.submit(fleet)
    stage.take(fleet, worker, 2)
    stage.advance(6)
    assert stage.found(slow).status == "TIMED_OUT"
    assert (other.status, other.retries) == ("IN_QUEUE", 1)


def test_a_worker_that_asks_for_a_refresh_never_gets_another_job(stage: Stage) -> None:
    """It is ended with its last job, and someone else takes the next."""
    fleet, worker, job = busy(stage)
    waiting = stage.submit(fleet)

    def refresh() -> None:
        worker.retiring = True
        fleet.dispatch.report(worker, job.id, "COMPLETED")
        assert fleet.dispatch.pull(worker, 1) == []
        fleet.recycle(worker)

    stage.do(refresh)
    assert worker.id not in fleet.workers
    assert stage.puppet(worker).orders[0] == "terminate"
    stage.advance(0)
    (second,) = stage.load(fleet)
    assert stage.take(fleet, second) == [waiting]


def test_the_time_to_live_deletes_a_job_in_any_state(stage: Stage) -> None:
    """Waiting, running or done: it is not found afterwards, and its worker is asked to stop."""
    fleet = stage.endpoint(workers=ONE, timeout=600_000)
    (worker,) = stage.load(fleet)
    running, waiting = (stage.submit(fleet, policy={"ttl": 10_000}) for _ in range(2))
    stage.take(fleet, worker)
    stage.advance(10.1)
    for job in (running, waiting):
        assert stage.scheduler.jobs.find(fleet.endpoint_id, job.id) is None
        assert job.status == "TIMED_OUT"
    assert list(worker.dropped) == [running.id]
    assert len(fleet.dispatch.queue) == 0


@pytest.mark.parametrize(("sync", "kept"), [(False, 1800), (True, 60)])
def test_results_are_kept_as_long_as_documented(stage: Stage, sync: bool, kept: float) -> None:
    """Half an hour for /run, a minute for /runsync."""
    fleet = stage.endpoint(workers=ONE)
    (worker,) = stage.load(fleet)
    job = stage.submit(fleet, sync=sync)
    stage.take(fleet, worker)
    stage.report(fleet, worker, job, output="1")
    stage.advance(kept - 1)
    assert stage.found(job).status == "COMPLETED"
    stage.advance(2)
    assert stage.scheduler.jobs.find(fleet.endpoint_id, job.id) is None
    assert stage.store.connection.execute("SELECT count(*) FROM jobs").fetchone() == (0,)


def test_a_job_is_found_under_its_own_endpoint_alone(stage: Stage) -> None:
    """Another endpoint's id does not open it."""
    fleet, other = stage.endpoint(), stage.endpoint()
    job = stage.submit(fleet)
    assert stage.scheduler.jobs.find(other.endpoint_id, job.id) is None


def test_stale_and_retiring_workers_get_nothing(stage: Stage) -> None:
    """New jobs go to workers of the newest release."""
    fleet, worker, job = busy(stage)
    stage.patch(fleet, image="worker:2")
    stage.submit(fleet)
    assert stage.take(fleet, worker) == []
    stage.report(fleet, worker, job)
    stage.advance(0)
    (new,) = fleet.workers.values()
    assert new.version == 2


def test_every_accepted_job_survives_a_restart(stage: Stage) -> None:
    """Waiting jobs wait on, in order; running ones are tried again, first, without losing one of their own retries."""
    fleet = stage.endpoint(workers={"min": 0, "max": 1, "idleTimeout": 60})
    running = stage.submit(fleet)
    waiting = [stage.submit(fleet, policy={"lowPriority": n == 1}) for n in range(3)]
    (worker,) = stage.load(fleet)
    assert stage.take(fleet, worker) == [running]

    successor = Scheduler(stage.platform, runtime=stage.puppets)
    stage.run(successor.start())
    again = successor.fleet(fleet.endpoint_id)
    assert again is not None
    stage.advance(0)
    assert [j.id for j in again.dispatch.queue] == [running.id, *(j.id for j in waiting)]
    reborn = successor.jobs.live[running.id]
    assert (reborn.status, reborn.retries) == ("IN_QUEUE", 1)
    assert again.dispatch.queue.pressing == 3
    assert reborn.losses == 0
    ended = "SELECT open FROM consumption WHERE worker_id = ?"
    assert stage.store.connection.execute(ended, (worker.id,)).fetchone() == (0,)
    stage.run(successor.stop())


def test_the_server_going_away_lets_every_poll_go(stage: Stage) -> None:
    """A waiting call is answered at once; nothing is handed over any more."""
    fleet = stage.endpoint(workers=ONE)
    (worker,) = stage.load(fleet)
    poll = stage.do(lambda: fleet.dispatch.wait(worker, 1))
    job = stage.submit(stage.endpoint(workers={"min": 0, "max": 0}))
    changed: asyncio.Future[None] = stage.runner.get_loop().create_future()
    job.watchers.append(changed)
    stage.run(stage.scheduler.stop())
    assert poll.answer.result() == []
    assert changed.done()
    assert stage.puppet(worker).exited.done()
