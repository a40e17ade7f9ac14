"""Chosen names on the real engine: a create whose answer was lost is never made a second time."""

from __future__ import annotations

import pytest

from pulumi_runpod.emulator.local import LocalRunPod
from tests.e2e.killable import VOLUME, Killable, objects

pytestmark = pytest.mark.engine


def test_a_lost_answer_leads_to_no_second_object(killable: Killable, local_runpod: LocalRunPod) -> None:
    """First `up`, a plain second one and `deploy` name the same command; with it, there is nothing left to do.

    A replacement under the same name goes through: its old object is the stack's.
    """
    program = VOLUME.format(", name='chosen'")
    killable.program(program)
    local_runpod.fault("http.cut_after", method="POST", path="/v2/network-volumes")
    first = killable.up()
    [volume] = objects(local_runpod, "network volume")
    second = killable.up()
    deployed = killable.run("pulumi-runpod", "deploy", "--stack", "dev")
    existing = objects(local_runpod, "network volume")
    command = f"pulumi-runpod recover --stack dev --take weights={volume}"
    taken = killable.run(*command.split())
    again = killable.up("--expect-no-changes")
    killable.program(
        program.replace("10", "20").replace("EU-RO-1", "EU-CZ-1").replace("name=", "allow_data_loss=True, name=")
    )
    replaced = killable.up()

    assert [done.returncode for done in (first, second, deployed)] != [0, 0, 0]
    for done in (first, second, deployed):
        assert done.returncode != 0
        assert f"`{command}`" in done.stdout + done.stderr
    assert existing == [volume]
    assert taken.returncode == 0, taken.stderr
    assert again.returncode == 0, again.stdout + again.stderr
    assert replaced.returncode == 0, replaced.stdout + replaced.stderr
    assert objects(local_runpod, "network volume") == killable.ids_in_state() != [volume]
