"""Creates that the engine forgets: their provider was killed, or could not tell what became of them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from pulumi_runpod.emulator.local import LocalRunPod
from tests.e2e.killable import TEMPLATE, VOLUME, Killable, arrived_all, objects

pytestmark = pytest.mark.engine

FURTHER = """
from pulumi_runpod import Endpoint, RegistryCredential
RegistryCredential("registry", username="robot", password="pw-4711")
class Team(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("team:Team", name)
        Endpoint(
            "inner", type="QUEUE", scaling={"type": "QUEUE_DELAY", "queue_delay": 4}, gpu={"pools": ["ADA_24"]},
            image="registry.example.com/team/worker:1", env={"TOKEN": pulumi.Output.secret("tok-99bb"), "MODE": "fast"},
            opts=pulumi.ResourceOptions(parent=self),
        )
Team("team")
"""
KINDS = ("network volume", "template", "endpoint", "registry credential")


def lose_provider(killable: Killable, local_runpod: LocalRunPod, *, chosen: str = "", **creates: int) -> None:
    """The objects are made, the answers lost; then the provider is killed while it looks for what it may have made.

    Of the kind `chosen`, names are chosen: its list is read once before the create, too.
    """
    for kind, times in creates.items():
        path = f"/v2/{kind.replace('_', '-')}"
        local_runpod.fault("http.cut_after", method="POST", path=path, times=times)
        local_runpod.fault("http.delay", method="GET", path=path, times=times, after=int(kind == chosen), delay=60.0)
    assert killable.lose_provider_during(lambda: arrived_all(local_runpod)) != 0
    local_runpod.advance(60.0)
    assert killable.pending() == []


def test_what_a_killed_provider_has_made_is_recovered(
    killable: Killable, local_runpod: LocalRunPod, resource_calls: Callable[[], list[str]]
) -> None:
    """The state knows nothing of it: its name tells stack and time, a preview which declarations lack their objects.

    A credential is replaced afterwards: nobody can tell whether its password is still that of the program.
    """
    killable.program(VOLUME.format("") + TEMPLATE + FURTHER)
    lose_provider(killable, local_runpod, network_volumes=1, templates=1, serverless=1, registries=1)
    lost = {kind: objects(local_runpod, kind) for kind in KINDS}
    recovered = killable.run("pulumi-runpod", "recover", "--stack", "dev", "--json")
    local_runpod.forget_calls()
    up = killable.up()
    posts = [call for call in resource_calls() if call.startswith("POST")]
    local_runpod.forget_calls()
    again = killable.up("--expect-no-changes")
    nothing = killable.run("pulumi-runpod", "recover", "--stack", "dev")
    unchanged = resource_calls()
    refreshed = killable.run("pulumi", "preview", "--refresh", "--expect-no-changes", "--non-interactive")
    output = json.loads(recovered.stdout)

    assert {entry["id"]: entry["verdict"] for entry in output} == {ids[0]: "recovered" for ids in lost.values()}
    assert up.returncode == 0, up.stdout + up.stderr
    assert posts == ["POST /v2/registries"]
    assert again.returncode == 0, again.stdout + again.stderr
    assert (nothing.returncode, nothing.stdout) == (0, "stack dev: nothing was interrupted\n")
    assert unchanged == []
    assert refreshed.returncode == 0, refreshed.stdout + refreshed.stderr
    left = {kind: objects(local_runpod, kind) for kind in KINDS}
    assert {kind: len(ids) for kind, ids in left.items()} == dict.fromkeys(KINDS, 1)
    assert [kind for kind in KINDS if left[kind] != lost[kind]] == ["registry credential"]
    state = (killable.directory.parent / "backend/.pulumi/stacks/killed/dev.json").read_text()
    assert not [secret for secret in ("tok-77aa", "tok-99bb", "pw-4711") if secret in state]
    assert killable.run("pulumi", "destroy", "--yes", "--skip-preview").returncode == 0
    assert [ids for kind in KINDS for ids in objects(local_runpod, kind)] == []


def test_a_replacement_that_was_lost_leaves_the_old_object_in_its_place(
    killable: Killable, local_runpod: LocalRunPod
) -> None:
    """The object in the state stays until the engine itself has replaced it; the lost one is an orphan."""
    killable.program(VOLUME.format(""))
    assert killable.up().returncode == 0
    [old] = objects(local_runpod, "network volume")
    killable.program(VOLUME.format(", allow_data_loss=True").replace("EU-RO-1", "EU-CZ-1"))
    lose_provider(killable, local_runpod, network_volumes=1)
    [new] = set(objects(local_runpod, "network volume")) - {old}
    recovered = json.loads(killable.run("pulumi-runpod", "recover", "--stack", "dev", "--json").stdout)
    held = killable.ids_in_state()
    up = killable.up()

    assert [(entry["id"], entry["verdict"]) for entry in recovered] == [(new, "orphan")]
    assert held == [old]
    assert up.returncode == 0, up.stdout + up.stderr
    assert old not in objects(local_runpod, "network volume")
    assert set(objects(local_runpod, "network volume")) == {new, *killable.ids_in_state()}


def test_what_a_create_of_unknown_outcome_has_made_is_recovered(killable: Killable, local_runpod: LocalRunPod) -> None:
    """Its answer was lost, and looking for the object failed, too: the error names the command that finds it.

    Here in the account of an explicit provider, where the stack has none.
    """
    key, url = (killable.environ.pop(name) for name in ("RUNPOD_API_KEY", "RUNPOD_API_BASE_URL"))
    killable.program(
        "import pulumi\nfrom pulumi_runpod import Provider\n"
        f"team = pulumi.ResourceOptions(provider=Provider('team', api_key='{key}', api_base_url='{url}'))\n"
        + VOLUME.format(", opts=team")
    )
    local_runpod.fault("http.cut_after", method="POST", path="/v2/network-volumes")
    local_runpod.fault("http.status", method="GET", path="/v2/network-volumes", status=403)
    failed = killable.up()
    [volume] = objects(local_runpod, "network volume")
    listed = json.loads(killable.run("pulumi-runpod", "orphans", "--stack", "dev", "--json").stdout)
    recovered = killable.run("pulumi-runpod", "recover", "--stack", "dev")
    again = killable.up("--expect-no-changes")

    assert failed.returncode != 0
    assert "may or may not have been created. `pulumi-runpod recover`" in failed.stdout
    assert [orphan["id"] for orphan in listed] == [volume]
    assert f"network volume {volume}, made by an update that failed: it is 'weights'" in recovered.stdout
    assert again.returncode == 0, again.stdout + again.stderr
    assert objects(local_runpod, "network volume") == [volume]


def test_what_is_less_certain_is_named_and_a_person_decides(killable: Killable, local_runpod: LocalRunPod) -> None:
    """What no declaration lacks, `orphans` deletes; under a chosen name `--take` gives it to its declaration.

    Both are named by `recover`, each with its command. An id that nothing wants changes nothing.
    """
    killable.program(VOLUME.format(", name='chosen'") + TEMPLATE)
    lose_provider(killable, local_runpod, chosen="network_volumes", network_volumes=1, templates=1)
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
    assert f"network volume {volume} is named as 'weights' will be" in named.stdout
    assert f"pulumi-runpod recover --stack dev --take weights={volume}`" in named.stdout
    assert wrong.returncode == 1
    assert "no resource of that name would be made by the next `pulumi up` where vol_none is" in wrong.stderr
    assert "Traceback" not in wrong.stderr
    assert taken.returncode == 0, taken.stderr
    assert again.returncode == 0, again.stdout + again.stderr
    assert deleted.returncode == 0, deleted.stderr
    assert objects(local_runpod, "network volume") == [volume]
    assert objects(local_runpod, "template") == []
