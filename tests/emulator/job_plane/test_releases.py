"""Releases: what makes one, what it tells, and how it reaches the workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pulumi_runpod.emulator.job_plane import releases
from pulumi_runpod.wire.endpoint import ENDPOINTS

if TYPE_CHECKING:
    from conftest import Stage

OLD = {
    "image": "a:1", "env": {"A": "1"}, "gpu": {"pools": ["ADA_24"], "count": 1}, "dataCenterIds": [], "timeout": 1,
    "workers": {"min": 0, "max": 3},
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "container", "placement", "everything"),
    [
        ({"image": "a:2"}, ["template.imageName"], ["template.imageName"], ["template.imageName"]),
        ({"env": {}}, ["template.env"], ["template.env"], ["template.env"]),
        ({"gpu": {"pools": ["ADA_24"], "count": 2}}, [], ["gpuCount"], ["gpuCount"]),
        ({"dataCenterIds": ["EU-RO-1"]}, [], ["locations"], ["locations"]),
        ({"workers": {"min": 0, "max": 9}}, [], [], ["workers.max"]),
        ({"timeout": 2}, [], [], ["executionTimeoutMs"]),
        ({}, [], [], []),
    ],
)
def test_which_changes_make_a_release_is_a_switch(
    change: dict[str, object], container: list[str], placement: list[str], everything: list[str]
) -> None:
    """Container changes always do; placement by default; scaling only by a switch."""
    new = {**OLD, **change}
    assert [d["field"] for d in releases.changes(OLD, new, "container")] == container
    assert [d["field"] for d in releases.changes(OLD, new, "placement")] == placement
    assert [d["field"] for d in releases.changes(OLD, new, "everything")] == everything


def test_a_release_replaces_idle_workers_at_once_and_busy_ones_after_their_job(stage: Stage) -> None:
    """Old and new overlap while a job goes on, and the job is not cut off."""
    fleet = stage.endpoint(workers={"min": 2, "max": 3, "idleTimeout": 60})
    busy, idle = stage.load(fleet)
    job = stage.submit(fleet)
    stage.take(fleet, busy)
    stage.patch(fleet, image="worker:2")
    assert idle.id not in fleet.workers
    assert [w.version for w in fleet.workers.values()] == [1, 2]
    assert [w.image for w in fleet.workers.values()] == ["worker:1", "worker:2"]
    stage.report(fleet, busy, job)
    assert stage.found(job).status == "COMPLETED"
    stage.advance(0)
    assert {w.version for w in fleet.workers.values()} == {2}
    assert len(fleet.workers) == 2


def test_a_worker_that_still_starts_is_replaced_by_a_release(stage: Stage) -> None:
    """Nobody waits for a cold start of yesterday's image."""
    stage.switch(cold_start_speed=1.0)
    fleet = stage.endpoint(workers={"min": 1, "max": 1, "idleTimeout": 60})
    (old,) = fleet.workers.values()
    stage.patch(fleet, image="worker:2")
    (new,) = fleet.workers.values()
    assert new is not old
    assert new.image == "worker:2"
    assert not stage.puppets.started


def test_a_scaling_change_makes_no_release_and_replaces_nobody(stage: Stage) -> None:
    """It reaches the autoscaler, not the workers."""
    fleet = stage.endpoint(workers={"min": 1, "max": 1, "idleTimeout": 60})
    stage.load(fleet)
    before = list(fleet.workers)
    stage.patch(fleet, workers={"min": 1, "max": 5, "idleTimeout": 60}, timeout=1000)
    assert fleet.version == 1
    assert list(fleet.workers) == before


def test_a_patch_that_changes_nothing_makes_a_release_only_by_a_switch(stage: Stage) -> None:
    """The service does not say whether it does."""
    fleet = stage.endpoint()
    stage.patch(fleet)
    assert fleet.version == 1
    stage.switch(release_without_change=True)
    stage.patch(fleet)
    assert fleet.version == 2


def test_the_version_survives_a_restart(stage: Stage) -> None:
    """It is kept beside the endpoint, where the API does not show it."""
    fleet = stage.endpoint()
    stage.patch(fleet, image="worker:2")
    row = stage.store.get(ENDPOINTS.kind, fleet.endpoint_id)
    assert row is not None
    assert row.private["version"] == 2
    assert "version" not in row.body


def test_a_release_ends_a_crash_loop_of_the_old_one(stage: Stage) -> None:
    """The corrected image gets a worker at once, without the old one's back-off."""
    fleet = stage.endpoint(workers={"min": 1, "max": 1, "idleTimeout": 60})
    (worker,) = fleet.workers.values()
    stage.do(lambda: stage.puppet(worker).exit(1))
    assert stage.statuses(fleet) == ["UNHEALTHY"]
    stage.patch(fleet, image="worker:2")
    assert stage.statuses(fleet) == ["INITIALIZING"]
