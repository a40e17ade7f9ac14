"""A state of dynamic resources becomes one of native ones, and back, without a difference."""

from __future__ import annotations

import copy
import json
from typing import Any

from pulumi_runpod.native.migration.state import native_config, stored_provider, to_dynamic, to_native

STACK = "urn:pulumi:dev::shop::"
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
DYNAMIC = "pulumi-python:dynamic/runpod:"
DEFAULT = f"{STACK}pulumi:providers:pulumi-python::default"
OTHER = f"{STACK}pulumi:providers:pulumi-python::other"


def resource(kind: str, name: str, *, parent: str = "", **more: Any) -> dict[str, Any]:
    chain = f"{parent}${DYNAMIC}{kind}" if parent else f"{DYNAMIC}{kind}"
    return {
        "urn": f"{STACK}{chain}::{name}",
        "custom": True,
        "type": f"{DYNAMIC}{kind}",
        "provider": f"{DEFAULT}::p-1",
        **more,
    }


def props(kind: str, **values: Any) -> dict[str, Any]:
    return {**values, "__provider": stored_provider(kind)}


def deployment() -> dict[str, Any]:
    """A component with an endpoint that has a gate, a volume of another account, and somebody else's resource."""
    service = "runpod:components:ServerlessService"
    volume = resource(
        "NetworkVolume",
        "dynamic/runpod:NetworkVolume",
        id="vol1",
        inputs=props("NetworkVolume", size=10, data_center="X"),
    )
    endpoint = resource(
        "Endpoint",
        "web",
        parent=service,
        id="ep1",
        inputs=props(
            "Endpoint",
            env={"MODEL_NAME": "a", "TOKEN": {**SECRET, "plaintext": '"t"'}},
            gpu={**SECRET, "plaintext": '{"pools": ["ADA_24"], "min_cuda_version": "12.8"}'},
            network_volumes=["vol1"],
        ),
        outputs=props("Endpoint", request_urls={"run_sync": "u"}, declared=["data_center_ids"], key_digest="k"),
        parent_urn=None,
        dependencies=[volume["urn"]],
        propertyDependencies={"network_volumes": [volume["urn"]], "__provider": None},
        additionalSecretOutputs=["env"],
        initErrors=["worker never became ready"],
    )
    del endpoint["parent_urn"]
    gate = resource(
        "Rollout",
        "web-rollout",
        parent=f"{service}${DYNAMIC}Endpoint",
        id="ep1/rollout",
        inputs=props("Rollout", endpoint_id="ep1", smoke_input={"a_b": 1}),
        dependencies=[endpoint["urn"]],
    )
    gate["parent"] = endpoint["urn"]
    volume["provider"] = f"{OTHER}::p-2"
    return {
        "resources": [
            {"urn": f"{STACK}pulumi:pulumi:Stack::shop-dev", "type": "pulumi:pulumi:Stack"},
            {"urn": DEFAULT, "custom": True, "id": "p-1", "type": "pulumi:providers:pulumi-python"},
            {
                "urn": OTHER,
                "custom": True,
                "id": "p-2",
                "type": "pulumi:providers:pulumi-python",
                "inputs": {"runpod:apiKey": {**SECRET, "plaintext": '"k2"'}},
            },
            volume,
            {"urn": f"{STACK}{service}::web", "type": service},
            endpoint,
            gate,
        ],
        "pending_operations": [
            {
                "type": "creating",
                "resource": resource("Secret", "token", inputs=props("Secret", auto_name="token-x", name="token-x")),
            }
        ],
    }


def test_a_state_goes_over_with_all_that_refers_to_it() -> None:
    """Types, URNs, parents, dependencies, providers; ids stay."""
    migrated = to_native(deployment(), {"apiKey": "k"})
    by_name = {r["urn"].split("::", 3)[-1]: r for r in migrated.deployment["resources"]}
    native = "runpod-serverless:index:"
    web, gate, volume = (
        by_name["web-rollout"]["parent"],
        by_name["web-rollout"],
        by_name["dynamic/runpod:NetworkVolume"],
    )

    assert list(migrated.urns.values())[1] == f"{STACK}runpod:components:ServerlessService${native}Endpoint::web"
    assert web == f"{STACK}runpod:components:ServerlessService${native}Endpoint::web"
    assert gate["urn"] == f"{STACK}runpod:components:ServerlessService${native}Endpoint${native}Rollout::web-rollout"
    endpoint = next(r for r in migrated.deployment["resources"] if r["urn"] == web)
    assert endpoint["dependencies"] == [volume["urn"]]
    assert endpoint["propertyDependencies"] == {"networkVolumes": [volume["urn"]]}
    assert endpoint["id"] == "ep1"
    assert endpoint["initErrors"] == ["worker never became ready"]
    assert volume["provider"] == f"{STACK}pulumi:providers:runpod-serverless::other::p-2"
    assert by_name["other"]["inputs"]["apiKey"]["plaintext"] == '"k2"'
    assert by_name["default"]["inputs"] == {"apiKey": "k"}
    assert endpoint["provider"] == f"{by_name['default']['urn']}::{by_name['default']['id']}"
    assert "pulumi-python" not in json.dumps(migrated.deployment)


def test_names_change_in_secrets_too_and_nowhere_in_a_users_own_map() -> None:
    """The keys of an environment and of a job's input are the user's."""
    found = to_native(deployment(), {}).deployment["resources"]
    endpoint, gate = found[-2], found[-1]

    assert json.loads(endpoint["inputs"]["gpu"]["plaintext"]) == {"pools": ["ADA_24"], "minCudaVersion": "12.8"}
    assert set(endpoint["inputs"]["env"]) == {"MODEL_NAME", "TOKEN"}
    assert endpoint["outputs"]["requestUrls"] == {"runSync": "u"}
    assert gate["inputs"] == {"endpointId": "ep1", "smokeInput": {"a_b": 1}}


def test_there_and_back_is_where_it_started() -> None:
    """All but what the engine makes anew: the default provider's id, and the empty entry of `__provider`."""
    before = deployment()
    after = to_dynamic(to_native(copy.deepcopy(before), {}).deployment).deployment
    default = next(r for r in after["resources"] if r["urn"] == DEFAULT)
    text = json.dumps(after).replace(default["id"], "p-1")
    del before["resources"][5]["propertyDependencies"]["__provider"]
    by_urn = lambda found: sorted(found["resources"], key=lambda r: r["urn"])  # noqa: E731 - one expression

    assert by_urn(json.loads(text)) == by_urn(before)
    assert json.loads(text)["pending_operations"] == before["pending_operations"]


def test_a_state_without_our_resources_stays_as_it_is() -> None:
    """Nothing to show, nothing to ask."""
    other = {"resources": [{"urn": f"{STACK}aws:s3:Bucket::b", "type": "aws:s3:Bucket"}]}

    assert to_native(other, {}).deployment == other
    assert to_native(other, {}).urns == {}


def test_config_goes_over_with_its_secrets() -> None:
    """Keys of other namespaces stay behind."""
    config = {
        "runpod:apiKey": {"value": "k", "secret": True},
        "runpod:s3PartBytes": {"value": "5", "secret": False},
        "runpod:offlineCatalog": {"value": "true", "secret": False},
        "shop:size": {"value": "9", "secret": False},
    }

    assert native_config(config) == {"apiKey": ("k", True), "s3PartBytes": ("5", False)}
