"""Workers over time: cold start, scaling, throttling, crash loops and the platform's own interventions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_runpod.emulator.job_plane.scaling import DAY
from pulumi_runpod.wire.endpoint import ENDPOINTS

if TYPE_CHECKING:
    from conftest import Stage


def test_an_endpoint_without_minimum_starts_nobody(stage: Stage) -> None:
    """No request, no worker."""
    fleet = stage.endpoint()
    stage.advance(100)
    assert stage.statuses(fleet) == []


def test_a_request_starts_a_worker_which_leaves_after_the_idle_timeout(stage: Stage) -> None:
    """From zero to one and back, with the job done in between."""
    fleet = stage.endpoint()
    job = stage.submit(fleet)
    assert stage.statuses(fleet) == ["INITIALIZING"]
    (worker,) = stage.load(fleet)
    assert worker.status == "IDLE"
    assert stage.take(fleet, worker) == [job]
    assert worker.status == "RUNNING"
    stage.advance(5)
    assert stage.report(fleet, worker, job, output='{"a": 1}')
    stage.advance(9)
    assert stage.statuses(fleet) == ["IDLE"]
    stage.advance(1.5)
    assert stage.statuses(fleet) == []
    assert stage.puppet(worker).orders[0] == "terminate"
    assert "stop container: idle for 10 s" in stage.lines(worker)


def test_minimum_workers_start_at_once_and_stay(stage: Stage) -> None:
    """Active workers ignore the idle timeout."""
    fleet = stage.endpoint(workers={"min": 2, "max": 3, "idleTimeout": 5})
    assert stage.statuses(fleet) == ["INITIALIZING"] * 2
    stage.load(fleet)
    stage.advance(3600)
    assert stage.statuses(fleet) == ["IDLE"] * 2


def test_a_waiting_request_adds_a_second_worker_after_the_queue_delay(stage: Stage) -> None:
    """The clock alone makes the endpoint grow: nobody has to ask."""
    fleet = stage.endpoint()
    stage.submit(fleet)
    (worker,) = stage.load(fleet)
    stage.take(fleet, worker)
    stage.submit(fleet)
    stage.advance(3.9)
    assert len(fleet.workers) == 1
    stage.advance(0.2)
    assert stage.statuses(fleet) == ["RUNNING", "INITIALIZING"]


def test_low_priority_jobs_wait_for_workers_that_others_start(stage: Stage) -> None:
    """They start nobody, and are served by the workers that are there."""
    fleet = stage.endpoint()
    low = stage.submit(fleet, policy={"lowPriority": True})
    stage.advance(60)
    assert stage.statuses(fleet) == []
    other = stage.submit(fleet)
    (worker,) = stage.load(fleet)
    assert stage.take(fleet, worker, 2) == [low, other]


def test_request_count_grows_and_shrinks_with_the_load(stage: Stage) -> None:
    """ceil(requests / count) workers; each leaves after the stand-in for the idle timeout that the API lacks."""
    fleet = stage.endpoint(
        scaling={"type": "REQUEST_COUNT", "requestCount": 2}, workers={"min": 0, "max": 5}, timeout=600_000
    )
    jobs = [stage.submit(fleet) for _ in range(5)]
    assert len(fleet.workers) == 3
    workers = stage.load(fleet)
    for worker in workers:
        for job in stage.take(fleet, worker, 2):
            stage.report(fleet, worker, job)
    assert all(stage.found(job).status == "COMPLETED" for job in jobs)
    stage.advance(10.5)
    assert stage.statuses(fleet) == []


def test_the_maximum_set_to_zero_ends_idle_workers_at_once_and_busy_ones_after_their_job(stage: Stage) -> None:
    """No job is cut off by scaling down."""
    fleet = stage.endpoint(workers={"min": 2, "max": 2, "idleTimeout": 100})
    busy, _idle = stage.load(fleet)
    job = stage.submit(fleet)
    assert stage.take(fleet, busy) == [job]
    stage.patch(fleet, workers={"min": 0, "max": 0, "idleTimeout": 100})
    assert list(fleet.workers.values()) == [busy]
    stage.report(fleet, busy, job)
    assert stage.found(job).status == "COMPLETED"
    assert stage.statuses(fleet) == []


def test_a_worker_that_ignores_sigterm_is_killed_after_the_grace(stage: Stage) -> None:
    """Nothing outlives its grace."""
    stage.switch(stop_grace=0.0)
    fleet = stage.endpoint(workers={"min": 1, "max": 1, "idleTimeout": 5})
    (worker,) = stage.load(fleet)
    stage.puppet(worker).stubborn = True
    stage.patch(fleet, workers={"min": 0, "max": 0, "idleTimeout": 5})
    assert stage.puppet(worker).orders == ["terminate", "kill"]
    assert worker.id not in fleet.life.ending


def test_cold_starts_take_their_phases_and_are_recorded(stage: Stage) -> None:
    """Pull = size over registry speed, then the container start, then the real load."""
    stage.switch(cold_start_speed=1.0)
    fleet = stage.endpoint(workers={"min": 1, "max": 1, "idleTimeout": 5})
    (worker,) = fleet.workers.values()
    assert worker.phase == "pulling"
    stage.advance(7.9)
    assert worker.phase == "pulling"
    stage.advance(0.2)
    assert worker.phase == "starting"
    stage.advance(3)
    assert worker.phase == "loading"
    stage.advance(20)
    stage.load(fleet)
    (start,) = stage.scheduler.cold_starts.of(fleet.endpoint_id)
    assert (start.image_pull, start.container_start) == (8.0, 3.0)
    assert 19.5 < start.load < 20.5


def test_flashboot_skips_pull_and_container_start(stage: Stage) -> None:
    """What is left is the load."""
    stage.switch(cold_start_speed=1.0)
    fleet = stage.endpoint(flashboot="FLASHBOOT", workers={"min": 1, "max": 1, "idleTimeout": 5})
    assert [w.phase for w in fleet.workers.values()] == ["loading"]


def test_flashboot_may_need_a_first_start(stage: Stage) -> None:
    """By a switch, the first worker of a release pulls as any other."""
    stage.switch(cold_start_speed=1.0, flashboot="after_first_start")
    fleet = stage.endpoint(flashboot="FLASHBOOT", workers={"min": 1, "max": 2, "idleTimeout": 5})
    stage.advance(11.5)
    stage.load(fleet)
    stage.patch(fleet, workers={"min": 2, "max": 2, "idleTimeout": 5})
    assert [w.phase for w in fleet.workers.values()] == ["ready", "loading"]


def test_a_slow_pull_takes_its_factor_longer(stage: Stage) -> None:
    """The fault stretches the first phase alone."""
    stage.switch(cold_start_speed=1.0)
    stage.fault("worker.slow_pull", factor=5.0)
    fleet = stage.endpoint(workers={"min": 1, "max": 1, "idleTimeout": 5})
    stage.advance(39)
    assert [w.phase for w in fleet.workers.values()] == ["pulling"]
    stage.advance(1.5)
    assert [w.phase for w in fleet.workers.values()] == ["starting"]


def test_no_stock_throttles_until_there_is_some(stage: Stage) -> None:
    """THROTTLED, then on its way as soon as the platform has room."""
    stage.platform.stock.set("ADA_24@*", 0)
    fleet = stage.endpoint()
    stage.submit(fleet)
    assert stage.statuses(fleet) == ["THROTTLED"]
    stage.advance(60)
    assert stage.statuses(fleet) == ["THROTTLED"]
    stage.platform.stock.clear()
    stage.do(stage.scheduler.conditions_changed)
    stage.advance(0)
    assert stage.statuses(fleet) == ["INITIALIZING"]
    (worker,) = fleet.workers.values()
    assert stage.lines(worker).count("throttled: no room for this worker now") == 1


def test_a_second_pool_takes_over_where_the_first_is_sold_out(stage: Stage) -> None:
    """Pools are tried in the endpoint's order."""
    stage.fault("stock_out", target="ADA_24", times=None)
    fleet = stage.endpoint(gpu={"pools": ["ADA_24", "AMPERE_24"], "count": 1}, workers={"min": 1, "max": 1})
    (worker,) = fleet.workers.values()
    assert worker.placement is not None
    assert worker.placement.pool == "AMPERE_24"


def test_gpus_per_worker_count_against_the_stock(stage: Stage) -> None:
    """Two GPUs per worker fill a stock of three with one worker."""
    stage.platform.stock.set("*@*", 0)
    stage.platform.stock.set("ADA_24@EU-RO-1", 3)
    gpu = {"pools": ["ADA_24"], "count": 2}
    fleet = stage.endpoint(gpu=gpu, workers={"min": 2, "max": 2, "idleTimeout": 5})
    assert sorted(stage.statuses(fleet)) == ["INITIALIZING", "THROTTLED"]


def test_the_account_quota_throttles_across_endpoints(stage: Stage) -> None:
    """What one endpoint gives up, another's throttled worker takes."""
    stage.switch(worker_quota=1)
    first = stage.endpoint(workers={"min": 1, "max": 1, "idleTimeout": 5})
    second = stage.endpoint(workers={"min": 1, "max": 1, "idleTimeout": 5})
    stage.load(first)
    assert stage.statuses(second) == ["THROTTLED"]
    stage.patch(first, workers={"min": 0, "max": 0, "idleTimeout": 5})
    stage.advance(0)
    assert stage.statuses(second) == ["INITIALIZING"]


def test_an_image_that_nothing_runs_is_unhealthy_and_says_why(stage: Stage) -> None:
    """The system log names the image; there is no crash loop."""
    stage.puppets.unknown.add("worker:1")
    fleet = stage.endpoint(workers={"min": 1, "max": 1, "idleTimeout": 5})
    stage.advance(3600)
    (worker,) = fleet.workers.values()
    assert worker.status == "UNHEALTHY"
    assert stage.lines(worker) == ["nothing here runs worker:1"]


def test_a_crash_loop_is_unhealthy_and_backs_off(stage: Stage) -> None:
    """1, 2, 4 s between starts of the same worker, each in the system log."""
    fleet = stage.endpoint(workers={"min": 1, "max": 1, "idleTimeout": 5})
    (worker,) = fleet.workers.values()
    starts = []
    for _ in range(3):
        starts.append(stage.clock.now())
        stage.do(lambda: stage.puppet(worker).exit(1))
        assert worker.status == "UNHEALTHY"
        before = len(stage.puppets.started)
        while len(stage.puppets.started) == before:
            stage.advance(0.5)
    pauses = [round(b - a) for a, b in zip(starts, [*starts[1:], stage.clock.now()], strict=True)]
    assert pauses == [1, 2, 4]
    assert stage.load(fleet) == [worker]
    assert worker.failures == 0


def test_a_crash_loop_lowers_the_maximum_to_one(stage: Stage) -> None:
    """After ten failed starts in a row the platform steps in, and the endpoint's own JSON shows it."""
    fleet = stage.endpoint(workers={"min": 0, "max": 3, "idleTimeout": 5})
    stage.submit(fleet)
    for _ in range(10):
        (worker, *_) = fleet.workers.values()
        stage.do(lambda w=worker: stage.puppet(w).exit(1))
        stage.advance(301)
    row = stage.store.get(ENDPOINTS.kind, fleet.endpoint_id)
    assert row is not None
    assert row.body["workers"]["max"] == 1


def test_a_cold_start_beyond_the_init_timeout_is_unhealthy(stage: Stage) -> None:
    """Seven minutes, or what RUNPOD_INIT_TIMEOUT says."""
    slow = stage.endpoint(workers={"min": 1, "max": 1}, env={"RUNPOD_INIT_TIMEOUT": "800"})
    usual = stage.endpoint(workers={"min": 1, "max": 1})
    stage.advance(421)
    assert stage.statuses(slow) == ["INITIALIZING"]
    assert stage.statuses(usual) == ["UNHEALTHY"]
    (worker,) = usual.workers.values()
    assert "unhealthy: not ready within 420 s" in stage.lines(worker)


def test_faults_of_a_start_make_a_worker_unhealthy_and_then_let_it_go(stage: Stage) -> None:
    """A missing image and a wrong CUDA fail once each; the third start succeeds."""
    stage.fault("worker.image_missing")
    stage.fault("worker.wrong_cuda")
    fleet = stage.endpoint(workers={"min": 1, "max": 1, "idleTimeout": 5})
    (worker,) = fleet.workers.values()
    assert worker.status == "UNHEALTHY"
    stage.advance(1.5)
    assert worker.status == "UNHEALTHY"
    stage.advance(2.5)
    assert worker.status == "INITIALIZING"
    text = " / ".join(stage.lines(worker))
    assert "not found" in text
    assert "CUDA" in text


def test_a_program_that_cannot_be_started_is_unhealthy(stage: Stage) -> None:
    """The runtime's own words are in the system log."""
    stage.puppets.broken.add("worker:1")
    fleet = stage.endpoint(workers={"min": 1, "max": 1, "idleTimeout": 5})
    (worker,) = fleet.workers.values()
    assert worker.status == "UNHEALTHY"
    assert any("exec format error" in line for line in stage.lines(worker))


def test_idle_days_lower_the_maximum_to_two_and_then_to_zero(stage: Stage) -> None:
    """One long step of the clock meets both days, and a request or an update starts the days anew."""
    fleet = stage.endpoint(workers={"min": 0, "max": 5, "idleTimeout": 5})
    stage.advance(3 * DAY - 1)
    assert fleet.body["workers"]["max"] == 5
    stage.advance(2)
    assert fleet.body["workers"]["max"] == 2
    stage.advance(4 * DAY)
    assert fleet.body["workers"]["max"] == 0
    stage.patch(fleet, workers={"min": 0, "max": 5, "idleTimeout": 5})
    stage.advance(3 * DAY - 10)
    assert fleet.body["workers"]["max"] == 5


def test_a_request_starts_the_idle_days_anew(stage: Stage) -> None:
    """Three days count from the last request."""
    fleet = stage.endpoint(workers={"min": 0, "max": 5, "idleTimeout": 5})
    stage.advance(2.5 * DAY)
    stage.submit(fleet)
    stage.load(fleet)
    stage.advance(2 * DAY)
    assert fleet.body["workers"]["max"] == 5
    stage.advance(1.1 * DAY)
    assert fleet.body["workers"]["max"] == 2


def test_the_scale_down_fault_acts_as_idle_days_do(stage: Stage) -> None:
    """To two, then to nothing."""
    fleet = stage.endpoint(workers={"min": 0, "max": 5, "idleTimeout": 5})
    stage.fault("scale_down", times=2)
    stage.do(stage.scheduler.conditions_changed)
    assert fleet.body["workers"]["max"] == 2
    stage.do(stage.scheduler.conditions_changed)
    assert fleet.body["workers"]["max"] == 0


def test_an_endpoint_that_is_deleted_leaves_nothing(stage: Stage) -> None:
    """Workers killed, queued and running jobs ended, rows gone."""
    fleet = stage.endpoint()
    running, waiting = stage.submit(fleet), stage.submit(fleet)
    (worker,) = stage.load(fleet)
    stage.take(fleet, worker)
    stage.delete(fleet)
    assert (running.status, waiting.status) == ("CANCELLED", "CANCELLED")
    assert stage.puppet(worker).exited.done()
    count = stage.store.connection.execute("SELECT count(*) FROM jobs").fetchone()
    assert count == (0,)
    assert not list((stage.state_dir / "workers").iterdir())


def test_workers_are_billed_from_container_start_to_full_stop(stage: Stage) -> None:
    """One row per start, at the pool's price for all of the worker's GPUs; initial phases before it cost nothing."""
    stage.switch(cold_start_speed=1.0)
    fleet = stage.endpoint(gpu={"pools": ["ADA_24"], "count": 2}, workers={"min": 0, "max": 1, "idleTimeout": 10})
    job = stage.submit(fleet)
    stage.advance(11.5)
    began = stage.clock.now()
    stage.advance(20)
    (worker,) = stage.load(fleet)
    stage.take(fleet, worker)
    stage.advance(5)
    stage.report(fleet, worker, job)
    stage.advance(30)
    ((started, until, still_open, price),) = stage.store.connection.execute(
        "SELECT started_at, accrued_until, open, usd_per_second FROM consumption"
    ).fetchall()
    assert abs(started - began) < 1
    assert 34 < until - started < 37
    assert not still_open
    gpu = next(g for g in stage.platform.catalog.gpus.values() if g.pool == "ADA_24")
    assert price == (gpu.price.serverless or 0) * 2 / 3600
