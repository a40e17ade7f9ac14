"""Type tokens of the resources, as they stand in every state, and the lifecycle behind each."""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

from pulumi_runpod.resources.schema_names import NATIVE_PREFIX

if TYPE_CHECKING:
    from pulumi_runpod.resources.lifecycle import Lifecycle

TYPE_PREFIX = "pulumi-python:dynamic/runpod:"
KINDS = MappingProxyType(
    {
        "NetworkVolume": "network_volume",
        "Template": "template",
        "Endpoint": "endpoint",
        "RegistryCredential": "registry_credential",
        "EcrDelegation": "ecr_delegation",
        "Secret": "secret",
    }
)


REPEATABLE = MappingProxyType(
    {
        **{f"{prefix}ModelWeights": "model weights" for prefix in (TYPE_PREFIX, NATIVE_PREFIX)},
        **{f"{prefix}Rollout": "roll-out of an endpoint" for prefix in (TYPE_PREFIX, NATIVE_PREFIX)},
        "docker-build:index:Image": "image",
    }
)
"""By type token, what is no object of the service: its create is simply done again, and goes on where it stopped."""


def lifecycle_of_kind(kind: str) -> Lifecycle:
    """By the name of the module in `kinds`."""
    found: Lifecycle = import_module(f"pulumi_runpod.resources.kinds.{kind}").LIFECYCLE
    return found


def lifecycle_of_type(token: str) -> Lifecycle | None:
    """By type token; None for what is no object of RunPod's."""
    name = next((token.removeprefix(p) for p in (TYPE_PREFIX, NATIVE_PREFIX) if token.startswith(p)), "")
    kind = KINDS.get(name)
    return lifecycle_of_kind(kind) if kind else None
