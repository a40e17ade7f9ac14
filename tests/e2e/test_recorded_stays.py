"""An object that a finished `up` has recorded stays, whatever was interrupted before it and is recovered after it."""

from __future__ import annotations

import pytest

from pulumi_runpod.emulator.local import LocalRunPod
from tests.e2e.killable import VOLUME, Killable, arrived, objects
from tests.waiting import eventually

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("command", ["recover", "deploy"])
def test_a_create_that_was_interrupted_before_never_displaces_it(
    killable: Killable, local_runpod: LocalRunPod, command: str
) -> None:
    """The pending create stays in the state while a plain `up` makes another volume, which is in use from then on.

    The first volume is the orphan, and is reported with its id. Both are protected.
    """
    killable.program("import pulumi\n" + VOLUME.format(", opts=pulumi.ResourceOptions(protect=True)"))
    local_runpod.fault("http.delay", method="POST", path="/v2/*", delay=600.0)
    killable.kill_during(arrived(local_runpod))
    assert killable.run("pulumi", "cancel", "--yes").returncode == 0
    second_up = killable.up()
    [in_use] = objects(local_runpod, "network volume")
    local_runpod.advance(600.0)
    first = eventually(lambda: next((v for v in objects(local_runpod, "network volume") if v != in_use), None))
    recovered = killable.run("pulumi-runpod", command, "--stack", "dev")
    again = killable.up("--expect-no-changes")

    assert second_up.returncode == 0, second_up.stdout + second_up.stderr
    assert recovered.returncode == 0, recovered.stderr
    assert f"{first} is an orphan" in recovered.stdout + recovered.stderr
    assert again.returncode == 0, again.stdout + again.stderr
    assert {first, in_use} == set(objects(local_runpod, "network volume"))
    assert killable.ids_in_state() == [in_use]
    assert killable.pending() == []
