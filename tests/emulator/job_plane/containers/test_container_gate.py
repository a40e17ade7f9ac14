"""What the health gate of a deployment says of containers: proof that one serves, or the reason why none does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from container_account import ContainerAccount
from image_registry import ImageRegistry
from pydantic import SecretStr

from pulumi_runpod.client.api import RunPodClient
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.resources.rollout_gate import Gate, RolloutPolicy, Unhealthy
from pulumi_runpod.settings import Settings
from tests.registry_server import LOGIN


@pytest.fixture
def api(runpod: LocalRunPod) -> Iterator[RunPodClient]:
    with RunPodClient(Settings(api_key=SecretStr(runpod.api_key), api_base_url=runpod.api)) as api:
        yield api


def test_a_container_that_does_a_job_is_proof(
    api: RunPodClient, account: ContainerAccount, registry: ImageRegistry, program: bytes
) -> None:
    """A smoke job that a container has done opens the gate."""
    endpoint = account.endpoint(registry.push(program))
    Gate().wait(api, endpoint["id"], RolloutPolicy(60, {"input": {}}))


def test_an_image_that_is_missing_is_the_reason(
    api: RunPodClient, account: ContainerAccount, registry: ImageRegistry
) -> None:
    """The gate names the image as the cause and has the engine's words for it."""
    endpoint = account.endpoint(f"{registry.address}/team/sdxl-worker@sha256:{'0' * 64}")
    with pytest.raises(Unhealthy, match="its image cannot be pulled") as failure:
        Gate().wait(api, endpoint["id"], RolloutPolicy(60, None))
    assert "not found" in str(failure.value)


def test_a_wrong_credential_is_the_reason(
    api: RunPodClient, account: ContainerAccount, private_registry: ImageRegistry, program: bytes
) -> None:
    """The gate says what to check, and not the password."""
    result = account.made("registries", {"name": "private", "username": LOGIN.username, "password": "wrong-password"})
    endpoint = account.endpoint(private_registry.push(program), registry=result["id"])
    with pytest.raises(Unhealthy, match="check the image's name and tag, and the registry credential") as failure:
        Gate().wait(api, endpoint["id"], RolloutPolicy(60, None))
    assert "wrong-password" not in str(failure.value)
