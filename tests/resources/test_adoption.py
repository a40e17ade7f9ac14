"""What adopting an object would change of it is read and listed before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from pulumi_runpod.client import RunPodClient
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.errors import InvalidInput
from pulumi_runpod.resources import adoption
from pulumi_runpod.resources.kinds import endpoint, network_volume, registry_credential, secret, template
from pulumi_runpod.resources.lifecycle import Lifecycle
from pulumi_runpod.resources.outcome import Checked
from pulumi_runpod.resources.values import UNKNOWN
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire.model import JsonObject

ENDPOINT: JsonObject = {
    "name": "web",
    "type": "QUEUE",
    "scaling": {"type": "QUEUE_DELAY", "queue_delay": 4.0},
    "gpu": {"pools": ["ADA_24"]},
    "image": "registry.example.com/team/worker:1",
    "env": {"HF_TOKEN": "hf_of-the-owner", "KEPT": "hf_same", "OLD": "hf_old-value"},
    "workers": {"max": 5.0},
}


@pytest.fixture
def api(local_runpod: LocalRunPod) -> Iterator[RunPodClient]:
    with RunPodClient(Settings(api_key=SecretStr(local_runpod.api_key), api_base_url=local_runpod.api)) as client:
        yield client


def made(api: RunPodClient, lifecycle: Lifecycle, program: JsonObject) -> str:
    """Id of an object that another program has made."""
    return lifecycle.create(api, lifecycle.check({}, program).inputs).id


def previewed(api: RunPodClient, lifecycle: Lifecycle, program: JsonObject) -> Checked:
    checked = lifecycle.check({}, program)
    assert checked.failures == []
    assert adoption.previews({}, checked)
    return lifecycle.with_adoption(api, program, checked)


def test_every_change_is_listed_from_what_to_what(api: RunPodClient, local_runpod: LocalRunPod) -> None:
    """One GET. Values of secret fields are named and not shown; a default that the program does not set is marked."""
    endpoint_id = made(api, endpoint.LIFECYCLE, ENDPOINT)
    local_runpod.forget_calls()
    program = {
        **ENDPOINT,
        "adopt_id": endpoint_id,
        "image": "registry.example.com/team/worker:2",
        "gpu": {"pools": ["ADA_24", "AMPERE_24"]},
        "env": {"HF_TOKEN": "hf_of-the-program", "KEPT": "hf_same", "NEW": "hf_new-value"},
        "workers": {},
    }
    found = previewed(api, endpoint.LIFECYCLE, program)

    assert [call.method for call in local_runpod.calls()] == ["GET"]
    assert [str(failure) for failure in found.failures] == [
        "env.HF_TOKEN: would change to another value (both are hidden)",
        "env.NEW: would change to the declared value (both are hidden)",
        "env.OLD: would change to none (it is hidden)",
        "gpu.pools: would change from ['ADA_24'] to ['ADA_24', 'AMPERE_24']",
        "image: would change from 'registry.example.com/team/worker:1' to 'registry.example.com/team/worker:2'",
        "workers.max: would change from 5 to 3 (the default: the program does not set it)",
        (
            f"adopt_id: endpoint {endpoint_id} differs in 6 properties: declare what endpoint {endpoint_id} has, or "
            "confirm the changes with adopt='overwrite'"
        ),
    ]


def test_confirmed_changes_are_a_notice_and_are_made(api: RunPodClient) -> None:
    """`adopt="overwrite"`: the preview lists the same changes, and the update makes them."""
    endpoint_id = made(api, endpoint.LIFECYCLE, ENDPOINT)
    program = {**ENDPOINT, "adopt_id": endpoint_id, "adopt": "overwrite", "image": "registry.example.com/team/worker:2"}
    found = previewed(api, endpoint.LIFECYCLE, program)

    assert found.failures == []
    assert found.notices == (
        (
            f"endpoint {endpoint_id} is adopted and changed:\n"
            "  image: from 'registry.example.com/team/worker:1' to 'registry.example.com/team/worker:2'"
        ),
    )
    assert endpoint.LIFECYCLE.create(api, found.inputs).outs["image"] == "registry.example.com/team/worker:2"


def test_unconfirmed_changes_stop_the_update_as_well(api: RunPodClient, local_runpod: LocalRunPod) -> None:
    """The object may have changed since the preview, or there was none. Nothing is written."""
    endpoint_id = made(api, endpoint.LIFECYCLE, ENDPOINT)
    inputs = endpoint.LIFECYCLE.check({}, {**ENDPOINT, "adopt_id": endpoint_id, "timeout": 60_000.0}).inputs
    local_runpod.forget_calls()

    with pytest.raises(InvalidInput, match="timeout: would change from 300000 to 60000"):
        endpoint.LIFECYCLE.create(api, inputs)
    assert [call.method for call in local_runpod.calls()] == ["GET"]


def test_an_object_as_declared_is_adopted_without_a_word(api: RunPodClient, local_runpod: LocalRunPod) -> None:
    """No confirmation is needed, and nothing is written."""
    endpoint_id = made(api, endpoint.LIFECYCLE, ENDPOINT)
    found = previewed(api, endpoint.LIFECYCLE, {**ENDPOINT, "adopt_id": endpoint_id})
    local_runpod.forget_calls()

    assert (found.failures, found.notices) == ([], ())
    assert endpoint.LIFECYCLE.create(api, found.inputs).id == endpoint_id
    assert [call.method for call in local_runpod.calls()] == ["GET"]


def test_what_a_preview_does_not_know_is_compared_in_the_update(api: RunPodClient) -> None:
    """An id of another resource that is adopted in the same update: the preview says that it cannot compare it."""
    endpoint_id = made(api, endpoint.LIFECYCLE, ENDPOINT)
    program = {**ENDPOINT, "adopt_id": endpoint_id, "network_volumes": [UNKNOWN]}
    found = previewed(api, endpoint.LIFECYCLE, program)

    assert found.failures == []
    assert found.notices == (
        f"endpoint {endpoint_id} is adopted; not known yet, compared in the update: network_volumes",
    )


@pytest.mark.parametrize(
    ("lifecycle", "program", "change", "failure"),
    [
        (
            network_volume.LIFECYCLE,
            {"name": "weights", "size": 10.0, "data_center": "EU-RO-1"},
            {"adopt_id": "nothing-there"},
            "adopt_id: there is no network volume nothing-there in this account: check the id",
        ),
        (
            network_volume.LIFECYCLE,
            {"name": "weights", "size": 20.0, "data_center": "EU-RO-1"},
            {"size": 10.0},
            "size: is 10 GB, but the volume has 20 GB and a volume cannot shrink",
        ),
        (
            network_volume.LIFECYCLE,
            {"name": "weights", "size": 20.0, "data_center": "EU-RO-1"},
            {"data_center": "EU-CZ-1"},
            "data_center: is EU-CZ-1, but the volume is in EU-RO-1 and cannot move",
        ),
        (
            endpoint.LIFECYCLE,
            ENDPOINT,
            {"type": "LOAD_BALANCER", "scaling": {"type": "REQUEST_COUNT", "request_count": 1.0}},
            "type: cannot be changed, and is 'QUEUE' there: declare it so",
        ),
        (
            secret.LIFECYCLE,
            {"name": "hf_token", "value": "hf_of-the-owner"},
            {"value": "hf_of-the-program"},
            "value: would change to the declared value (both are hidden)",
        ),
        (
            template.LIFECYCLE,
            {"name": "worker", "image": "registry.example.com/team/worker:1"},
            {"serverless": False},
            "serverless: would change from True to False",
        ),
    ],
)
def test_what_stops_an_adoption_stops_its_preview(
    api: RunPodClient, lifecycle: Lifecycle, program: JsonObject, change: JsonObject, failure: str
) -> None:
    """A wrong id, what cannot be changed, and what would change unconfirmed: all without a value of a secret."""
    object_id = made(api, lifecycle, program)
    found = previewed(api, lifecycle, {**program, "adopt_id": object_id, **change})

    assert str(found.failures[0]).startswith(failure)
    assert not any("hf_" in str(f).replace("hf_token", "") for f in found.failures)


def test_a_credential_is_believed_to_hold_what_is_declared(api: RunPodClient) -> None:
    """The service never returns it and takes no change of it: the notice says what cannot be compared."""
    program: JsonObject = {"name": "registry", "username": "robot", "password": "pa55word"}
    credential_id = made(api, registry_credential.LIFECYCLE, program)
    found = previewed(api, registry_credential.LIFECYCLE, {**program, "adopt_id": credential_id})

    assert found.failures == []
    assert "never returns password, username" in found.notices[0]
    assert "pa55word" not in found.notices[0]


@pytest.mark.parametrize(
    ("olds", "change"),
    [
        ({"name": "weights", "size": 10}, {}),
        ({}, {"adopt_id": None}),
        ({}, {"adopt_id": UNKNOWN}),
        ({}, {"size": 5.0}),
    ],
    ids=["in the state", "no adoption", "id not known yet", "wrong inputs"],
)
def test_only_the_first_preview_of_an_adoption_reads(olds: JsonObject, change: dict[str, Any]) -> None:
    """Later ones, and all others, make no call."""
    program = {"name": "weights", "size": 10.0, "data_center": "EU-RO-1", "adopt_id": "abc", **change}

    assert not adoption.previews(olds, network_volume.LIFECYCLE.check(olds, program))


def test_a_confirmation_without_an_adoption_is_a_mistake() -> None:
    """It would confirm nothing."""
    program: JsonObject = {"name": "weights", "size": 10.0, "data_center": "EU-RO-1", "adopt": "overwrite"}

    assert [str(failure) for failure in network_volume.LIFECYCLE.check({}, program).failures] == [
        "adopt: confirms what adopt_id changes: give adopt_id as well, or leave it out"
    ]
