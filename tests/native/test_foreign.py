"""States of other tools, written here after their published schemas: every object is found by the service's id."""

from __future__ import annotations

from typing import Any

import pytest

from pulumi_runpod.errors import RunPodError
from pulumi_runpod.native.migration.foreign import Foreign, foreign

URN = "urn:pulumi:prod::gpu::"


def pulumi(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"version": 3, "deployment": {"resources": list(resources)}}


def resource(token: str, name: str, **more: Any) -> dict[str, Any]:
    return {"urn": f"{URN}{token}::{name}", "type": token, "custom": True, **more}


def test_pulumi_runpod_native_has_the_id_in_an_output() -> None:
    """Its resources carry their Pulumi name as id. Version 1.9."""
    state = pulumi(
        {"urn": f"{URN}pulumi:pulumi:Stack::gpu-prod", "type": "pulumi:pulumi:Stack"},
        resource("pulumi:providers:runpod", "default", id="p-1"),
        resource(
            "runpod:index:NetworkStorage",
            "models",
            id="models",
            outputs={"name": "m", "size": 20, "networkStorage": {"id": "vol1", "dataCenterId": "EU-RO-1"}},
        ),
        resource("runpod:index:Template", "worker", id="worker", outputs={"template": {"id": "tpl1"}}),
        resource("runpod:index:Endpoint", "web", id="web", outputs={"gpuIds": "ADA_24", "endpoint": {"id": "ep1"}}),
        resource("runpod:index:Pod", "dev", id="dev", outputs={"pod": {"id": "pod1"}}),
    )

    assert foreign(state) == [
        Foreign("runpod:index:NetworkStorage", "models", "vol1", "NetworkVolume"),
        Foreign("runpod:index:Template", "worker", "tpl1", "Template"),
        Foreign("runpod:index:Endpoint", "web", "ep1", "Endpoint"),
        Foreign("runpod:index:Pod", "dev", "dev", None),
    ]


def test_runpods_own_provider_has_it_as_the_id() -> None:
    """Versions 0.1 and 2.0, over GraphQL. What waits to be deleted is left to its tool."""
    state = pulumi(
        resource("runpod:index:NetworkVolume", "models", id="vol1", outputs={"networkVolumeId": "vol1"}),
        resource("runpod:index:ContainerRegistryAuth", "docker", id="cred1", outputs={"name": "docker"}),
        resource("runpod:index:Secret", "hf", id="sec1"),
        resource("runpod:index:Endpoint", "web", id="old", delete=True),
        resource("runpod:index:Endpoint", "web", id="ep1", outputs={"templateId": "tpl1"}),
        resource("aws:s3/bucket:Bucket", "b", id="b"),
    )

    assert [(one.kind, one.id) for one in foreign(state)] == [
        ("NetworkVolume", "vol1"),
        ("RegistryCredential", "cred1"),
        ("Secret", "sec1"),
        ("Endpoint", "ep1"),
    ]


@pytest.mark.parametrize("provider", ["runpod/runpod", "decentralized-infrastructure/runpod"])
def test_terraform_has_it_among_the_attributes(provider: str) -> None:
    """The official provider, 1.x and 2.x, and a community one: the same types. Data sources hold nothing."""

    def block(kind: str, name: str, *ids: str, mode: str = "managed") -> dict[str, Any]:
        instances = [
            {"schema_version": 0, "attributes": {"id": one}, **({"index_key": i} if len(ids) > 1 else {})}
            for i, one in enumerate(ids)
        ]
        return {"mode": mode, "type": kind, "name": name, "provider": f'provider["{provider}"]', "instances": instances}

    state = {
        "version": 4,
        "terraform_version": "1.15.2",
        "resources": [
            block("runpod_network_volume", "data", "vol1"),
            block("runpod_endpoint", "web", "ep1", "ep2"),
            block("runpod_template", "worker", "tpl1", mode="data"),
            block("runpod_pod", "dev", "pod1"),
            block("aws_s3_bucket", "b", "b"),
        ],
    }

    assert [(one.kind, one.name, one.id) for one in foreign(state)] == [
        ("NetworkVolume", "data", "vol1"),
        ("Endpoint", "web-0", "ep1"),
        ("Endpoint", "web-1", "ep2"),
        (None, "dev", "pod1"),
    ]


@pytest.mark.parametrize(
    ("state", "reason"),
    [({"version": 3, "terraform_version": "0.11"}, "only format 4"), ({"a": 1}, "neither"), ({}, "neither")],
)
def test_another_file_is_refused_in_one_line(state: dict[str, Any], reason: str) -> None:
    """With what would be read instead."""
    with pytest.raises(RunPodError, match=reason):
        foreign(state)
