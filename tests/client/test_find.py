"""Refresh by list: one call per kind however many ask, never stale after a write, and no emptied state by mistake."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import SecretStr
from raw_server import http, served

from pulumi_runpod.client import RunPodClient
from pulumi_runpod.client.lists import LONGEST_LIFE, Census, Listing, Lists
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.errors import ObjectsVanished, ServerError, UnexpectedAnswer
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire import NETWORK_VOLUMES, REGISTRIES, TEMPLATES
from pulumi_runpod.wire.model import Collection
from pulumi_runpod.wire.network_volume import CreateNetworkVolume, UpdateNetworkVolume
from pulumi_runpod.wire.registry import CreateRegistry
from pulumi_runpod.wire.template import CreateTemplate

VOLUME = CreateNetworkVolume.model_validate({"name": "v", "size": 10, "dataCenter": "EU-RO-1"})
TEMPLATE = CreateTemplate.model_validate({"name": "t", "image": "registry.example.com/team/worker:1"})
REGISTRY = CreateRegistry.model_validate({"name": "r", "username": "u", "password": "p"})


@pytest.fixture
def outsider(settings: Settings) -> Iterator[RunPodClient]:
    """Another process: its writes are not seen by the client under test."""
    with RunPodClient(settings) as outsider:
        yield outsider


def new_id(client: RunPodClient, collection: Collection) -> str:
    bodies = {TEMPLATES.kind: TEMPLATE, NETWORK_VOLUMES.kind: VOLUME, REGISTRIES.kind: REGISTRY}
    return str(client.create(collection, bodies[collection.kind]).model_dump()["id"])


def test_two_hundred_finds_of_three_kinds_are_three_calls(client: RunPodClient, local_runpod: LocalRunPod) -> None:
    """Threads that ask at the same time share one list."""
    kinds = (TEMPLATES, NETWORK_VOLUMES, REGISTRIES)
    made = [(kind, new_id(client, kind)) for kind in kinds for _ in range(66)]
    local_runpod.forget_calls()

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda one: client.find(*one), made))

    assert [f.model_dump()["id"] for f in found if f] == [object_id for _, object_id in made]
    assert sorted(call.path for call in local_runpod.calls()) == sorted(kind.path for kind in kinds)


def test_an_object_missing_from_the_list_costs_one_get_more(client: RunPodClient, local_runpod: LocalRunPod) -> None:
    """Gone is only what the service says is gone."""
    kept, lost = new_id(client, NETWORK_VOLUMES), new_id(client, NETWORK_VOLUMES)
    client.delete(NETWORK_VOLUMES, lost)
    local_runpod.forget_calls()

    assert client.find(NETWORK_VOLUMES, kept) is not None
    assert client.find(NETWORK_VOLUMES, lost) is None
    assert [call.path for call in local_runpod.calls()] == ["/v2/network-volumes", f"/v2/network-volumes/{lost}"]


def test_a_write_of_this_process_is_seen_at_once(client: RunPodClient, local_runpod: LocalRunPod) -> None:
    """Create, update and delete each make the next find ask again."""
    one = new_id(client, NETWORK_VOLUMES)
    assert client.find(NETWORK_VOLUMES, one) is not None
    client.update(NETWORK_VOLUMES, one, UpdateNetworkVolume.model_validate({"size": 77}))

    found = client.find(NETWORK_VOLUMES, one)
    assert found is not None
    assert found.model_dump()["size"] == 77


def test_without_a_write_a_list_is_used_again(client: RunPodClient, local_runpod: LocalRunPod) -> None:
    """Ten finds in a row are one call."""
    one = new_id(client, NETWORK_VOLUMES)
    local_runpod.forget_calls()
    for _ in range(10):
        client.find(NETWORK_VOLUMES, one)

    assert len(local_runpod.calls()) == 1


def test_a_failed_list_is_asked_for_again(client: RunPodClient, local_runpod: LocalRunPod) -> None:
    """An error is everybody's who waited, and is not remembered."""
    one = new_id(client, NETWORK_VOLUMES)
    local_runpod.fault("http.status", path="/v2/network-volumes", method="GET", status=503, times=5)

    with pytest.raises(ServerError):
        client.find(NETWORK_VOLUMES, one)
    assert client.find(NETWORK_VOLUMES, one) is not None


def test_a_failing_get_is_not_gone(client: RunPodClient, local_runpod: LocalRunPod, outsider: RunPodClient) -> None:
    """Missing from the list and unreadable by id is an error, not a deletion."""
    new_id(client, NETWORK_VOLUMES)
    local_runpod.fault("http.content_type", path="/v2/network-volumes/*", method="GET")

    with pytest.raises(UnexpectedAnswer):
        client.find(NETWORK_VOLUMES, "nothing")


def test_one_object_that_was_deleted_outside_is_gone(client: RunPodClient, outsider: RunPodClient) -> None:
    """Also when it was the only one."""
    one = new_id(client, NETWORK_VOLUMES)
    outsider.delete(NETWORK_VOLUMES, one)

    assert client.find(NETWORK_VOLUMES, one) is None


def test_when_all_of_a_kind_are_missing_the_account_is_asked_for(client: RunPodClient) -> None:
    """Two templates, asked for at once, and neither exists: wrong key, more likely than two deletions."""
    new_id(client, NETWORK_VOLUMES)
    barrier = threading.Barrier(2)

    def find(object_id: str) -> object:
        barrier.wait(5)
        try:
            return client.find(TEMPLATES, object_id)
        except ObjectsVanished as error:
            return error

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(find, ["t1", "t2"]))

    assert all(isinstance(outcome, ObjectsVanished) for outcome in outcomes)


def test_one_object_of_each_kind_missing_is_asked_for_too(client: RunPodClient, local_runpod: LocalRunPod) -> None:
    """A usual stack has one volume, one template and one endpoint: with another account's key, all are missing. The
    first that was asked for is believed no more than the last, though it is answered before the others are asked for.
    """
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.find, NETWORK_VOLUMES, "x1")
        while not local_runpod.calls("GET", "/v2/network-volumes/x1"):
            assert not first.done()
        with pytest.raises(ObjectsVanished, match="another account") as raised:
            client.find(TEMPLATES, "x1")
        with pytest.raises(ObjectsVanished, match="another account"):
            first.result()
    assert raised.value.kinds == (NETWORK_VOLUMES.path, TEMPLATES.path)


def test_one_missing_object_that_another_key_has_seen_is_not_believed(client: RunPodClient) -> None:
    """Asked for alone (`--parallel 1`), it can't be distinguished from the first object of another account's state."""
    with pytest.raises(ObjectsVanished, match="last seen with another key") as raised:
        client.find(NETWORK_VOLUMES, "x1", seen_with="0000000000")

    assert raised.value.ids == ("x1",)


def test_a_new_key_of_the_same_account_is_proven_by_what_is_found(client: RunPodClient, outsider: RunPodClient) -> None:
    """Keys are renewed: one object that is there, whatever its kind, and a deletion is believed again."""
    kept, lost = new_id(client, TEMPLATES), new_id(client, NETWORK_VOLUMES)
    outsider.delete(NETWORK_VOLUMES, lost)

    assert client.find(TEMPLATES, kept, seen_with="0000000000") is not None
    assert client.find(NETWORK_VOLUMES, lost, seen_with="0000000000") is None


@pytest.mark.parametrize(
    ("other_key", "found", "vanished"),
    [
        (None, None, None),
        ("0000000000", ("volumes", "0000000000"), None),
        ("0000000000", ("templates", "0000000000"), None),
        ("0000000000", ("volumes", "1111111111"), (["volumes"], ["v1"])),
        ("0000000000", None, (["volumes"], ["v1"])),
    ],
)
def test_what_a_lone_miss_means(
    other_key: str | None, found: tuple[str, str] | None, vanished: tuple[list[str], list[str]] | None
) -> None:
    """Gone, unless the key is another one and nothing that it has seen proves that the account is the same."""
    census = Census(patience=0)
    if found:
        census.found(census.begin(), *found)

    assert census.missing(census.begin(), "volumes", "v1", other_key=other_key) == vanished


def test_a_key_digest_stands_for_key_and_url_and_tells_neither(settings: Settings) -> None:
    """The same for the same account in every process, another for another key or URL."""
    others = (
        settings.model_copy(update={"api_key": SecretStr("rpa_ANOTHERKEY")}),
        settings.model_copy(update={"api_base_url": "http://127.0.0.1:1"}),
    )
    with RunPodClient(settings) as one, RunPodClient(settings) as again:
        digest = one.key_digest
        assert again.key_digest == digest
    for changed in others:
        with RunPodClient(changed) as other:
            assert other.key_digest != digest
    assert digest not in settings.key
    assert len(digest) == 10


def test_several_deletions_among_objects_that_exist_are_believed(client: RunPodClient, outsider: RunPodClient) -> None:
    """One found object of the kind proves the account."""
    kept, one, two = (new_id(client, NETWORK_VOLUMES) for _ in range(3))
    for lost in (one, two):
        outsider.delete(NETWORK_VOLUMES, lost)

    assert client.find(NETWORK_VOLUMES, kept) is not None
    assert client.find(NETWORK_VOLUMES, one) is None
    assert client.find(NETWORK_VOLUMES, two) is None


def test_whoever_says_so_is_believed(settings: Settings, local_runpod: LocalRunPod) -> None:
    """`runpod:acceptVanished` is the way out for an account that was emptied by hand."""
    with RunPodClient(settings.model_copy(update={"accept_vanished": True})) as client:
        assert client.find(TEMPLATES, "t1") is None
        assert client.find(TEMPLATES, "t2") is None


def test_a_strangers_odd_object_harms_nobody() -> None:
    """Objects that nobody asks for are not read: an old one without its fields must not stop a refresh."""
    mine = '{"id": "v1", "name": "a", "size": 10, "dataCenter": "EU-RO-1", "type": "STANDARD"}'
    listing = http("200 OK", f'{{"networkVolumes": [{{"id": "odd"}}, {{"name": "nameless"}}, {mine}]}}')
    with (
        served(listing) as server,
        RunPodClient(Settings.load({"runpod:apiKey": "k", "runpod:apiBaseUrl": server.url}, {})) as client,
    ):
        assert client.find(NETWORK_VOLUMES, "v1") is not None


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_list_grows_old() -> None:
    """A long-lived program sees what others change."""
    clock = Clock()
    lists = Lists(clock)
    fetched: list[int] = []

    def fetch() -> Listing:
        fetched.append(1)
        return {}

    lists.get("k", fetch)
    clock.now = LONGEST_LIFE
    lists.get("k", fetch)
    clock.now = LONGEST_LIFE + 1
    lists.get("k", fetch)

    assert len(fetched) == 2


def test_a_list_that_a_write_overtook_is_not_handed_on() -> None:
    """Fetched before, finished after the write: a call after the write gets a new one."""
    lists = Lists(Clock())
    started, release = threading.Event(), threading.Event()

    def slow() -> Listing:
        started.set()
        release.wait(5)
        return {"old": {}}

    with ThreadPoolExecutor(1) as pool:
        before = pool.submit(lists.get, "k", slow)
        started.wait(5)
        lists.forget()
        after = lists.get("k", lambda: {"new": {}})
        release.set()

        assert before.result() == {"old": {}}
    assert after == {"new": {}}
    assert lists.get("k", dict) == {"new": {}}
