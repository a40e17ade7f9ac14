"""The API as it is: one module per kind, each with its create, update and read models and its `Collection`.

Models cost time to build: names are loaded when asked for, so that who needs one kind does not wait for six.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_runpod.lazy_names import loader_of

if TYPE_CHECKING:
    from pulumi_runpod.wire.endpoint import ENDPOINTS
    from pulumi_runpod.wire.kinds import COLLECTIONS
    from pulumi_runpod.wire.model import Collection
    from pulumi_runpod.wire.network_volume import NETWORK_VOLUMES
    from pulumi_runpod.wire.registry import DELEGATIONS, REGISTRIES
    from pulumi_runpod.wire.secret import SECRETS
    from pulumi_runpod.wire.template import TEMPLATES

# public name -> module that has it
_HOMES = {
    "COLLECTIONS": "pulumi_runpod.wire.kinds",
    "DELEGATIONS": "pulumi_runpod.wire.registry",
    "ENDPOINTS": "pulumi_runpod.wire.endpoint",
    "NETWORK_VOLUMES": "pulumi_runpod.wire.network_volume",
    "REGISTRIES": "pulumi_runpod.wire.registry",
    "SECRETS": "pulumi_runpod.wire.secret",
    "TEMPLATES": "pulumi_runpod.wire.template",
    "Collection": "pulumi_runpod.wire.model",
}


__getattr__ = loader_of(__name__, _HOMES)


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
