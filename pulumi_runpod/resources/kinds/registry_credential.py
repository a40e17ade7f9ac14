"""Registry credentials: the service takes no change, so every change is a new one; what went in never comes back."""

from __future__ import annotations

from pulumi_runpod.resources.api import Api
from pulumi_runpod.resources.lifecycle import Lifecycle, OwnInputs
from pulumi_runpod.wire.registry import REGISTRIES, CreateRegistry


class RegistryCredentialInputs(OwnInputs, CreateRegistry):
    pass


class RegistryCredentialLifecycle(Lifecycle):
    """Replaced create first: so templates and endpoints are pointed at the new one before the old one goes."""

    collection = REGISTRIES
    inputs = RegistryCredentialInputs

    def users(self, api: Api, object_id: str) -> list[str]:
        from pulumi_runpod.wire import ENDPOINTS, TEMPLATES
        from pulumi_runpod.wire.container import ContainerResponse

        return [
            f"{collection.kind} {getattr(found, 'id', '?')}"
            for collection in (TEMPLATES, ENDPOINTS)
            for found in api.list(collection)
            if isinstance(found, ContainerResponse) and found.registry == object_id
        ]


LIFECYCLE = RegistryCredentialLifecycle()
