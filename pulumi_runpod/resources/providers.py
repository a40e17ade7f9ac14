"""The provider classes that users' state names: `pulumi_runpod.resources.providers:EndpointProvider` and the like.

Module and class names here are a stored format. Nothing is ever renamed, moved or given attributes.
"""

from __future__ import annotations

from pulumi_runpod.resources.adapter import RunPodProvider


class NetworkVolumeProvider(RunPodProvider):
    kind = "network_volume"


class TemplateProvider(RunPodProvider):
    kind = "template"


class EndpointProvider(RunPodProvider):
    kind = "endpoint"


class RegistryCredentialProvider(RunPodProvider):
    kind = "registry_credential"


class EcrDelegationProvider(RunPodProvider):
    kind = "ecr_delegation"


class SecretProvider(RunPodProvider):
    kind = "secret"


class ModelWeightsProvider(RunPodProvider):
    kind = "model_weights"


class RolloutProvider(RunPodProvider):
    kind = "rollout"


NETWORK_VOLUME = NetworkVolumeProvider()
TEMPLATE = TemplateProvider()
ENDPOINT = EndpointProvider()
MODEL_WEIGHTS = ModelWeightsProvider()
REGISTRY_CREDENTIAL = RegistryCredentialProvider()
ECR_DELEGATION = EcrDelegationProvider()
SECRET = SecretProvider()
ROLLOUT = RolloutProvider()
