"""Registry credentials and delegations beyond the traps."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from pulumi_runpod.emulator.local import LocalRunPod


def test_a_registry_in_use_goes_by_default(runpod: LocalRunPod, api: httpx.Client, make: Any) -> None:
    """Endpoints are not named in the service's check: a switch."""
    first, second = make.registry()["id"], make.registry()["id"]
    make.endpoint(registry=first)
    user = make.endpoint(registry=second)

    assert api.delete(f"/v2/registries/{first}").status_code == 204
    runpod.turn(registry_delete="refuse")
    assert user["id"] in api.delete(f"/v2/registries/{second}").json()["detail"]


def test_credentials_are_in_no_answer(runpod: LocalRunPod, api: httpx.Client, make: Any) -> None:
    """Kept for pulls, shown to nobody, and not in a refusal of a bad body."""
    make.registry(password="hunter2")
    refused = api.post("/v2/registries", json={"name": "", "username": "someone", "password": "hunter2"})

    assert refused.status_code == 422
    assert "hunter2" not in refused.text + api.get("/v2/registries").text


@pytest.mark.parametrize("arn", ["", "nonsense", "arn:aws:s3:::bucket", "arn:aws:ecr:us-east-2:1:repository/x"])
def test_an_arn_of_no_repository_is_refused(api: httpx.Client, arn: str) -> None:
    """400 with the form that is wanted."""
    answer = api.post("/v2/registries/delegations", json={"resource": arn})

    assert answer.status_code == 400
    assert "arn:aws:ecr:REGION:ACCOUNT:repository/NAME" in answer.json()["detail"]


def test_a_delegation_is_revoked_once(api: httpx.Client, make: Any) -> None:
    """204, then 404; registries are another list."""
    made = make.made("registries/delegations", {"resource": "arn:aws:ecr:eu-west-1:123456789012:repository/a"})
    path = f"/v2/registries/delegations/{made['id']}"

    assert api.get("/v2/registries").json() == {"registries": []}
    assert [api.delete(path).status_code for _ in range(2)] == [204, 404]
