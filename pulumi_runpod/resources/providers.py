"""The provider classes that users' state names: `pulumi_runpod.resources.providers:EndpointProvider` and the like.

Module and class names here are a stored format. Nothing is ever renamed, moved or given state of its own.
"""

from __future__ import annotations

from pulumi_runpod.resources.adapter import RunPodProvider


class NetworkVolumeProvider(RunPodProvider):
    kind = "network_volume"


class TemplateProvider(RunPodProvider):
    kind = "template"


class EndpointProvider(RunPodProvider):
    kind = "endpoint"


NETWORK_VOLUME = NetworkVolumeProvider()
TEMPLATE = TemplateProvider()
ENDPOINT = EndpointProvider()
