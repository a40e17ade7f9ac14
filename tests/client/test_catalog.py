"""The catalog: asked for once, and never in the way."""

from __future__ import annotations

from pulumi_runpod.client import RunPodClient
from pulumi_runpod.client.catalog import catalog_or_offline, live_catalog, public_templates
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.errors import ServerError
from pulumi_runpod.wire.catalog import offline_catalog


def test_the_catalog_is_three_calls_once(client: RunPodClient, local_runpod: LocalRunPod) -> None:
    """GPUs, CPUs, data centers; a second call gets the same."""
    catalog = live_catalog(client)

    assert live_catalog(client) is catalog
    assert len(local_runpod.calls()) == 3
    assert catalog.as_of is None
    assert "ADA_24" in catalog.pools
    assert catalog.pools["ADA_24"][0].availability is not None


def test_without_a_client_the_dated_copy_is_taken(local_runpod: LocalRunPod) -> None:
    """Skipping costs no call, and the copy says its date."""
    catalog, error = catalog_or_offline(None)

    assert catalog is offline_catalog()
    assert catalog.as_of is not None
    assert error is None
    assert local_runpod.calls() == []


def test_a_failing_catalog_gives_the_dated_copy_and_the_reason(client: RunPodClient, local_runpod: LocalRunPod) -> None:
    """Nothing is blocked, and nothing is hidden; the next time it is asked for again."""
    local_runpod.fault("http.status", path="/v2/catalog/*", status=500, times=5)

    catalog, error = catalog_or_offline(client)
    assert catalog.as_of is not None
    assert isinstance(error, ServerError)

    assert catalog_or_offline(client)[0].as_of is None


def test_public_templates_are_read(client: RunPodClient) -> None:
    """By source."""
    assert public_templates(client)
    assert all(template.public for template in public_templates(client, "community"))
