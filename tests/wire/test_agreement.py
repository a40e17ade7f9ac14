"""The request models and the published schemas judge the same bodies: a foreign validator of JSON schema is the judge.

`test_spec.py` compares what both say; this compares what both do, rules between fields included.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pulumi_runpod.wire.endpoint import CreateEndpoint, UpdateEndpoint
from pulumi_runpod.wire.model import JsonObject, Request
from pulumi_runpod.wire.network_volume import CreateNetworkVolume, UpdateNetworkVolume
from pulumi_runpod.wire.registry import CreateDelegation, CreateRegistry
from pulumi_runpod.wire.template import CreateTemplate, UpdateTemplate

CONTRACT = json.loads((Path(__file__).parents[1] / "conformance" / "runpod-v2.contract.json").read_text())
MODELS: dict[str, type[Request]] = {
    "CreateEndpointRequest": CreateEndpoint,
    "UpdateEndpointRequest": UpdateEndpoint,
    "CreateTemplateRequest": CreateTemplate,
    "UpdateTemplateRequest": UpdateTemplate,
    "CreateNetworkVolumeRequest": CreateNetworkVolume,
    "UpdateNetworkVolumeRequest": UpdateNetworkVolume,
    "CreateRegistryRequest": CreateRegistry,
    "CreateDelegationRequest": CreateDelegation,
}
JUDGES = {name: jsonschema_rs.validator_for({**CONTRACT, "$ref": f"#/components/schemas/{name}"}) for name in MODELS}

CONTAINER: JsonObject = {
    "image": "i",
    "args": "python a.py",
    "disk": 20,
    "env": {"A": "b"},
    "ports": ["80/http"],
    "registry": None,
}
GPU: JsonObject = {
    "pools": ["ADA_24", "AMPERE_24"],
    "excludedTypes": ["NVIDIA L4"],
    "count": 1,
    "allowedCudaVersions": ["12.8"],
    "minCudaVersion": "12.4",
}
WORKERS: JsonObject = {"min": 0, "max": 3, "idleTimeout": 10}
QUEUE_DELAY: JsonObject = {"type": "QUEUE_DELAY", "queueDelay": 0.5}
REQUEST_COUNT: JsonObject = {"type": "REQUEST_COUNT", "requestCount": 1}
ENDPOINT: JsonObject = {
    **CONTAINER,
    "name": "e",
    "gpu": GPU,
    "cpu": [{"id": "cpu3c", "vcpuCount": 2}],
    "scaling": QUEUE_DELAY,
    "dataCenterIds": ["EU-RO-1"],
    "flashboot": "FLASHBOOT",
    "networkVolumes": ["v1"],
    "templateId": "t1",
    "timeout": 60000,
    "workers": WORKERS,
}
TEMPLATE: JsonObject = {
    **CONTAINER,
    "name": "t",
    "allowedCudaVersions": ["12.8"],
    "category": "CPU",
    "mounts": {"persistent": {"size": 10, "path": "/w"}},
    "public": False,
    "serverless": True,
    "startJupyter": False,
    "startSsh": False,
}
WHOLE: dict[str, list[JsonObject]] = {
    "CreateEndpointRequest": [
        {**ENDPOINT, "type": "QUEUE"},
        {**ENDPOINT, "type": "QUEUE", "scaling": REQUEST_COUNT},
        {**ENDPOINT, "type": "LOAD_BALANCER", "scaling": REQUEST_COUNT},
        {**ENDPOINT, "type": "LOAD_BALANCER"},
    ],
    "UpdateEndpointRequest": [ENDPOINT, {**ENDPOINT, "scaling": REQUEST_COUNT}],
    "CreateTemplateRequest": [TEMPLATE],
    "UpdateTemplateRequest": [TEMPLATE],
    "CreateNetworkVolumeRequest": [{"name": "v", "size": 10, "dataCenter": "EU-RO-1", "type": "STANDARD"}],
    "UpdateNetworkVolumeRequest": [{"name": "v", "size": 10}],
    "CreateRegistryRequest": [{"name": "r", "username": "u", "password": "p"}],
    "CreateDelegationRequest": [{"resource": "arn", "name": None}],
}
STRANGE: list[Any] = [
    None,
    True,
    0,
    1,
    9,
    10,
    2.0,
    0.4,
    10.5,
    3601,
    4097,
    -1,
    "",
    " ",
    "-x",
    "12",
    "12.8",
    "QUEUE",
    "REQUEST_COUNT",
    "OFF",
    [],
    [""],
    ["a", "a"],
    [1],
    {},
    {"a": "b"},
    {"a": 1},
    QUEUE_DELAY,
    REQUEST_COUNT,
    {**QUEUE_DELAY, "requestCount": 1},
    [{"id": "c", "vcpuCount": 2}, {"id": "c", "vcpuCount": 2.0}],
]


def places(body: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every value inside a body."""
    inner: list[tuple[str | int, ...]] = [path] if path else []
    items = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, value in items:
        inner += places(value, (*path, key))
    return inner


@st.composite
def bodies(draw: st.DrawFn, name: str) -> JsonObject:
    """A whole body in which fields are missing, replaced by something strange, or joined by one that is unknown."""
    body = copy.deepcopy(draw(st.sampled_from(WHOLE[name])))
    for _ in range(draw(st.integers(min_value=0, max_value=3))):
        here = places(body)
        if not here:
            break
        *parents, last = draw(st.sampled_from(here))
        holder: Any = body
        for part in parents:
            holder = holder[part]
        match draw(st.sampled_from(["drop", "drop", "replace", "add"])):
            case "drop":
                del holder[last]
            case "replace":
                holder[last] = copy.deepcopy(draw(st.sampled_from(STRANGE)))
            case _ if isinstance(holder, dict):
                holder["bogus"] = 1
    return body


def accepts(model: type[Request], body: JsonObject) -> bool:
    try:
        model.model_validate(body)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("name", MODELS)
def test_model_and_schema_judge_alike(name: str) -> None:
    """300 bodies per request, most of them slightly wrong: never does one accept what the other refuses."""

    @settings(max_examples=300, deadline=None)
    @given(bodies(name))
    def judged(body: JsonObject) -> None:
        assert accepts(MODELS[name], body) == JUDGES[name].is_valid(body), body

    judged()


@pytest.mark.parametrize("name", MODELS)
def test_both_accept_something(name: str) -> None:
    """The whole bodies are right but for one that is wrong on purpose: the judges are not simply refusing all."""
    assert any(accepts(MODELS[name], body) for body in WHOLE[name])
