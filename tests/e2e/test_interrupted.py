"""`pulumi up` killed in the middle of a create: `recover`, then `up`, and there is one object per declaration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pulumi_runpod.client import RunPodClient
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.native.install import install
from pulumi_runpod.resources.schema_names import from_schema
from tests.e2e.both_adapters import both_adapters_exhaustive
from tests.e2e.conftest import is_ours
from tests.e2e.killable import TEMPLATE, VOLUME, Killable, arrived, made, objects

pytestmark = pytest.mark.engine


@pytest.mark.parametrize(
    ("adapter", "program", "kind"),
    [
        ("dynamic", VOLUME.format(""), "network volume"),
        pytest.param("dynamic", TEMPLATE, "template", marks=pytest.mark.exhaustive),
        ("native", TEMPLATE, "template"),
    ],
    indirect=["adapter"],
)
def test_an_object_made_by_a_killed_up_is_recovered(
    adapter: str,
    killable: Killable,
    local_runpod: LocalRunPod,
    outsider: RunPodClient,
    tmp_path: Path,
    program: str,
    kind: str,
) -> None:
    """The state in the backend is all that is needed: the machine of the killed `up` may be gone."""
    killable.program(program)
    local_runpod.fault("http.delay", method="POST", path="/v2/*", delay=1.0)
    killable.kill_during(arrived(local_runpod))
    assert len(killable.pending()) == 1
    killable.move(tmp_path)
    if adapter == "native":
        install(Path(killable.environ["PULUMI_HOME"]))

    locked = killable.up()
    recovered = killable.run("pulumi-runpod", "recover", "--stack", "dev", "--unlock", "--json")
    [recorded] = [r for r in killable.state()["resources"] if is_ours(r["type"])]
    again = killable.up("--expect-no-changes")
    refreshed = killable.run("pulumi", "preview", "--refresh", "--expect-no-changes", "--non-interactive")
    output = json.loads(recovered.stdout)

    assert locked.returncode != 0
    assert [entry["verdict"] for entry in output] == ["recovered"], recovered.stderr
    # With it, a foreign key is noticed from the first refresh on.
    assert from_schema(recorded["outputs"])["key_digest"] == outsider.key_digest
    assert again.returncode == 0, again.stdout + again.stderr
    assert refreshed.returncode == 0, refreshed.stdout + refreshed.stderr
    assert objects(local_runpod, kind) == [output[0]["id"]]
    assert killable.pending() == []
    assert "tok-77aa" not in (tmp_path / "backend/.pulumi/stacks/killed/dev.json").read_text()
    assert killable.run("pulumi", "destroy", "--yes", "--skip-preview").returncode == 0
    assert objects(local_runpod, kind) == []


def test_an_up_killed_before_anything_was_made_starts_anew(killable: Killable, local_runpod: LocalRunPod) -> None:
    """`recover` looks for a while; the entry goes once an object in the state proves the account."""
    killable.program(VOLUME.format(""))
    local_runpod.fault("http.delay", method="POST", path="/v2/*", delay=1.0)
    killable.kill_during(arrived(local_runpod), and_provider=True)
    recovered = killable.run("pulumi-runpod", "recover", "--stack", "dev", "--unlock")
    again = killable.up()
    pending = killable.pending()
    settled = killable.run("pulumi-runpod", "recover", "--stack", "dev")

    assert "nothing of it is in this account" in recovered.stdout, recovered.stderr
    assert again.returncode == 0, again.stdout + again.stderr
    assert len(pending) == 1, "an empty state proves no account"
    assert "nothing was made" in settled.stdout, settled.stderr
    assert killable.pending() == []
    assert len(objects(local_runpod, "network volume")) == 1


def test_a_killed_replacement_leaves_the_old_object_in_its_place(killable: Killable, local_runpod: LocalRunPod) -> None:
    """`--target-replace`: the object in the state stays, and the new one is an orphan, reported with its id."""
    killable.program(TEMPLATE)
    assert killable.up().returncode == 0
    [old] = objects(local_runpod, "template")
    urn = next(r["urn"] for r in killable.state()["resources"] if "dynamic/runpod" in r["type"])
    local_runpod.fault("http.delay", method="POST", path="/v2/*", delay=1.0)
    killable.kill_during(arrived(local_runpod), "--target-replace", urn)
    recovered = killable.run("pulumi-runpod", "recover", "--stack", "dev", "--unlock", "--json")
    again = killable.up("--expect-no-changes")
    [new] = set(objects(local_runpod, "template")) - {old}

    assert [(row["verdict"], row["id"]) for row in json.loads(recovered.stdout)] == [("orphan", new)], recovered.stderr
    assert again.returncode == 0, again.stdout + again.stderr
    assert killable.ids_in_state() == [old]


def test_under_a_chosen_name_a_person_decides(killable: Killable, local_runpod: LocalRunPod) -> None:
    """The command says what is there and changes nothing; `--take` and `--forget` are the two answers."""
    killable.program(VOLUME.format(", name='chosen'"))
    local_runpod.fault("http.delay", method="POST", path="/v2/*", delay=1.0)
    killable.kill_during(arrived(local_runpod))
    asked = killable.run("pulumi-runpod", "recover", "--stack", "dev", "--unlock")
    [volume] = objects(local_runpod, "network volume")
    taken = killable.run("pulumi-runpod", "recover", "--stack", "dev", "--take", f"weights={volume}")
    again = killable.up("--expect-no-changes")

    assert asked.returncode == 1
    assert volume in asked.stdout
    assert "--take RESOURCE=ID" in asked.stderr
    assert taken.returncode == 0, taken.stderr
    assert again.returncode == 0, again.stdout + again.stderr
    assert objects(local_runpod, "network volume") == [volume]


@both_adapters_exhaustive
def test_orphans_are_what_no_stack_knows(killable: Killable, local_runpod: LocalRunPod) -> None:
    """An `up` after a kill makes a second object; the first is found by the project's marker, and deleted on request.

    What another project or a person made is none of it, nor is a volume deleted without being named.
    """
    killable.program(VOLUME.format("") + TEMPLATE)
    local_runpod.fault("http.delay", method="POST", path="/v2/*", delay=1.0, times=2)
    killable.kill_during(lambda: sum(int(str(f["taken"])) for f in local_runpod.call(lambda p: p.faults.list())) == 2)
    made(local_runpod, "template")
    made(local_runpod, "network volume")
    assert killable.run("pulumi", "cancel", "--yes").returncode == 0
    hidden = killable.run("pulumi-runpod", "orphans", "--stack", "dev", "--json")
    forgotten = killable.run("pulumi-runpod", "recover", "--stack", "dev", "--forget", "weights", "--forget", "worker")
    assert forgotten.returncode == 0, forgotten.stderr
    assert killable.up().returncode == 0
    listed = json.loads(killable.run("pulumi-runpod", "orphans", "--stack", "dev", "--json").stdout)
    deleted = killable.run("pulumi-runpod", "orphans", "--stack", "dev", "--delete", "--yes")
    left = json.loads(killable.run("pulumi-runpod", "orphans", "--stack", "dev", "--json").stdout)
    all_gone = killable.run("pulumi-runpod", "orphans", "--stack", "dev", "--delete", "--volumes", "--yes")

    assert json.loads(hidden.stdout) == [], "what `recover` can still bring back is no orphan"
    assert sorted(entry["kind"] for entry in listed) == ["network volume", "template"]
    assert deleted.returncode == 0, deleted.stderr
    assert [entry["kind"] for entry in left] == ["network volume"]
    assert all_gone.returncode == 0, all_gone.stderr
    assert (len(objects(local_runpod, "template")), len(objects(local_runpod, "network volume"))) == (1, 1)
    assert killable.up("--expect-no-changes").returncode == 0
