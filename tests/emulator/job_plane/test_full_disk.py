"""A disk that is full while jobs run: nothing changes that is not written, and every job ends once there is space."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.emulator.platform.store import CannotWrite
from pulumi_runpod.emulator.platform.switches import Switches
from tests.emulator.small_disk import fill, small_disk
from tests.waiting import eventually

if TYPE_CHECKING:
    from conftest import Hand, Stage

ONE = {"min": 1, "max": 1, "idleTimeout": 60}
JOBS, TAKEN = 30, 25


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", megabytes=8) as disk:
        yield disk


def refuse_writes(stage: Stage) -> None:
    stage.store.connection.execute("PRAGMA query_only=ON")


def take_writes(stage: Stage) -> None:
    stage.store.connection.execute("PRAGMA query_only=OFF")
    stage.do(stage.store.write_again)


def test_every_accepted_job_ends_after_the_disk_was_full(disk: Path, make_hand: Callable[[LocalRunPod], Hand]) -> None:
    """25 of 30 are with a worker when the last byte is taken: all 30 complete once there is space."""
    switches = Switches(cold_start_speed=1e9, poll_hold=0.2)
    with LocalRunPod(state_dir=disk / "state", workers={"hand:*": "sleep 1000"}, switches=switches) as server:
        hand = make_hand(server)
        jobs = [hand.run(input={"n": n}) for n in range(JOBS)]
        taken = [job["id"] for job in hand.take_batch(TAKEN).json()]
        filler = fill(disk)

        refused = hand.client.post(hand.urls["run"], json={"input": {}})
        volume = {"name": "v", "size": 10, "dataCenter": "EU-RO-1"}
        created = hand.client.post(f"{server.api}/v2/network-volumes", json=volume)
        reported = [hand.done(job_id, {"output": job_id}).status_code for job_id in taken]
        offered = hand.take_batch(JOBS - TAKEN).status_code
        states = {hand.ask("status", job_id)["status"] for job_id in taken}

        assert len(taken) == TAKEN
        for answer in (refused, created):
            assert answer.status_code == 507
            assert answer.json()["detail"].startswith("disk full")
        assert reported == [200] * TAKEN
        assert offered == 204
        assert states == {"IN_PROGRESS"}
        assert hand.health()["jobs"]["inQueue"] == JOBS - TAKEN

        filler.unlink()
        rest = eventually(lambda: answer if (answer := hand.take_batch(JOBS)).status_code == 200 else None).json()
        for job in rest:
            hand.done(job["id"], {"output": job["id"]})
        ended = eventually(lambda: _ended(hand, jobs))

        assert ended == {job_id: ("COMPLETED", job_id) for job_id in jobs}
        assert server.call(lambda p: p.store.connection.execute("SELECT DISTINCT status FROM jobs").fetchall()) == [
            ("COMPLETED",)
        ]
        hand.close()


def _ended(hand: Hand, jobs: list[str]) -> dict[str, tuple[str, object]] | None:
    status = {job_id: hand.ask("status", job_id) for job_id in jobs}
    if any(job["status"] in ("IN_QUEUE", "IN_PROGRESS") for job in status.values()):
        return None
    return {job_id: (job["status"], job.get("output")) for job_id, job in status.items()}


def test_a_hand_over_that_cannot_be_written_leaves_the_job_in_line(stage: Stage) -> None:
    """The worker gets nothing, and the job is handed over when the disk takes it."""
    fleet = stage.endpoint(workers=ONE)
    (worker,) = stage.load(fleet)
    job = stage.submit(fleet)
    refuse_writes(stage)

    assert stage.take(fleet, worker) == []
    assert (job.status, job.worker_id, len(fleet.dispatch.queue), fleet.dispatch.running) == ("IN_QUEUE", None, 1, 0)
    take_writes(stage)
    assert stage.take(fleet, worker) == [job]


def test_a_result_waits_for_the_disk_and_frees_the_worker(stage: Stage) -> None:
    """Running in every answer until the result is on disk, then complete, with its output."""
    fleet = stage.endpoint(workers=ONE)
    (worker,) = stage.load(fleet)
    job = stage.submit(fleet)
    stage.take(fleet, worker)
    refuse_writes(stage)

    assert stage.report(fleet, worker, job, output='"x"')
    assert (job.status, worker.status) == ("IN_PROGRESS", "IDLE")
    take_writes(stage)
    assert stage.found(job).status == "COMPLETED"
    assert stage.scheduler.jobs.output_of(job) == '"x"'


def test_a_lost_worker_s_job_waits_again_once_that_is_written(stage: Stage) -> None:
    """The worker dies while the disk is full: its job is tried again, by the worker that follows."""
    fleet = stage.endpoint(workers=ONE)
    (worker,) = stage.load(fleet)
    job = stage.submit(fleet)
    stage.take(fleet, worker)
    refuse_writes(stage)
    stage.do(lambda: stage.puppet(worker).exit(1))

    assert job.status == "IN_PROGRESS"
    take_writes(stage)
    assert (job.status, job.retries, len(fleet.dispatch.queue)) == ("IN_QUEUE", 1, 1)


def test_a_cancel_that_cannot_be_written_changes_nothing(stage: Stage) -> None:
    """The worker goes on with the job, and the client, who was refused, may ask again."""
    fleet = stage.endpoint(workers=ONE)
    (worker,) = stage.load(fleet)
    job = stage.submit(fleet)
    stage.take(fleet, worker)
    refuse_writes(stage)
    with pytest.raises(CannotWrite):
        stage.do(lambda: fleet.dispatch.cancel(job))

    assert (job.status, list(worker.jobs)) == ("IN_PROGRESS", [job.id])
    take_writes(stage)
    stage.do(lambda: fleet.dispatch.cancel(job))
    assert job.status == "CANCELLED"


def test_an_update_or_delete_that_cannot_be_written_leaves_the_endpoint_at_work(stage: Stage) -> None:
    """Its fleet, its release and its jobs are what they were."""
    fleet = stage.endpoint(workers=ONE)
    (worker,) = stage.load(fleet)
    job = stage.submit(fleet)
    refuse_writes(stage)
    for change in (lambda: stage.patch(fleet, image="worker:2"), lambda: stage.delete(fleet)):
        with pytest.raises(CannotWrite):
            change()

    assert stage.scheduler.fleet(fleet.endpoint_id) is fleet
    assert (fleet.version, fleet.body["image"], worker.phase, job.status) == (1, "worker:1", "ready", "IN_QUEUE")
    take_writes(stage)


def test_an_expired_job_ends_once_that_is_written(stage: Stage) -> None:
    """The disk is full at the moment at which its time to live is over."""
    fleet = stage.endpoint(workers=ONE)
    job = stage.submit(fleet, policy={"ttl": 10_000})
    refuse_writes(stage)
    stage.advance(11)

    assert job.status == "IN_QUEUE"
    take_writes(stage)
    assert job.status == "TIMED_OUT"
    assert stage.scheduler.jobs.find(fleet.endpoint_id, job.id) is None
    assert len(fleet.dispatch.queue) == 0
