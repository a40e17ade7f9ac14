"""Provider classes are a stored format: users' state names them, and another process loads them from there."""

from __future__ import annotations

import base64
import subprocess
import sys

import pytest
from pulumi.dynamic.dynamic import serialize_provider

from pulumi_runpod.resources import providers
from pulumi_runpod.resources.adapter import RunPodProvider

# What is in the state of every stack that was ever deployed. A change here breaks their refresh and destroy.
STORED = {
    "NETWORK_VOLUME": "pulumi_runpod.resources.providers NetworkVolumeProvider",
    "TEMPLATE": "pulumi_runpod.resources.providers TemplateProvider",
    "REGISTRY_CREDENTIAL": "pulumi_runpod.resources.providers RegistryCredentialProvider",
    "ECR_DELEGATION": "pulumi_runpod.resources.providers EcrDelegationProvider",
    "SECRET": "pulumi_runpod.resources.providers SecretProvider",
    "ROLLOUT": "pulumi_runpod.resources.providers RolloutProvider",
    "ENDPOINT": "pulumi_runpod.resources.providers EndpointProvider",
    "MODEL_WEIGHTS": "pulumi_runpod.resources.providers ModelWeightsProvider",
}
GOLDEN = {
    "NETWORK_VOLUME": (
        "gASVQgAAAAAAAACMIXB1bHVtaV9ydW5wb2QucmVzb3VyY2VzLnByb3ZpZGVyc5SMFU5ldHdvcmtWb2x1bWVQcm92aWRlcpSTlCmBlC4="
    ),
    "TEMPLATE": "gASVPQAAAAAAAACMIXB1bHVtaV9ydW5wb2QucmVzb3VyY2VzLnByb3ZpZGVyc5SMEFRlbXBsYXRlUHJvdmlkZXKUk5QpgZQu",
    "REGISTRY_CREDENTIAL": (
        "gASVRwAAAAAAAACMIXB1bHVtaV9ydW5wb2QucmVzb3VyY2VzLnByb3ZpZGVyc5SMGlJlZ2lzdHJ5Q3JlZGVudGlhbFByb3ZpZGVylJOUKYGULg=="
    ),
    "ECR_DELEGATION": (
        "gASVQgAAAAAAAACMIXB1bHVtaV9ydW5wb2QucmVzb3VyY2VzLnByb3ZpZGVyc5SMFUVjckRlbGVnYXRpb25Qcm92aWRlcpSTlCmBlC4="
    ),
    "SECRET": ("gASVOwAAAAAAAACMIXB1bHVtaV9ydW5wb2QucmVzb3VyY2VzLnByb3ZpZGVyc5SMDlNlY3JldFByb3ZpZGVylJOUKYGULg=="),
    "ROLLOUT": "gASVPAAAAAAAAACMIXB1bHVtaV9ydW5wb2QucmVzb3VyY2VzLnByb3ZpZGVyc5SMD1JvbGxvdXRQcm92aWRlcpSTlCmBlC4=",
    "ENDPOINT": "gASVPQAAAAAAAACMIXB1bHVtaV9ydW5wb2QucmVzb3VyY2VzLnByb3ZpZGVyc5SMEEVuZHBvaW50UHJvdmlkZXKUk5QpgZQu",
    "MODEL_WEIGHTS": (
        "gASVQQAAAAAAAACMIXB1bHVtaV9ydW5wb2QucmVzb3VyY2VzLnByb3ZpZGVyc5SMFE1vZGVsV2VpZ2h0c1Byb3ZpZGVylJOUKYGULg=="
    ),
}


@pytest.mark.parametrize("name", sorted(STORED))
def test_a_provider_is_stored_by_reference(name: str) -> None:
    """Module and class, and nothing else: no code, no key."""
    module, class_name = STORED[name].split()
    stored = base64.b64decode(serialize_provider(getattr(providers, name)))

    assert module.encode() in stored
    assert class_name.encode() in stored
    assert len(stored) < 100


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_the_stored_string_is_the_same_for_ever(name: str) -> None:
    """To the byte: another string is an update of every resource."""
    assert serialize_provider(getattr(providers, name)) == GOLDEN[name]


def test_no_provider_is_missing_here() -> None:
    """A new kind needs its stored form."""
    found = {name for name, value in vars(providers).items() if isinstance(value, RunPodProvider)}

    assert found == set(STORED) == set(GOLDEN)


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_another_process_loads_what_is_stored(name: str) -> None:
    """As the engine's shim does, without the program."""
    program = (
        "import base64, sys, dill; provider = dill.loads(base64.b64decode(sys.argv[1]));"
        "print(type(provider).__module__, type(provider).__name__, type(provider._lifecycle).__name__)"
    )
    done = subprocess.run([sys.executable, "-c", program, GOLDEN[name]], capture_output=True, text=True, check=True)

    assert done.stdout.startswith(STORED[name])
