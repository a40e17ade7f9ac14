"""Every kind of object, for a caller that goes through all of them: the referee, and tests."""

from __future__ import annotations

from pulumi_runpod.wire.endpoint import ENDPOINTS
from pulumi_runpod.wire.model import Collection
from pulumi_runpod.wire.network_volume import NETWORK_VOLUMES
from pulumi_runpod.wire.registry import DELEGATIONS, REGISTRIES
from pulumi_runpod.wire.secret import SECRETS
from pulumi_runpod.wire.template import TEMPLATES

COLLECTIONS: tuple[Collection, ...] = (NETWORK_VOLUMES, TEMPLATES, ENDPOINTS, REGISTRIES, DELEGATIONS, SECRETS)
