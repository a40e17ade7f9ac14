"""The provider's process killed in the middle of a create: the engine lives on, fails, and forgets the create."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from pulumi_runpod.emulator.local import LocalRunPod
from tests.e2e.killable import TEMPLATE, VOLUME, Killable, arrived_all, objects

pytestmark = pytest.mark.engine

CHILD = """
class Team(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("team:Team", name)
        Template("inner", image="registry.example.com/team/worker:1", opts=pulumi.ResourceOptions(parent=self))
Team("team")
"""


def lose_provider(killable: Killable, local_runpod: LocalRunPod, **creates: int) -> None:
    """The objects are made, the answers lost; then the provider is killed while it looks for what it may have made."""
    for kind, times in creates.items():
        path = f"/v2/{kind.replace('_', '-')}"
        local_runpod.fault("http.cut_after", method="POST", path=path, times=times)
        local_runpod.fault("http.delay", method="GET", path=path, times=times, delay=60.0)
    assert killable.lose_provider_during(lambda: arrived_all(local_runpod)) != 0
    local_runpod.advance(60.0)
    assert killable.pending() == []


def test_what_a_killed_provider_has_made_is_recovered(
    killable: Killable, local_runpod: LocalRunPod, resource_calls: Callable[[], list[str]]
) -> None:
    """The state knows nothing of it: its name tells stack and time, a preview which declarations lack their objects."""
    killable.program(VOLUME.format("") + TEMPLATE + CHILD)
    lose_provider(killable, local_runpod, network_volumes=1, templates=2)
    [volume], lost = objects(local_runpod, "network volume"), objects(local_runpod, "template")
    recovered = killable.run("pulumi-runpod", "recover", "--stack", "dev", "--json")
    up = killable.up()
    local_runpod.forget_calls()
    again = killable.up("--expect-no-changes")
    nothing = killable.run("pulumi-runpod", "recover", "--stack", "dev")
    unchanged = resource_calls()
    refreshed = killable.run("pulumi", "preview", "--refresh", "--expect-no-changes", "--non-interactive")
    told = json.loads(recovered.stdout)

    assert {entry["id"]: entry["verdict"] for entry in told} == dict.fromkeys([volume, *lost], "recovered")
    assert up.returncode == 0, up.stdout + up.stderr
    assert again.returncode == 0, again.stdout + again.stderr
    assert (nothing.returncode, nothing.stdout) == (0, "stack dev: nothing was interrupted\n")
    assert unchanged == []
    assert refreshed.returncode == 0, refreshed.stdout + refreshed.stderr
    assert objects(local_runpod, "network volume") == [volume]
    assert objects(local_runpod, "template") == lost
    assert "tok-77aa" not in (killable.directory.parent / "backend/.pulumi/stacks/killed/dev.json").read_text()
    assert killable.run("pulumi", "destroy", "--yes", "--skip-preview").returncode == 0
    assert objects(local_runpod, "network volume") + objects(local_runpod, "template") == []


def test_what_is_less_certain_is_named_and_a_person_decides(killable: Killable, local_runpod: LocalRunPod) -> None:
    """What no declaration lacks, `orphans` deletes; under a chosen name `--take` gives it to its declaration.

    An id that nothing wants changes nothing.
    """
    killable.program(VOLUME.format(", name='chosen'") + TEMPLATE)
    lose_provider(killable, local_runpod, network_volumes=1, templates=1)
    [volume], [template] = objects(local_runpod, "network volume"), objects(local_runpod, "template")
    killable.program(VOLUME.format(", name='chosen'"))
    named = killable.run("pulumi-runpod", "recover", "--stack", "dev")
    wrong = killable.run("pulumi-runpod", "recover", "--stack", "dev", "--take", "weights=vol_none")
    taken = killable.run("pulumi-runpod", "recover", "--stack", "dev", "--take", f"weights={volume}")
    again = killable.up("--expect-no-changes")
    deleted = killable.run("pulumi-runpod", "orphans", "--stack", "dev", "--delete", "--yes")

    assert named.returncode == 0, named.stderr
    assert f"template {template}, made by an update that failed" in named.stdout
    assert "pulumi-runpod orphans --stack dev --delete" in named.stdout
    assert wrong.returncode == 1
    assert "no resource of that name would be made by the next `pulumi up` where vol_none is" in wrong.stderr
    assert "Traceback" not in wrong.stderr
    assert taken.returncode == 0, taken.stderr
    assert again.returncode == 0, again.stdout + again.stderr
    assert deleted.returncode == 0, deleted.stderr
    assert objects(local_runpod, "network volume") == [volume]
    assert objects(local_runpod, "template") == []
