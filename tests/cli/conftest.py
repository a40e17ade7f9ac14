"""A deployed endpoint: a real stack of the real engine's state, on a local RunPod with real worker processes.

The stack's state is imported, not deployed: the commands read outputs and configuration, whatever made them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pulumi_runpod.cli.project import pulumi_command, pulumi_environment
from pulumi_runpod.client import RunPodClient, close_clients
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire import ENDPOINTS
from pulumi_runpod.wire.endpoint import CreateEndpoint

IMAGE = "registry.example.com/team/echo:1"
WORKER = f"{sys.executable} {Path(__file__).parents[1] / 'client' / 'tiny_worker.py'}"


@dataclass(frozen=True)
class Deployed:
    endpoint_id: str
    project: Path
    runpod: LocalRunPod


@pytest.fixture(scope="module")
def module_runpod() -> Iterator[LocalRunPod]:
    with LocalRunPod(workers={IMAGE: WORKER}) as running:
        yield running
    close_clients()


@pytest.fixture(scope="module")
def deployed(module_runpod: LocalRunPod, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    """Stack `dev` with an endpoint that answers what the input asks for; stack `empty` without outputs; stack `halfway`
    without them as well, as an update leaves it whose release was not healthy: the endpoint is in the state; stack
    `impatient`, which says how long callers are to wait.
    """
    project = tmp_path_factory.mktemp("project")
    body = CreateEndpoint.model_validate(
        {
            "name": "echo",
            "type": "QUEUE",
            "image": IMAGE,
            "gpu": {"pools": ["ADA_24"]},
            "scaling": {"type": "REQUEST_COUNT", "requestCount": 1},
            "workers": {"min": 1, "max": 1},
            "timeout": 60_000,
            "env": {"TOKEN": "hf_s3cretvalue"},
        }
    )
    with RunPodClient(Settings.load({}, module_runpod.environment)) as client:
        endpoint_id = str(client.create(ENDPOINTS, body).model_dump()["id"])
    (project / "Pulumi.yaml").write_text("name: proj\nruntime: python\nbackend:\n  url: file://.\n")
    for stack in ("dev", "empty", "halfway", "impatient"):
        pulumi(project, "stack", "init", stack)
        pulumi(project, "config", "set", "runpod:apiBaseUrl", module_runpod.api, "--stack", stack)
        pulumi(project, "config", "set", "--secret", "runpod:apiKey", module_runpod.api_key, "--stack", stack)
    import_state(project, "dev", [{**entry("dev", "pulumi:pulumi:Stack"), "outputs": {"endpoint_id": endpoint_id}}])
    outputs = {"endpoint_id": endpoint_id, "endpoint_timeout_seconds": 0.4}
    import_state(project, "impatient", [{**entry("impatient", "pulumi:pulumi:Stack"), "outputs": outputs}])
    provider = {**entry("halfway", "pulumi:providers:pulumi-python"), "custom": True, "id": "1"}
    endpoint = {**entry("halfway", "pulumi-python:dynamic/runpod:Endpoint"), "custom": True, "id": endpoint_id}
    endpoint["provider"] = f"{provider['urn']}::1"
    import_state(project, "halfway", [entry("halfway", "pulumi:pulumi:Stack"), provider, endpoint])
    return Deployed(endpoint_id, project, module_runpod)


def entry(stack: str, kind: str) -> dict[str, object]:
    """A resource as states have it."""
    return {"urn": f"urn:pulumi:{stack}::proj::{kind}::it", "type": kind, "custom": False}


def import_state(project: Path, stack: str, resources: list[dict[str, object]]) -> None:
    state = json.loads(pulumi(project, "stack", "export", "--stack", stack))
    state["deployment"]["resources"] = resources
    (project / "state.json").write_text(json.dumps(state))
    pulumi(project, "stack", "import", "--stack", stack, "--file", "state.json")


@pytest.fixture
def at_project(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> Deployed:
    """The working directory of a person: somewhere inside the project."""
    inside = deployed.project / "deep" / "inside"
    inside.mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(inside)
    monkeypatch.delenv("RUNPOD_API_KEY", raising=False)
    monkeypatch.delenv("RUNPOD_API_BASE_URL", raising=False)
    return deployed


def pulumi(project: Path, *arguments: str) -> str:
    done = subprocess.run(
        [pulumi_command(), *arguments, "--non-interactive"],
        cwd=project,
        env=pulumi_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
