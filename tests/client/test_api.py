"""The generic client against the local RunPod, with the faults that a network and a service have."""

from __future__ import annotations

from typing import Protocol, cast

import pytest

from pulumi_runpod.client import RunPodClient, client_for, close_clients
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.errors import (
    AmbiguousCreate,
    ConnectionFailed,
    Forbidden,
    Invalid,
    InvalidInput,
    NotFound,
    RateLimited,
    ServerError,
    SettingsError,
    Unauthorized,
    UnexpectedAnswer,
)
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire import COLLECTIONS, DELEGATIONS, ENDPOINTS, NETWORK_VOLUMES, REGISTRIES, SECRETS, TEMPLATES
from pulumi_runpod.wire.endpoint import CreateEndpoint, Endpoint
from pulumi_runpod.wire.model import Collection
from pulumi_runpod.wire.network_volume import CreateNetworkVolume, NetworkVolume, UpdateNetworkVolume
from pulumi_runpod.wire.registry import CreateDelegation, CreateRegistry
from pulumi_runpod.wire.secret import CreateSecret
from pulumi_runpod.wire.template import CreateTemplate, UpdateTemplate


class Sleeper(Protocol):
    """The fixture `naps`."""

    taken: list[float]

    def __call__(self, seconds: float) -> None: ...


VOLUME = CreateNetworkVolume.model_validate({"name": "weights", "size": 10.0, "dataCenter": "EU-RO-1"})
TEMPLATE = CreateTemplate.model_validate(
    {"name": "t", "image": "registry.example.com/team/worker:1", "serverless": True, "env": {"TOKEN": "hf_s3cretvalue"}}
)
ENDPOINT = CreateEndpoint.model_validate(
    {
        "name": "e",
        "type": "QUEUE",
        "image": "registry.example.com/team/worker:1",
        "gpu": {"pools": ["ADA_24"]},
        "scaling": {"type": "QUEUE_DELAY", "queueDelay": 4},
        "workers": {"min": 0, "max": 1},
    }
)


def new_volume(client: RunPodClient) -> NetworkVolume:
    return cast("NetworkVolume", client.create(NETWORK_VOLUMES, VOLUME))


def test_an_object_lives_from_create_to_delete(client: RunPodClient) -> None:
    """Create, get, list, update, delete, and delete again: the second finds it gone."""
    made = new_volume(client)

    assert client.get(NETWORK_VOLUMES, made.id) == made
    assert client.list(NETWORK_VOLUMES) == [made]
    grown = client.update(NETWORK_VOLUMES, made.id, UpdateNetworkVolume.model_validate({"size": 20}))
    assert cast("NetworkVolume", grown).size == 20
    assert client.delete(NETWORK_VOLUMES, made.id) is True
    assert client.delete(NETWORK_VOLUMES, made.id) is False
    with pytest.raises(NotFound, match=rf"GET /v2/network-volumes/{made.id} -> 404"):
        client.get(NETWORK_VOLUMES, made.id)


def test_only_what_was_set_is_sent(client: RunPodClient, local_runpod: LocalRunPod) -> None:
    """An update of one field leaves the others alone; a null is sent as null."""
    made = client.create(TEMPLATES, TEMPLATE)
    fields = client.update(TEMPLATES, made.model_dump()["id"], UpdateTemplate.model_validate({"registry": None}))

    assert fields.model_dump()["env"] == {"TOKEN": "hf_s3cretvalue"}
    assert fields.model_dump()["registry"] is None


def test_every_kind_is_spoken(client: RunPodClient) -> None:
    """The one client works for all collections, those without GET by id included."""
    bodies = {
        NETWORK_VOLUMES.kind: VOLUME,
        TEMPLATES.kind: TEMPLATE,
        ENDPOINTS.kind: ENDPOINT,
        REGISTRIES.kind: CreateRegistry.model_validate({"name": "r", "username": "u", "password": "p"}),
        DELEGATIONS.kind: CreateDelegation.model_validate(
            {"resource": "arn:aws:ecr:us-east-2:123456789012:repository/team/worker"}
        ),
        SECRETS.kind: CreateSecret.model_validate({"name": "TOKEN", "value": "v"}),
    }
    for collection in COLLECTIONS:
        made = client.create(collection, bodies[collection.kind])
        object_id = made.model_dump()["id"]
        assert client.get(collection, object_id) == made
        assert client.find(collection, object_id) == made
        assert client.delete(collection, object_id)
        assert not client.delete(collection, object_id)


def test_a_kind_without_get_by_id_is_looked_for_in_its_list(client: RunPodClient) -> None:
    """And missing there is missing."""
    with pytest.raises(NotFound, match="no such ECR delegation"):
        client.get(DELEGATIONS, "nothing")


@pytest.mark.parametrize("object_id", ["", ".", ".."])
def test_an_id_that_leads_elsewhere_is_refused(client: RunPodClient, local_runpod: LocalRunPod, object_id: str) -> None:
    """`DELETE /v2/network-volumes/` is no way to delete one volume; nothing is sent."""
    with pytest.raises(InvalidInput):
        client.delete(NETWORK_VOLUMES, object_id)
    assert local_runpod.calls() == []


def test_an_id_cannot_reach_another_route(client: RunPodClient) -> None:
    """Slashes in an id stay within the id."""
    made = new_volume(client)

    with pytest.raises((NotFound, UnexpectedAnswer)):
        client.get(TEMPLATES, f"../network-volumes/{made.id}")


def test_a_refusal_says_what_the_service_said(client: RunPodClient) -> None:
    """400 with the service's own reason, after one call."""
    made = new_volume(client)
    client.update(NETWORK_VOLUMES, made.id, UpdateNetworkVolume.model_validate({"size": 50}))

    with pytest.raises(Invalid, match=rf"PATCH /v2/network-volumes/{made.id} -> 400 ") as raised:
        client.update(NETWORK_VOLUMES, made.id, UpdateNetworkVolume.model_validate({"size": 20}))
    assert raised.value.reasons


def test_a_missing_key_is_reported_without_a_call(local_runpod: LocalRunPod) -> None:
    """At the first call, not before."""
    with (
        RunPodClient(Settings(api_base_url=local_runpod.api)) as client,
        pytest.raises(SettingsError, match="RUNPOD_API_KEY"),
    ):
        client.list(NETWORK_VOLUMES)
    assert local_runpod.calls() == []


def test_a_wrong_key_is_reported_as_such(local_runpod: LocalRunPod) -> None:
    """401, with where to set it, and the key in no text."""
    settings = Settings.load({"runpod:apiKey": "wrong-key"}, local_runpod.environment)

    with RunPodClient(settings) as client, pytest.raises(Unauthorized, match="runpod:apiKey") as raised:
        client.list(NETWORK_VOLUMES)
    assert "wrong-key" not in str(raised.value)


def test_a_key_that_may_only_read_is_reported_as_such(local_runpod: LocalRunPod) -> None:
    """403 differs from 401: the key is right."""
    settings = Settings.load({"runpod:apiKey": local_runpod.add_key("read")}, {"RUNPOD_API_BASE_URL": local_runpod.api})

    with RunPodClient(settings) as client, pytest.raises(Forbidden, match="permission"):
        new_volume(client)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_read_survives_a_failing_server(client: RunPodClient, local_runpod: LocalRunPod, status: int) -> None:
    """Two failures, then the answer: three calls, and the caller sees one."""
    local_runpod.fault("http.status", method="GET", status=status, times=2)

    assert client.list(NETWORK_VOLUMES) == []
    assert len(local_runpod.calls("GET")) == 3


def test_a_read_that_keeps_failing_ends(client: RunPodClient, local_runpod: LocalRunPod, naps: Sleeper) -> None:
    """Five calls, four waits, then a ServerError."""
    local_runpod.fault("http.status", method="GET", status=503, times=None)

    with pytest.raises(ServerError, match=r"GET /v2/network-volumes -> 503"):
        client.list(NETWORK_VOLUMES)
    assert len(local_runpod.calls("GET")) == 5
    assert len(naps.taken) == 4


def test_a_refused_create_waits_and_is_sent_again(
    client: RunPodClient, local_runpod: LocalRunPod, naps: Sleeper
) -> None:
    """A 429 did no work: one volume in the end, after the wait that was asked for."""
    local_runpod.fault("http.rate_limit", method="POST", retry_after=7)

    new_volume(client)

    assert len(client.list(NETWORK_VOLUMES)) == 1
    assert max(naps.taken) >= 7


def test_a_quota_that_comes_back_too_late_ends_at_once(client: RunPodClient, local_runpod: LocalRunPod) -> None:
    """An hour is not waited for."""
    local_runpod.fault("http.rate_limit", retry_after=3000)

    with pytest.raises(RateLimited, match="in 3000 s"):
        client.list(NETWORK_VOLUMES)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_create_that_a_server_failed_on_is_not_repeated(
    client: RunPodClient, local_runpod: LocalRunPod, status: int
) -> None:
    """It may have been made before the failure: the error has it, with the name to look for."""
    local_runpod.fault("http.status", method="POST", status=status)

    with pytest.raises(AmbiguousCreate, match="network volume 'weights' may or may not have been created") as raised:
        new_volume(client)
    assert raised.value.status == status
    assert len(local_runpod.calls("POST")) == 1


@pytest.mark.parametrize(("fault", "made"), [("http.cut_before", 0), ("http.cut_after", 1), ("http.truncate", 1)])
def test_a_create_whose_answer_is_lost_is_not_repeated(
    client: RunPodClient, local_runpod: LocalRunPod, fault: str, made: int
) -> None:
    """Whether the service acted cannot be known: one POST, and the object exists or not."""
    local_runpod.fault(fault, method="POST")  # type: ignore[arg-type]

    with pytest.raises(AmbiguousCreate):
        new_volume(client)
    assert len(local_runpod.calls("POST")) == 1
    assert len(client.list(NETWORK_VOLUMES)) == made


@pytest.mark.parametrize("fault", ["http.cut_before", "http.cut_after", "http.truncate"])
def test_reads_updates_and_deletes_survive_a_cut_connection(
    client: RunPodClient, local_runpod: LocalRunPod, fault: str
) -> None:
    """Each is sent again, and does what it should once."""
    made = new_volume(client)
    for method in ("GET", "PATCH", "DELETE"):
        local_runpod.fault(fault, method=method)  # type: ignore[arg-type]

    assert client.get(NETWORK_VOLUMES, made.id) == made
    client.update(NETWORK_VOLUMES, made.id, UpdateNetworkVolume.model_validate({"size": 30}))
    assert client.delete(NETWORK_VOLUMES, made.id) is True
    assert client.list(NETWORK_VOLUMES) == []


def test_an_answer_of_another_type_is_no_answer(client: RunPodClient, local_runpod: LocalRunPod) -> None:
    """A login page in between is reported as such."""
    local_runpod.fault("http.content_type", method="GET")

    with pytest.raises(UnexpectedAnswer, match=r"expected application/json, got text/html.*RUNPOD_API_BASE_URL"):
        client.list(NETWORK_VOLUMES)


def test_a_create_with_an_unreadable_answer_may_have_happened(client: RunPodClient, local_runpod: LocalRunPod) -> None:
    """201 with a body of another type: it exists, and must be found again."""
    local_runpod.fault("http.content_type", method="POST")

    with pytest.raises(AmbiguousCreate) as raised:
        new_volume(client)
    assert raised.value.status == 201
    assert len(client.list(NETWORK_VOLUMES)) == 1


def test_a_host_that_does_not_listen_is_reported_with_the_url(naps: Sleeper) -> None:
    """Also for a create: nothing was sent, so nothing is ambiguous."""
    client = RunPodClient(Settings.load({"runpod:apiKey": "k", "runpod:apiBaseUrl": "http://127.0.0.1:1"}), sleep=naps)

    with pytest.raises(
        ConnectionFailed, match=r"POST http://127.0.0.1:1/v2/network-volumes -> cannot connect"
    ) as error:
        new_volume(client)
    assert error.value.sent is False
    assert len(naps.taken) == 2


def test_a_secret_in_a_refusal_is_hidden(client: RunPodClient, local_runpod: LocalRunPod) -> None:
    """The service may quote the body; env values and passwords are taken out of the message."""
    local_runpod.fault("http.status", method="POST", status=422, detail="env.TOKEN: 'hf_s3cretvalue' is not allowed")

    with pytest.raises(Invalid, match=r"env.TOKEN: '\[secret\]' is not allowed") as raised:
        client.create(TEMPLATES, TEMPLATE)
    assert "hf_s3cretvalue" not in repr(raised.value)
    assert "hf_s3cretvalue" not in str(raised.value.problem)


def test_lists_are_read_through_all_pages(client: RunPodClient, local_runpod: LocalRunPod) -> None:
    """Page after page until the service says that there is no next one: the second holds all the rest."""
    made = [client.create(TEMPLATES, TEMPLATE) for _ in range(5)]
    local_runpod.forget_calls()
    paged = _with_limit(TEMPLATES, 2)

    assert sorted(t.model_dump()["id"] for t in client.list(paged)) == sorted(m.model_dump()["id"] for m in made)
    assert len(local_runpod.calls("GET")) == 2


def _with_limit(collection: Collection, limit: int) -> Collection:
    """The same kind, asked for in pages of this size."""
    return Collection(**{**vars(collection), "path": f"{collection.path}?limit={limit}"})


def test_workers_and_releases_of_an_endpoint_are_read(client: RunPodClient) -> None:
    """A fresh endpoint without jobs has no worker, and one release."""
    made = cast("Endpoint", client.create(ENDPOINTS, ENDPOINT))

    assert client.workers(made.id).summary.total == 0
    assert client.releases(made.id).rollout.workers_total == 0
    with pytest.raises(NotFound):
        client.workers("nothing")
    with pytest.raises(NotFound):
        client.worker_logs(made.id, "nothing")


def test_one_client_per_account_and_process(local_runpod: LocalRunPod) -> None:
    """Same URL and key: same client, so that connections, quota and lists are shared."""
    settings = Settings.load({}, local_runpod.environment)

    close_clients()
    assert client_for(settings) is client_for(Settings.load({}, local_runpod.environment))
    assert client_for(settings) is not client_for(settings.model_copy(update={"api_base_url": "http://127.0.0.1:1"}))
    assert settings.key not in repr(client_for(settings))
    close_clients()
