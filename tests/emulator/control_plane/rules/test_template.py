"""Templates beyond the traps: mounts, deletion, the public catalog."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from pulumi_runpod.emulator.local import LocalRunPod


def test_mounts_can_be_set_and_not_cleared(api: httpx.Client, make: Any) -> None:
    """Left out and empty both keep them; `network` is refused."""
    mount = {"persistent": {"size": 10, "path": "/workspace"}}
    made = make.template(mounts=mount)
    path = f"/v2/templates/{made['id']}"

    assert made["mounts"] == mount
    assert api.patch(path, json={"mounts": {}, "name": "other"}).json()["mounts"] == mount
    assert api.patch(path, json={"mounts": {"network": {}}}).status_code == 422


@pytest.mark.parametrize(
    "changes",
    [
        {"mounts": {"persistent": {"size": 9, "path": "/x"}}},
        {"mounts": {"persistent": {"size": 10}}},
        {"category": "TPU"},
        {"public": "yes"},
        {"disk": 0},
        {"ports": "80/http"},
        {"env": {"A": None}},
        {"args": None},
        {"name": ""},
    ],
)
def test_a_template_that_breaks_the_schema_is_422(api: httpx.Client, changes: dict[str, Any]) -> None:
    """Ranges, words and types; null is allowed in place of a registry alone."""
    body = {"name": "t", "image": "registry.example.com/team/worker:1", **changes}

    assert api.post("/v2/templates", json=body).status_code == 422


def test_empty_values_clear(api: httpx.Client, make: Any) -> None:
    """args, env, ports, CUDA versions and registry can be emptied by an update."""
    registry = make.registry()["id"]
    made = make.template(cmd=["a"], env={"A": "1"}, ports=["80/http"], allowedCudaVersions=["12.8"], registry=registry)
    cleared = {"args": "", "env": {}, "ports": [], "allowedCudaVersions": [], "registry": None}
    body = api.patch(f"/v2/templates/{made['id']}", json=cleared).json()

    assert {name: body[name] for name in cleared} == cleared
    assert (body["cmd"], body["name"], body["startSsh"]) == ([], "worker", True)


def test_a_copied_template_stays_deletable_unless_it_binds(runpod: LocalRunPod, api: httpx.Client, make: Any) -> None:
    """Nothing settles whether an endpoint binds its template: a switch."""
    first, second = make.template()["id"], make.template()["id"]
    for template in (first, second):
        made = make.endpoint(templateId=template, image=None)

    assert api.delete(f"/v2/templates/{first}").status_code == 204
    runpod.turn(template_delete="binds")
    assert api.delete(f"/v2/templates/{second}").status_code == 400
    api.delete(f"/v2/serverless/{made['id']}")
    assert api.delete(f"/v2/templates/{second}").status_code == 204
