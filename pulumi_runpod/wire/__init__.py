"""The API as it is: one module per kind, each with its create, update and read models and its `Collection`."""

from __future__ import annotations

from pulumi_runpod.wire.endpoint import ENDPOINTS
from pulumi_runpod.wire.model import Collection
from pulumi_runpod.wire.network_volume import NETWORK_VOLUMES
from pulumi_runpod.wire.registry import DELEGATIONS, REGISTRIES
from pulumi_runpod.wire.secret import SECRETS
from pulumi_runpod.wire.template import TEMPLATES

COLLECTIONS: tuple[Collection, ...] = (NETWORK_VOLUMES, TEMPLATES, ENDPOINTS, REGISTRIES, DELEGATIONS, SECRETS)

__all__ = [
    "COLLECTIONS",
    "DELEGATIONS",
    "ENDPOINTS",
    "NETWORK_VOLUMES",
    "REGISTRIES",
    "SECRETS",
    "TEMPLATES",
    "Collection",
]
