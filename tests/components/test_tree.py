"""The resources that components declare, under Pulumi's mocks: what tests of other people's programs see.

Mocks stand in for the engine because being usable under them is the very promise.
"""

from __future__ import annotations

from typing import Any

import pulumi
import pytest
from pulumi.runtime.settings import SETTINGS

from pulumi_runpod.components import (
    SdxlService,
    SdxlServiceArgs,
    ServerlessService,
    ServerlessServiceArgs,
    WorkerImage,
    WorkerImageArgs,
)

DIGEST = "sha256:" + "a" * 64
URLS = {"run": "https://runpod.example.com/abc/run", "status": "https://runpod.example.com/abc/status/{job_id}"}


class Recorder(pulumi.runtime.Mocks):
    """Type and name of what was registered; answers as the service would."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, str]] = set()
        self.platforms: list[list[str]] = []

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.seen.add((args.typ.rpartition(":")[2], args.name))
        self.platforms += [args.inputs["platforms"]] if "platforms" in args.inputs else []
        outputs = {**args.inputs, "ref": f"registry.example.com/team/worker:dev@{DIGEST}", "request_urls": URLS}
        return f"{args.name}-id", outputs

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:
        return {}


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    monkeypatch.setenv("RUNPOD_OFFLINE_CATALOG", "1")
    recorder = Recorder()
    # Put back afterwards: Pulumi's settings are the process's, and other tests run programs of their own.
    monkeypatch.setattr(SETTINGS, "monitor", None)
    pulumi.runtime.set_mocks(recorder, project="shop", stack="dev", preview=False)
    return recorder


def settled(output: pulumi.Output[Any]) -> Any:
    """The value, once everything that it depends on is registered."""
    found: list[Any] = []

    @pulumi.runtime.test
    def wait() -> pulumi.Output[Any]:
        return output.apply(found.append)

    wait()
    return found[0]


def parents(*resources: pulumi.Resource) -> list[str]:
    """Names in the URN's chain of types show who is whose child."""
    return [settled(resource.urn).split("::")[2] for resource in resources]


def test_a_service_is_a_template_and_an_endpoint_below_it(registered: Recorder) -> None:
    """Named as the component; id and job URLs are outputs."""
    args = ServerlessServiceArgs(image="registry.example.com/team/worker:1", gpu_pools=["ADA_24"])
    made = ServerlessService("web", args)

    assert settled(made.endpoint_id) == "web-id"
    assert settled(made.request_urls) == URLS
    assert parents(made.template, made.endpoint) == [
        f"runpod:components:ServerlessService$pulumi-python:dynamic/runpod:{kind}" for kind in ("Template", "Endpoint")
    ]
    assert registered.seen >= {("ServerlessService", "web"), ("Template", "web"), ("Endpoint", "web")}


def test_a_service_with_a_gate_has_it_below_the_endpoint(registered: Recorder) -> None:
    """A separate resource, after the endpoint."""
    args = ServerlessServiceArgs(
        image="registry.example.com/team/worker:1", gpu_pools=["ADA_24"], rollout={"smoke_input": {"n": 1}}
    )
    made = ServerlessService("web", args)

    assert settled(made.endpoint_id) == "web-id"
    assert ("Rollout", "web-rollout") in registered.seen


def test_an_sdxl_service_has_a_volume_in_each_data_center(registered: Recorder) -> None:
    """Named after component and place."""
    args = SdxlServiceArgs(
        image="registry.example.com/team/worker:1", gpu_pools=["ADA_24"], data_centers=["EU-RO-1", "US-KS-2"]
    )
    made = SdxlService("sdxl", args)

    assert settled(made.endpoint_id) == "sdxl-id"
    assert [settled(volume) for volume in made.volume_ids] == ["sdxl-EU-RO-1-id", "sdxl-US-KS-2-id"]
    assert registered.seen >= {("SdxlService", "sdxl"), ("NetworkVolume", "sdxl-EU-RO-1"), ("Endpoint", "sdxl")}


def test_a_worker_image_is_two_images_and_hands_on_a_digest(registered: Recorder) -> None:
    """The packages' image below the code's, for RunPod's machines; the credential where a password is given."""
    args = WorkerImageArgs(repository="registry.example.com/team/worker", username="team", password="s3cret")
    made = WorkerImage("worker", args)

    assert DIGEST in settled(made.ref)
    assert made.registry_credential is not None
    assert settled(made.registry_credential.id) == "worker-id"
    assert registered.platforms == [["linux/amd64"]] * 2
    assert registered.seen >= {
        ("WorkerImage", "worker"),
        ("Image", "worker"),
        ("Image", "worker-dependencies"),
        ("RegistryCredential", "worker"),
    }
