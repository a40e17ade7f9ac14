"""The stacks of this project on the real engine and a local RunPod: platform, dev, staging, prod."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pulumi_runpod.client import RunPodClient
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.wire import ENDPOINTS
from stacks.program import program
from tests.e2e.conftest import Outcome, RealStack

pytestmark = pytest.mark.engine
PROJECT = "runpod-sdxl"
IMAGES = [f"registry.example.com/team/sdxl-worker@sha256:{digit * 64}" for digit in "ab"]


@pytest.fixture
def stack(deploy: Callable[..., RealStack]) -> Callable[..., RealStack]:
    """`stack("prod", image=...)`: a stack of the project with these settings."""

    def make(name: str, **settings: str) -> RealStack:
        made = deploy(program, name=name, project=PROJECT)
        for key, value in settings.items():
            made.config(f"{PROJECT}:{key}", value)
        return made

    return make


def deployed(outcome: Outcome) -> dict[str, object]:
    assert not outcome.failed, outcome.text
    return outcome.outputs


def reason(outcome: Outcome) -> str:
    """The one reason for which a program failed, without a traceback of ours."""
    assert outcome.failed
    assert "Traceback" not in "".join(outcome.errors), outcome.errors
    (result,) = {line for line in outcome.errors if "unhandled" not in line}
    return result


def test_services_share_the_volumes_of_the_platform(
    stack: Callable[..., RealStack], outsider: RunPodClient, local_runpod: LocalRunPod
) -> None:
    """The platform has a protected volume in each data center; a service in both takes them, and has none."""
    centers = "EU-RO-1,US-KS-2"
    platform = stack("platform", dataCenters=centers)
    volumes = deployed(platform.up())["volumes"]
    local_runpod.forget_calls()
    dev = stack("dev", image=IMAGES[0], platformStack="platform", dataCenters=centers)
    endpoint_id = str(deployed(dev.up())["endpoint_id"])

    assert isinstance(volumes, dict)
    assert centers.split(",") == list(volumes)
    assert sorted(volumes.values()) == sorted(outsider.get(ENDPOINTS, endpoint_id).network_volumes)  # type: ignore[attr-defined]
    assert not local_runpod.calls("POST", "/v2/network-volumes")
    assert all(r["protect"] for r in platform.resources().values())


def test_a_service_in_several_data_centers_has_a_volume_with_weights_in_each(
    stack: Callable[..., RealStack], local_runpod: LocalRunPod, tmp_path: Path
) -> None:
    """One endpoint over two data centers; a volume pins workers to its own, so that the weights lie on each."""
    (tmp_path / "unet.safetensors").write_bytes(b"weights")
    dev = stack("dev", image=IMAGES[0], dataCenters="EU-RO-1,US-KS-2", weightsFrom=str(tmp_path))
    volumes = deployed(dev.up())["volume_ids"]
    uploads = [call.path for call in local_runpod.calls("PUT", "/s3/*/unet.safetensors")]

    assert isinstance(volumes, list)
    assert len(local_runpod.calls("POST", "/v2/network-volumes")) == 2
    assert len(local_runpod.calls("POST", "/v2/serverless")) == 1
    assert sorted(uploads) == [
        f"/s3/{center}/{volume}/models/sdxl-base/unet.safetensors"
        for center, volume in zip(("EU-RO-1", "US-KS-2"), volumes, strict=True)
    ]


def test_wrong_settings_never_reach_the_api(stack: Callable[..., RealStack], local_runpod: LocalRunPod) -> None:
    """Wrong values, an unknown key and a contradiction in one update: all are reported, and nobody is called."""
    wrong = {"workersMin": "many", "guard": "high", "workerMax": "3", "executionTimeoutSeconds": "300"}
    failed = stack("dev", image=IMAGES[0], **wrong).up()
    # An exit is another error to the Automation API; `pulumi up` says nothing of it.
    items = [error for error in failed.errors if "inline source runtime error" not in error]

    assert failed.failed
    assert sorted(line.split()[0] for line in items) == sorted(wrong)
    assert all("pulumi config set" in line for line in items)
    assert local_runpod.calls() == []


def test_prod_runs_the_very_digest_that_staging_runs(stack: Callable[..., RealStack]) -> None:
    """Without its own image, prod follows staging, digest by digest, and keeps its endpoint."""
    staging = stack("staging", image=IMAGES[0], healthGate="off")
    prod = stack("prod", healthGate="off")
    deployed(staging.up())
    first = deployed(prod.up())
    staging.config(f"{PROJECT}:image", IMAGES[1])
    deployed(staging.up())
    second = deployed(prod.up())

    assert [first["image"], second["image"]] == IMAGES
    assert first["endpoint_id"] == second["endpoint_id"]


def test_prod_refuses_an_image_that_staging_does_not_run(
    stack: Callable[..., RealStack], local_runpod: LocalRunPod
) -> None:
    """Another image is refused with both ways out, and deployed when the settings allow it."""
    deployed(stack("staging", image=IMAGES[0], healthGate="off").up())
    prod = stack("prod", image=IMAGES[1], healthGate="off")
    local_runpod.forget_calls()
    text = reason(prod.up())

    assert "pulumi config rm image" in text
    assert "allowUnpromotedImage" in text
    assert not local_runpod.calls("POST", "/v2/serverless")
    prod.config(f"{PROJECT}:allowUnpromotedImage", "true")
    assert deployed(prod.up())["image"] == IMAGES[1]


def test_only_a_digest_is_promoted(stack: Callable[..., RealStack]) -> None:
    """A tag in staging may be another image by the time prod deploys it."""
    deployed(stack("staging", image="registry.example.com/team/sdxl-worker:v1", healthGate="off").up())

    assert "names no digest" in reason(stack("prod").preview())


def test_a_stack_that_is_not_deployed_yet_is_named(stack: Callable[..., RealStack]) -> None:
    """Nothing to promote, no volumes to share: the message says which stack to deploy first."""
    stack("staging", image=IMAGES[0])
    stack("platform")

    assert "STACK=staging make up" in reason(stack("prod").preview())
    assert "STACK=platform make up" in reason(stack("dev", image=IMAGES[0], platformStack="platform").preview())
