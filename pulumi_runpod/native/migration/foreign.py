"""States that other tools have written of the same account: which objects they hold, and what has no counterpart here.

Read are `pulumi stack export` of `pulumi-runpod-native` 1.x and of RunPod's own `pulumi-runpod` (both have the package
`runpod`), and Terraform state files (format 4) of the official provider and of community ones. Nothing but types and
ids is taken from them: the objects are read from the service. Schemas as published in November 2026.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from pulumi_runpod.errors import RunPodError

if TYPE_CHECKING:
    from pulumi_runpod.wire.model import JsonObject

_PULUMI: Mapping[str, str] = MappingProxyType(
    {
        "runpod:index:Endpoint": "Endpoint",
        "runpod:index:Template": "Template",
        "runpod:index:NetworkVolume": "NetworkVolume",
        "runpod:index:NetworkStorage": "NetworkVolume",
        "runpod:index:ContainerRegistryAuth": "RegistryCredential",
        "runpod:index:Secret": "Secret",
    }
)
_TERRAFORM: Mapping[str, str] = MappingProxyType(
    {
        "runpod_endpoint": "Endpoint",
        "runpod_template": "Template",
        "runpod_network_volume": "NetworkVolume",
        "runpod_container_registry_auth": "RegistryCredential",
        "runpod_ecr_delegation": "EcrDelegation",
        "runpod_secret": "Secret",
    }
)
_INNER = ("endpoint", "networkStorage", "template", "secret")
"""Outputs in which `pulumi-runpod-native` keeps the object: its resources have their Pulumi name for an id."""


@dataclass(frozen=True)
class Foreign:
    """A resource of another tool. `kind` None: it has no counterpart here."""

    type: str
    name: str
    id: str
    kind: str | None


def foreign(state: JsonObject) -> list[Foreign]:
    """RunPod's resources in a state. Raises `RunPodError` for a file that is neither tool's."""
    if isinstance(state.get("deployment"), dict):
        return list(_of_pulumi(state["deployment"]))
    if state.get("version") == 4 and isinstance(state.get("resources"), list):
        return list(_of_terraform(state))
    if "terraform_version" in state:
        raise RunPodError(
            f"Terraform state of format {state.get('version')}: only format 4 is read; `terraform state pull` writes it"
        )
    raise RunPodError("neither `pulumi stack export` nor a Terraform state file")


def _of_pulumi(deployment: JsonObject) -> Iterator[Foreign]:
    for resource in deployment.get("resources") or []:
        token = str(resource.get("type", ""))
        if token.startswith("runpod:") and resource.get("custom") and not resource.get("delete"):
            # The legacy provider put resources into a module, which its schema mapped to `index`.
            normal = f"runpod:index:{token.rsplit(':', 1)[-1]}"
            name = str(resource["urn"]).split("::", 3)[-1]
            yield Foreign(token, name, _pulumi_id(resource), _PULUMI.get(normal))


def _pulumi_id(resource: JsonObject) -> str:
    outputs = resource.get("outputs") or {}
    for inner in _INNER:
        value = outputs.get(inner)
        if isinstance(value, dict) and value.get("id"):
            return str(value["id"])
    return str(resource.get("id", ""))


def _of_terraform(state: JsonObject) -> Iterator[Foreign]:
    for resource in state["resources"]:
        kind = str(resource.get("type", ""))
        if resource.get("mode") != "managed" or not kind.startswith("runpod_"):
            continue
        for instance in resource.get("instances") or []:
            key = instance.get("index_key")
            name = resource["name"] if key is None else f"{resource['name']}-{key}"
            yield Foreign(kind, str(name), str(instance.get("attributes", {}).get("id", "")), _TERRAFORM.get(kind))
