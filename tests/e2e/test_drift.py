"""What is changed outside is seen by a refresh, whatever the field, and repaired; what the service chose is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from pulumi_runpod import Endpoint, NetworkVolume, Template
from pulumi_runpod.client import RunPodClient
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.wire import ENDPOINTS, NETWORK_VOLUMES, TEMPLATES
from pulumi_runpod.wire.model import JsonObject
from tests.e2e.both_adapters import both_adapters, both_adapters_exhaustive

pytestmark = pytest.mark.engine

Deploy = Callable[..., Any]
Calls = Callable[[], list[str]]
IMAGE = "registry.example.com/team/worker:1"


def volume(size: int) -> Callable[[], None]:
    return lambda: pulumi.export("id", NetworkVolume("weights", size=size, data_center="EU-RO-1").id)


def all_three() -> None:
    weights = NetworkVolume("weights", size=10, data_center="EU-RO-1")
    worker = Template("worker", image=IMAGE, env={"MODEL": "sdxl"})
    endpoint = Endpoint(
        "sdxl",
        type="QUEUE",
        scaling={"type": "QUEUE_DELAY", "queue_delay": 4},
        gpu={"pools": ["ADA_24"]},
        network_volumes=[weights.id],
        template=worker,
    )
    for name, resource in {"volume": weights, "template": worker, "endpoint": endpoint}.items():
        pulumi.export(name, resource.id)


def test_a_volume_without_type_grows_and_survives_a_refresh(deploy: Deploy, resource_calls: Calls) -> None:
    """The tier that the service chose is never taken for a wish of the program: no replacement, ever."""
    stack = deploy(volume(10))
    first = stack.up()
    refreshed = stack.refresh()
    preview = stack.preview(expect_no_changes=True)
    grown = stack.up(volume(20), refresh=True)
    after = stack.preview(refresh=True, expect_no_changes=True)

    assert (refreshed.steps, preview.failed, after.failed) == ([("refresh", "weights")], False, False)
    assert ("update", "weights") in grown.steps
    assert grown.outputs == first.outputs
    assert [call for call in resource_calls() if not call.startswith("GET")] == [
        "POST /v2/network-volumes",
        f"PATCH /v2/network-volumes/{first.outputs['id']}",
    ]


@both_adapters
def test_changes_made_outside_are_seen_and_taken_back(
    deploy: Deploy, outsider: RunPodClient, local_runpod: LocalRunPod, resource_calls: Calls
) -> None:
    """`preview --refresh --expect-no-changes` passes before and fails after; `up --refresh` is one PATCH each."""
    stack = deploy(all_three)
    ids = stack.up().outputs
    clean = stack.preview(refresh=True, expect_no_changes=True)
    declared = as_it_is(outsider, ids)

    changes: dict[str, JsonObject] = {
        "endpoint": {
            "workers": {"min": 0, "max": 0},
            "flashboot": "FLASHBOOT",
            "networkVolumes": [],
            "gpu": {"pools": ["AMPERE_24"]},
            "env": {"A": "1"},
        },
        "template": {"image": "registry.example.com/team/worker:other"},
        "volume": {"name": "renamed"},
    }
    for kind, change in changes.items():
        change_outside(outsider, kind, ids[kind], change)
    drifted = stack.preview(refresh=True, expect_no_changes=True)
    local_runpod.forget_calls()
    healed = stack.up(refresh=True)
    patches = sorted(call for call in resource_calls() if call.startswith("PATCH"))
    after = stack.preview(refresh=True, expect_no_changes=True)

    assert as_it_is(outsider, ids) == declared
    assert not clean.failed, clean.text
    assert drifted.failed
    assert "no changes were expected" in drifted.text
    assert not healed.failed, healed.text
    assert patches == [
        f"PATCH /v2/network-volumes/{ids['volume']}",
        f"PATCH /v2/serverless/{ids['endpoint']}",
        f"PATCH /v2/templates/{ids['template']}",
    ]
    assert not after.failed, after.text


@both_adapters_exhaustive
def test_what_was_deleted_outside_is_made_again(deploy: Deploy, outsider: RunPodClient, resource_calls: Calls) -> None:
    """An object deleted at the console: `up --refresh` makes a new one, and destroy does not stumble."""
    stack = deploy(all_three)
    ids = stack.up().outputs
    outsider.delete(ENDPOINTS, ids["endpoint"])
    outsider.delete(TEMPLATES, ids["template"])

    healed = stack.up(refresh=True)
    outsider.delete(ENDPOINTS, healed.outputs["endpoint"])
    destroyed = stack.destroy()

    assert not healed.failed, healed.text
    assert healed.names("create") == ["sdxl", "worker"]
    assert healed.outputs["volume"] == ids["volume"]
    assert not destroyed.failed, destroyed.text


def test_an_update_of_what_was_deleted_outside_says_what_to_do(deploy: Deploy, outsider: RunPodClient) -> None:
    """Without a refresh the engine can't know: one line names the command that helps."""
    stack = deploy(volume(10))
    outsider.delete(NETWORK_VOLUMES, stack.up().outputs["id"])

    failed = stack.up(volume(20))

    assert failed.failed
    assert any("pulumi up --refresh" in error for error in failed.errors), failed.errors
    assert "Traceback" not in failed.text


@both_adapters_exhaustive
def test_a_whole_account_that_vanishes_is_not_believed(
    deploy: Deploy, local_runpod: LocalRunPod, resource_calls: Calls
) -> None:
    """A key of another account must not empty the state: refresh fails, and asks."""
    stack = deploy(all_three)
    stack.up()
    local_runpod.reset()

    refreshed = stack.refresh()

    assert refreshed.failed
    assert "another account" in refreshed.text
    assert len(stack.resources()) == 3


def test_the_key_of_another_account_empties_nothing_though_objects_are_asked_for_one_by_one(
    deploy: Deploy, engine: Any
) -> None:
    """With `--parallel 1` the first object is judged before the second is asked for: it stays as well, until a person
    says that all are gone.
    """
    stack = deploy(all_three)
    stack.up()
    with LocalRunPod(api_key="rpa_OTHER") as other:
        refreshed = engine.stack(all_three, other.environment).refresh(parallel=1)
        left = len(stack.resources())
        accepting = engine.stack(all_three, {**other.environment, "RUNPOD_ACCEPT_VANISHED": "1"})
        accepted = accepting.refresh(parallel=1)

    assert refreshed.failed
    assert "last seen with another key" in refreshed.text
    assert left == 3
    assert not accepted.failed, accepted.text
    assert stack.resources() == {}


def test_a_new_key_of_the_same_account_is_no_drift(
    deploy: Deploy, engine: Any, local_runpod: LocalRunPod, outsider: RunPodClient
) -> None:
    """Here another URL of the same service: nothing changes, and what is deleted outside is still believed."""
    ids = deploy(all_three).up().outputs
    renamed = local_runpod.api.replace("127.0.0.1", "localhost")
    stack = engine.stack(all_three, {**local_runpod.environment, "RUNPOD_API_BASE_URL": renamed})
    clean = stack.preview(refresh=True, expect_no_changes=True)
    outsider.delete(ENDPOINTS, ids["endpoint"])
    refreshed = stack.refresh()

    assert not clean.failed, clean.text
    assert not refreshed.failed, refreshed.text
    assert sorted(stack.resources()) == ["weights", "worker"]


def change_outside(outsider: RunPodClient, kind: str, object_id: str, change: JsonObject) -> None:
    collection = {"endpoint": ENDPOINTS, "template": TEMPLATES, "volume": NETWORK_VOLUMES}[kind]
    assert collection.update is not None
    outsider.update(collection, object_id, collection.update.model_validate(change))


def as_it_is(outsider: RunPodClient, ids: dict[str, str]) -> dict[str, JsonObject]:
    collections = {"endpoint": ENDPOINTS, "template": TEMPLATES, "volume": NETWORK_VOLUMES}
    return {kind: outsider.get(collection, ids[kind]).model_dump() for kind, collection in collections.items()}
