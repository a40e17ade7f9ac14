"""Stack prod tries each release before it stays: the program of this project, real engine, real worker processes."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pulumi_runpod.components import SDXL_SMOKE_INPUT
from pulumi_runpod.emulator.local import LocalRunPod
from stacks.program import program
from tests.e2e.conftest import Engine, Outcome, RealStack

pytestmark = pytest.mark.engine
PROJECT = "runpod-sdxl"
WORKER = Path(__file__).with_name("gate_worker.py")
GOOD, REFUSES, BROKEN = (f"registry.example.com/team/sdxl-worker@sha256:{digit * 64}" for digit in "abc")


@dataclass(frozen=True)
class Account:
    """A RunPod on which three versions of the worker's image can run, two of them bad."""

    runpod: LocalRunPod
    notes: Path

    def jobs_taken(self) -> list[Any]:
        """`[version, input]` of every job that a worker process took, in their order."""
        lines = self.notes.read_text().splitlines() if self.notes.exists() else []
        return [[result["mode"] or "good", result["input"]] for result in map(json.loads, lines)]

    def image_of(self, endpoint_id: str) -> str:
        """What RunPod itself says that the endpoint runs."""
        return str(self.runpod.call(lambda p: p.store.get("endpoint", endpoint_id).body["image"]))


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    notes = tmp_path / "jobs"

    def version(mode: str) -> str:
        return shlex.join(["env", f"MODE={mode}", f"JOBS_SEEN={notes}", sys.executable, str(WORKER)])

    workers = {GOOD: version(""), REFUSES: version("refuses"), BROKEN: version("broken")}
    with LocalRunPod(workers=workers) as local:
        yield Account(local, notes)


@pytest.fixture
def stack(engine: Engine, account: Account) -> Callable[..., RealStack]:
    """`stack("prod", image=...)`: a stack of the project with these settings."""

    def make(name: str, **settings: str) -> RealStack:
        made = engine.stack(program, account.runpod.environment, name=name, project=PROJECT)
        for key, value in settings.items():
            made.config(f"{PROJECT}:{key}", value)
        return made

    return make


def deployed(outcome: Outcome) -> dict[str, Any]:
    assert not outcome.failed, outcome.text
    return outcome.outputs


def reason(outcome: Outcome) -> str:
    """The one line that says why."""
    assert outcome.failed
    assert "Traceback" not in outcome.text, outcome.text
    [result] = [error for error in outcome.errors if "release is not healthy" in error]
    return result


def test_prod_takes_back_a_promoted_image_that_fails_the_smoke_job(
    stack: Callable[..., RealStack], account: Account
) -> None:
    """Without a setting, each release of prod does a small SDXL job; one that fails it is taken back, with the reason.

    Staging waits for nothing here, so that the image gets there.
    """
    staging, prod = stack("staging", image=GOOD, healthGate="off"), stack("prod")
    deployed(staging.up())
    first = deployed(prod.up())
    tried_first = account.jobs_taken()
    staging.config(f"{PROJECT}:image", REFUSES)
    deployed(staging.up())
    failed = prod.up()
    image_after_failure, jobs = account.image_of(first["endpoint_id"]), account.jobs_taken()
    staging.config(f"{PROJECT}:image", GOOD)
    deployed(staging.up())
    mended = deployed(prod.up())

    assert tried_first == [["good", SDXL_SMOKE_INPUT]]
    assert "RuntimeError: no such model" in reason(failed)
    assert "Rolled back to the release before" in reason(failed)
    assert image_after_failure == GOOD
    assert [job for job in jobs if job[0] == "refuses"] == [["refuses", SDXL_SMOKE_INPUT]]
    assert mended["endpoint_id"] == first["endpoint_id"]
    assert mended["image"] == GOOD


def test_a_first_release_that_does_not_start_fails_the_up(stack: Callable[..., RealStack], account: Account) -> None:
    """Without one to go back to, the endpoint stays, known to the stack, and the next up mends it."""
    prod = stack("prod", image=BROKEN, allowUnpromotedImage="true")
    failed = prod.up()
    prod.config(f"{PROJECT}:image", GOOD)
    prod.config(f"{PROJECT}:smokeInput", '{"prompt": "a hare", "seed": 7}')
    mended = deployed(prod.up())

    assert "ends before it is ready, again and again" in reason(failed)
    assert "ImportError: no module named torch" in reason(failed)
    assert account.image_of(mended["endpoint_id"]) == GOOD
    assert ["good", {"prompt": "a hare", "seed": 7}] in account.jobs_taken()
    assert len(account.runpod.calls("POST", "/v2/serverless")) == 1


def test_a_lighter_gate_waits_for_a_worker_and_runs_no_job(stack: Callable[..., RealStack], account: Account) -> None:
    """`worker` needs one that is warm; the release of a broken image is taken back all the same."""
    staging = stack("staging", image=GOOD, workersMin="1", healthGate="worker", healthGateTimeoutSeconds="60")
    first = deployed(staging.up())
    evidence = staging.resources()["sdxl-rollout"]["outputs"]["evidence"]
    staging.config(f"{PROJECT}:image", BROKEN)
    failed = staging.up()

    assert evidence == "worker"
    assert "Rolled back to the release before" in reason(failed)
    assert account.image_of(first["endpoint_id"]) == GOOD
    assert account.jobs_taken() == []


def test_an_image_that_failed_in_staging_is_never_promoted(stack: Callable[..., RealStack], account: Account) -> None:
    """Staging does a smoke job by default, too. Prod has nothing to deploy until an image has done it there, and then
    deploys that one, whatever fails in staging afterwards.
    """
    staging, prod = stack("staging", image=REFUSES), stack("prod")
    first = staging.up()
    nothing_proven = prod.up()
    again = staging.up()
    still_nothing_proven = prod.up()
    staging.config(f"{PROJECT}:image", GOOD)
    proven = deployed(staging.up())
    staging.config(f"{PROJECT}:image", REFUSES)
    failed_later = staging.up()
    promoted = deployed(prod.up())

    assert all("RuntimeError: no such model" in reason(failed) for failed in (first, again, failed_later))
    for refused in (nothing_proven, still_nothing_proven):
        assert refused.failed
        assert "stack staging has no output image: deploy it first" in refused.text
    assert prod.resources().keys() >= {"sdxl"}
    assert promoted["image"] == proven["image"] == GOOD
    assert account.image_of(promoted["endpoint_id"]) == GOOD
