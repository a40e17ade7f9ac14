"""Type tokens of the resources, as they stand in every state, and the lifecycle behind each."""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

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
        f"{TYPE_PREFIX}ModelWeights": "model weights",
        f"{TYPE_PREFIX}Rollout": "roll-out of an endpoint",
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
    kind = KINDS.get(token.removeprefix(TYPE_PREFIX)) if token.startswith(TYPE_PREFIX) else None
    return lifecycle_of_kind(kind) if kind else None
