"""`recover` and `deploy` beside an `up` of the same stack: no record is lost, whichever of them began first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pulumi_runpod.emulator.local import LocalRunPod
from tests.e2e.killable import TEMPLATE, VOLUME, Killable, arrived, arrived_all, objects
from tests.gitops.backends import bucket_backend
from tests.waiting import eventually

pytestmark = pytest.mark.engine
KINDS = ("network volume", "template")


@pytest.fixture(params=["file", "bucket"])
def interrupted(
    request: pytest.FixtureRequest, tmp_path: Path, pulumi_home: Path, local_runpod: LocalRunPod
) -> Iterator[Killable]:
    """A stack with one pending create, of a volume; its lock is removed."""
    if request.param == "file":
        project = Killable.made_in(tmp_path, local_runpod.environment, home=pulumi_home)
        yield from _interrupted(project, local_runpod)
        return
    with bucket_backend() as bucket:
        environment = {**local_runpod.environment, **bucket.environment}
        url = bucket.environment["PULUMI_BACKEND_URL"]
        project = Killable.made_in(tmp_path, environment, home=pulumi_home, backend_url=url)
        yield from _interrupted(project, local_runpod)


def _interrupted(project: Killable, local_runpod: LocalRunPod) -> Iterator[Killable]:
    project.program(VOLUME.format(""))
    local_runpod.fault("http.delay", method="POST", path="/v2/*", delay=600.0)
    project.kill_during(arrived(local_runpod))
    local_runpod.advance(600.0)
    eventually(lambda: objects(local_runpod, "network volume") or None)
    assert project.run("pulumi", "cancel", "--yes").returncode == 0
    local_runpod.clear_faults()
    yield project
    project.end_survivors()


def held(killable: Killable, local_runpod: LocalRunPod) -> tuple[list[str], list[str]]:
    """Ids in the state, and all that exist."""
    return sorted(killable.ids_in_state()), sorted(one for kind in KINDS for one in objects(local_runpod, kind))


def fault_met(local_runpod: LocalRunPod) -> Callable[[], bool]:
    return lambda: arrived_all(local_runpod)


def test_whichever_begins_first(interrupted: Killable, local_runpod: LocalRunPod) -> None:
    """While an `up` runs, `recover` is refused with its owner. One that ends while `recover` looks keeps its state."""
    # `up` first: it holds the lock while it makes a template.
    interrupted.program(TEMPLATE)
    local_runpod.fault("http.delay", method="POST", path="/v2/templates", delay=600.0)
    running = interrupted.start("pulumi", "up", "--yes", "--skip-preview", "--non-interactive")
    eventually(fault_met(local_runpod), 60)
    refused = interrupted.run("pulumi-runpod", "recover", "--stack", "dev")
    local_runpod.advance(600.0)
    said, complaint = running.communicate(timeout=120)
    kept = len(interrupted.ids_in_state())

    # `recover` first: an `up` of another template begins and ends while it looks for the volume.
    local_runpod.clear_faults()
    local_runpod.fault("http.delay", method="GET", path="/v2/network-volumes", delay=600.0)
    recovering = interrupted.start("pulumi-runpod", "recover", "--stack", "dev")
    eventually(fault_met(local_runpod), 60)
    interrupted.program(TEMPLATE + TEMPLATE.replace("'worker'", "'another'"))
    up = interrupted.up()
    local_runpod.advance(600.0)
    recovered, trouble = recovering.communicate(timeout=120)
    in_state, existing = held(interrupted, local_runpod)

    assert refused.returncode == 1, refused.stdout
    assert "stack dev is locked by " in refused.stderr
    assert f"(pid {running.pid})" in refused.stderr
    assert running.returncode == 0, said + complaint
    assert kept == 1
    assert up.returncode == 0, up.stdout + up.stderr
    assert recovering.returncode == 0, trouble
    assert "now in the state" in recovered
    assert len(existing) == 3
    assert in_state == existing
