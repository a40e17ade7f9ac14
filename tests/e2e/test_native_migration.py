"""`pulumi-runpod native migrate` with the real engine: a whole stack goes over and back, and RunPod notices nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.native.install import install
from tests.e2e.killable import Killable

pytestmark = pytest.mark.engine
PROGRAM = """
import pulumi
from tests.e2e.every_kind import every_kind

every_kind(env={"A": "plain", "TOKEN": pulumi.Output.secret("tok-4711")})
"""


def test_a_stack_goes_over_and_back_without_touching_runpod(killable: Killable, local_runpod: LocalRunPod) -> None:
    """Neither provider finds anything to do with what the other one has made; secrets stay encrypted throughout."""
    install(Path(killable.environ["PULUMI_HOME"]))
    killable.environ["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
    killable.program(PROGRAM)
    assert killable.run("pulumi", "config", "set", "--secret", "runpod:apiKey", local_runpod.api_key).returncode == 0
    first = killable.up()
    assert first.returncode == 0, first.stdout + first.stderr
    ids = sorted(killable.ids_in_state())
    local_runpod.forget_calls()

    refused = killable.run("pulumi-runpod", "native", "migrate", "--stack", "dev")
    over = killable.run("pulumi-runpod", "native", "migrate", "--stack", "dev", "--yes", "--json")
    native_up = killable.up("--expect-no-changes")
    types = {r["type"] for r in killable.state()["resources"]}
    config = json.loads(killable.run("pulumi", "config", "--json").stdout)
    calls = local_runpod.calls()
    refreshed = killable.run("pulumi", "preview", "--refresh", "--expect-no-changes", "--non-interactive")
    back = killable.run("pulumi-runpod", "native", "migrate", "--stack", "dev", "--back", "--yes")
    dynamic_up = killable.up("--expect-no-changes")
    again = killable.run("pulumi", "preview", "--refresh", "--expect-no-changes", "--non-interactive")

    assert "nothing was changed" in refused.stderr or "Aborted" in refused.stderr
    assert over.returncode == 0, over.stderr
    assert len(json.loads(over.stdout)) == len(ids) == 6
    assert native_up.returncode == 0, native_up.stdout + native_up.stderr
    assert not [token for token in types if "pulumi-python" in token]
    assert config["runpod-serverless:apiKey"]["secret"] is True
    assert calls == []
    assert refreshed.returncode == 0, refreshed.stdout + refreshed.stderr
    assert back.returncode == 0, back.stderr
    assert dynamic_up.returncode == 0, dynamic_up.stdout + dynamic_up.stderr
    assert again.returncode == 0, again.stdout + again.stderr
    assert sorted(killable.ids_in_state()) == ids
    assert [call.method for call in local_runpod.calls() if call.method != "GET"] == []
    [kept, _] = sorted(killable.directory.glob("state-of-dev-*.json"))
    assert "tok-4711" not in kept.read_text()
    undone = killable.run("pulumi", "stack", "import", "--file", str(kept))
    assert undone.returncode == 0, undone.stderr


def terraform(kind: str, *ids: str) -> dict[str, Any]:
    """A block of a Terraform state."""
    instances = [{"index_key": i, "attributes": {"id": one}} for i, one in enumerate(ids)]
    return {"mode": "managed", "type": kind, "name": "x", "instances": instances}


def test_a_whole_account_is_adopted_and_the_up_after_it_finds_nothing_to_do(
    killable: Killable, local_runpod: LocalRunPod
) -> None:
    """Objects of every kind that another project has made, with environments and references."""
    install(Path(killable.environ["PULUMI_HOME"]))
    killable.environ["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
    killable.program(PROGRAM)
    assert killable.up().returncode == 0
    ids = sorted(killable.ids_in_state())
    assert killable.run("pulumi", "stack", "init", "other").returncode == 0
    local_runpod.forget_calls()

    adopted = killable.run("pulumi-runpod", "adopt", "--account", "--stack", "other")
    again = killable.run("pulumi-runpod", "adopt", "--account", "--stack", "other")
    state = {"version": 4, "resources": [terraform("runpod_endpoint", *ids), terraform("runpod_pod", "pod1")]}
    (killable.directory / "terraform.tfstate").write_text(json.dumps(state))
    terraformed = killable.run(
        "pulumi-runpod", "adopt", "--from-state", "terraform.tfstate", "--stack", "other", "--force"
    )
    (killable.directory / "adopted.py").unlink()
    assert killable.run("pulumi-runpod", "adopt", "--account", "--stack", "other", "--force").returncode == 0
    killable.program("import adopted\nadopted.declare()\n")
    how = ("--file", "adopted.json", "--generate-code=false", "--yes", "--protect=false", "--non-interactive")
    imported = killable.run("pulumi", "import", "--stack", "other", *how)
    up = killable.up("--stack", "other", "--expect-no-changes")
    text = (killable.directory / "adopted.py").read_text()

    assert adopted.returncode == 0, adopted.stderr
    assert len(adopted.stdout.splitlines()) == len(ids)
    assert "exist already" in again.stderr
    assert [line.split()[0] for line in terraformed.stdout.splitlines()] == ["Endpoint"]
    assert "runpod_pod" in terraformed.stderr
    assert terraformed.stderr.count("the account has no such object") == len(ids) - 1
    assert imported.returncode == 0, imported.stdout + imported.stderr
    assert up.returncode == 0, up.stdout + up.stderr
    assert "tok-4711" not in text
    assert "registry=registry_" in text
    assert [call.method for call in local_runpod.calls() if call.method != "GET"] == []
