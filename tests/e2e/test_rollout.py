"""Releases on the real engine with real worker processes: `up` ends when they serve, or says why not and goes back."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest

from pulumi_runpod import Endpoint
from pulumi_runpod.emulator.local import LocalRunPod
from tests.e2e.both_adapters import both_adapters, both_adapters_exhaustive

pytestmark = pytest.mark.engine

Stack = Callable[..., Any]
WORKER = Path(__file__).with_name("gate_worker.py")
IMAGE = "registry.example.com/team/gate-worker:1"


@pytest.fixture
def running() -> Iterator[LocalRunPod]:
    """A local RunPod whose workers are processes on the real SDK."""
    command = shlex.join([sys.executable, str(WORKER)])
    with LocalRunPod(workers={"*/gate-worker*": command}) as local:
        yield local


@pytest.fixture
def stack(engine: Any, running: LocalRunPod) -> Stack:
    return lambda program: engine.stack(program, running.environment)


def gated(
    *, least: int = 1, mode: str = "", image: str = IMAGE, name: str | None = None, **rollout: Any
) -> Callable[[], None]:
    def declare() -> None:
        endpoint = Endpoint(
            "web",
            type="QUEUE",
            scaling={"type": "QUEUE_DELAY", "queue_delay": 1},
            gpu={"pools": ["ADA_24"]},
            workers={"min": least, "max": 2},
            image=image,
            env={"MODE": mode, "TOKEN": pulumi.Output.secret("tok-5e5e5e5e")},
            name=name,
            rollout={"timeout": 30, **rollout},
        )
        pulumi.export("id", endpoint.id)

    return declare


def reason(outcome: Any) -> str:
    """The one line that says why."""
    assert outcome.failed
    assert "Traceback" not in outcome.text, outcome.text
    assert "tok-5e5e5e5e" not in outcome.text
    [result] = [error for error in outcome.errors if "release is not healthy" in error]
    return str(result)


def gate_calls(running: LocalRunPod) -> int:
    return len(running.calls("GET"))


def test_an_up_ends_when_the_first_release_serves(stack: Stack, running: LocalRunPod) -> None:
    """The endpoint is in the state before anything is waited for; a worker that is ready is the evidence."""
    deployed = stack(gated())
    done = deployed.up()
    again = deployed.preview(refresh=True, expect_no_changes=True)

    assert not done.failed, done.text
    assert done.names("create") == ["web", "web-rollout"]
    assert deployed.resources()["web-rollout"]["outputs"]["evidence"] == "worker"
    assert gate_calls(running) <= 20
    assert not again.failed, again.text
    assert not deployed.destroy().failed


def test_without_min_workers_only_a_job_proves_a_release(stack: Stack, running: LocalRunPod) -> None:
    """Without one, the wait ends at once and says that nothing is proven."""
    unproven = stack(gated(least=0)).up()
    proven = stack(gated(least=0, name="other", smoke_input={"n": 1}))
    done = proven.up()

    assert not unproven.failed, unproven.text
    assert any("nothing proves that this release works" in notice for notice in unproven.notices), unproven.notices
    assert not done.failed, done.text


def test_a_smoke_job_is_run_after_each_release(stack: Stack, running: LocalRunPod) -> None:
    """At create and after an edit; an edit that makes no release runs none."""
    deployed = stack(gated(least=0, smoke_input={"n": 1}))
    done = deployed.up()
    deployed.up(gated(least=0, smoke_input={"n": 1}, name="renamed"))
    jobs_after_rename = len(running.calls("POST", "/v2/*/run"))
    edited = deployed.up(gated(least=0, smoke_input={"n": 1}, name="renamed", mode="other"))
    jobs = len(running.calls("POST", "/v2/*/run"))

    assert not done.failed, done.text
    assert not edited.failed, edited.text
    assert (jobs_after_rename, jobs) == (1, 2)


@both_adapters_exhaustive
def test_a_new_endpoint_that_does_not_come_up_fails_and_is_kept(stack: Stack, running: LocalRunPod) -> None:
    """A crash loop, reported with the container's last lines, secrets masked; the corrected program goes on."""
    deployed = stack(gated(mode="broken"))
    failed = deployed.up()
    text = reason(failed)
    mended = deployed.up(gated())

    assert "ends before it is ready, again and again" in text
    assert "ImportError: no module named torch" in text
    assert not mended.failed, mended.text
    assert mended.names("update") == ["web"]
    assert len(running.call(lambda p: p.store.list("endpoint"))) == 1
    assert gate_calls(running) <= 40


@pytest.mark.parametrize(
    ("change", "fault", "text"),
    [
        ({"mode": "broken"}, None, "again and again"),
        pytest.param(
            {"mode": "x"},
            {"kind": "worker.image_missing", "times": None},
            "its image cannot be pulled",
            marks=pytest.mark.exhaustive,
        ),
        pytest.param(
            {"mode": "x"},
            {"kind": "worker.wrong_cuda", "times": None},
            "no host meets its CUDA requirement",
            marks=pytest.mark.exhaustive,
        ),
        pytest.param(
            {"mode": "x", "timeout": 10},
            {"kind": "stock_out", "times": None},
            "there is no stock of ADA_24",
            marks=pytest.mark.exhaustive,
        ),
        ({"mode": "refuses", "smoke_input": {"n": 1}}, None, "RuntimeError: no such model"),
    ],
    ids=["crash loop", "image", "cuda", "stock", "smoke job"],
)
@both_adapters
def test_a_release_that_does_not_serve_is_rolled_back_with_its_reason(
    stack: Stack, running: LocalRunPod, change: dict[str, Any], fault: dict[str, Any] | None, text: str
) -> None:
    """`up` fails; the endpoint has its former settings, in the service and in state, and the next up tries again."""
    deployed = stack(gated())
    first = deployed.up()
    assert not first.failed, first.text
    before = running.call(lambda p: p.store.get("endpoint", first.outputs["id"]).body)
    if fault:
        running.fault(**fault)
    failed = deployed.up(gated(**change))
    after = running.call(lambda p: p.store.get("endpoint", first.outputs["id"]).body)

    assert text in reason(failed)
    assert "Rolled back to the release before" in reason(failed)
    assert after == before
    assert "initErrors" not in deployed.resources()["web"]
    running.clear_faults()
    assert not deployed.preview(gated(), refresh=True, expect_no_changes=True).failed


@both_adapters_exhaustive
def test_a_roll_back_that_fails_leaves_the_truth_in_the_state(stack: Stack, running: LocalRunPod) -> None:
    """The engine records what is there, and the next up tries the gate again though nothing else has changed."""
    deployed = stack(gated())
    endpoint_id = deployed.up().outputs["id"]
    # The release itself goes through; the call that would take it back does not.
    running.fault("http.status", method="PATCH", status=400, after=1, times=None)
    failed = deployed.up(gated(mode="broken"))
    running.clear_faults()
    web = deployed.resources()["web"]
    mended = deployed.up(gated())

    assert failed.failed
    assert "the roll-back failed, too" in failed.text
    assert "tok-5e5e5e5e" not in failed.text + deployed.state_text()
    assert len(web["initErrors"]) == 2
    assert web["id"] == endpoint_id
    assert not mended.failed, mended.text
    assert "initErrors" not in deployed.resources()["web"]
