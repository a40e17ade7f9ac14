"""The key or URL of another account: no operation takes an object for gone that lives on where it was made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from pydantic import SecretStr

from pulumi_runpod.client import RunPodClient
from pulumi_runpod.client.file_digests import FileDigests
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.errors import ObjectsVanished, OtherAccount
from pulumi_runpod.resources.kinds.model_weights import ModelWeightsLifecycle
from pulumi_runpod.resources.lifecycle import KEY_DIGEST, Lifecycle
from pulumi_runpod.resources.outcome import Created
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire.model import JsonObject
from pulumi_runpod.wire.network_volume import NETWORK_VOLUMES, CreateNetworkVolume
from tests.resources.test_lifecycle import KINDS, checked

CHANGES: dict[str, JsonObject] = {
    "endpoint": {"env": {"A": "2"}},
    "template": {"env": {"A": "2"}},
    "network volume": {"size": 20},
    "secret": {"value": "another-value"},
}


@pytest.fixture
def accounts() -> Iterator[list[LocalRunPod]]:
    """Two, which know nothing of each other."""
    with ExitStack() as stack:
        yield [stack.enter_context(LocalRunPod()) for _ in range(2)]


@pytest.fixture
def client(accounts: list[LocalRunPod]) -> Iterator[Callable[..., RunPodClient]]:
    """`client(0)`: a new process of the first account's owner; `key` another key of that account."""
    with ExitStack() as stack:

        def make(account: int, *, key: str | None = None, **settings: bool) -> RunPodClient:
            api = accounts[account]
            loaded = Settings.load({}, api.environment)
            chosen = {**settings, **({"api_key": SecretStr(key)} if key else {})}
            return stack.enter_context(closing(RunPodClient(loaded.model_copy(update=chosen), patience=0)))

        yield make


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def made(api: RunPodClient, kind: str) -> tuple[Lifecycle, JsonObject, Created]:
    lifecycle, program = KINDS[kind]
    inputs = checked(lifecycle, program)
    return lifecycle, inputs, lifecycle.create(api, inputs)


def ids(api: RunPodClient, lifecycle: Lifecycle) -> list[str]:
    return [str(found.model_dump()["id"]) for found in api.list(lifecycle.collection)]


def test_no_operation_succeeds_in_another_account(client: Callable[..., RunPodClient], kind: str) -> None:
    """Read, update and delete each end with an error that names both fingerprints, and the object lives on."""
    mine, other = client(0), client(1)
    lifecycle, inputs, created = made(mine, kind)
    both = f"(?s){mine.key_digest}.*{other.key_digest} at {re.escape(other.settings.api_base_url)}"

    with pytest.raises(ObjectsVanished, match="another key"):
        lifecycle.read(other, created.id, created.outs)
    if kind in CHANGES:
        with pytest.raises(OtherAccount, match=both):
            lifecycle.update(other, created.id, created.outs, {**inputs, **CHANGES[kind]})
    with pytest.raises(OtherAccount, match=both):
        lifecycle.delete(other, created.id, created.outs)

    assert ids(mine, lifecycle) == [created.id]


def test_an_object_deleted_by_hand_is_destroyed(client: Callable[..., RunPodClient], kind: str) -> None:
    """The key and URL are those that have seen it last."""
    lifecycle, _, created = made(client(0), kind)
    client(0).delete(lifecycle.collection, created.id)

    lifecycle.delete(client(0), created.id, created.outs)


def test_without_a_record_of_the_key_a_404_proves_nothing(client: Callable[..., RunPodClient], kind: str) -> None:
    """States of older releases hold no fingerprint."""
    lifecycle, _, created = made(client(0), kind)
    outs = {key: value for key, value in created.outs.items() if key != KEY_DIGEST}

    with pytest.raises(OtherAccount, match="a key that is not recorded"):
        lifecycle.delete(client(1), created.id, outs)
    lifecycle.delete(client(0), created.id, outs)

    assert ids(client(0), lifecycle) == []


def test_a_renewed_key_deletes_as_the_old_one_did(
    accounts: list[LocalRunPod], client: Callable[..., RunPodClient], kind: str
) -> None:
    """The service answers that the object was there."""
    lifecycle, _, created = made(client(0), kind)
    renewed = client(0, key=accounts[0].add_key("all"))

    lifecycle.delete(renewed, created.id, created.outs)

    assert ids(client(0), lifecycle) == []


def test_a_renewed_key_is_proven_by_another_object_that_the_old_one_has_seen(
    accounts: list[LocalRunPod], client: Callable[..., RunPodClient]
) -> None:
    """Found or deleted: so an object that was deleted by hand can be destroyed, too."""
    renewed = client(0, key=accounts[0].add_key("all"))
    lifecycle, _, lost = made(client(0), "template")
    volumes, _, kept = made(client(0), "network volume")
    client(0).delete(lifecycle.collection, lost.id)

    with pytest.raises(OtherAccount):
        lifecycle.delete(renewed, lost.id, lost.outs)
    volumes.delete(renewed, kept.id, kept.outs)
    lifecycle.delete(renewed, lost.id, lost.outs)


def test_what_another_key_has_made_itself_proves_nothing_of_the_rest(client: Callable[..., RunPodClient]) -> None:
    """A state that was used with two accounts: each object is looked for where it was made."""
    mine, other = client(0), client(1)
    lifecycle, _, first = made(mine, "template")
    _, _, second = made(other, "template")

    assert lifecycle.read(other, second.id, second.outs).id == second.id
    with pytest.raises(ObjectsVanished):
        lifecycle.read(other, first.id, first.outs)
    lifecycle.delete(other, second.id, second.outs)
    with pytest.raises(OtherAccount):
        lifecycle.delete(other, first.id, first.outs)

    assert ids(mine, lifecycle) == [first.id]


def test_a_404_after_a_failed_attempt_is_no_deletion_in_another_account(
    accounts: list[LocalRunPod], client: Callable[..., RunPodClient]
) -> None:
    """A retry after a 503 finds nothing here, since there never was anything."""
    lifecycle, _, created = made(client(0), "template")
    accounts[1].fault("http.status", method="DELETE", path="/v2/templates/*", status=503)

    with pytest.raises(OtherAccount):
        lifecycle.delete(client(1), created.id, created.outs)


def test_a_person_may_say_that_the_object_is_gone(client: Callable[..., RunPodClient]) -> None:
    """`RUNPOD_ACCEPT_VANISHED=1` is the way out that the message names."""
    lifecycle, _, created = made(client(0), "template")

    lifecycle.delete(client(1, accept_vanished=True), created.id, created.outs)


def test_weights_of_another_account_stay(client: Callable[..., RunPodClient], tmp_path: Path) -> None:
    """Their S3 key and endpoint are recorded by a fingerprint of their own."""
    mine, other = client(0), client(1)
    weights = ModelWeightsLifecycle(digests=lambda: FileDigests(tmp_path / "cache"), tell=lambda _: None)
    volume = mine.create(NETWORK_VOLUMES, CreateNetworkVolume(name="w", size=10, dataCenter="EU-RO-1"))
    volume_id = str(volume.model_dump()["id"])
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.bin").write_bytes(b"a")
    declared = {
        "volume_id": volume_id,
        "data_center": "EU-RO-1",
        "path": "models",
        "source": {"kind": "directory", "path": str(tmp_path / "files")},
        "retain_on_delete": False,
    }
    inputs = weights.check({}, declared).inputs
    created = weights.create(mine, inputs)

    with pytest.raises(OtherAccount, match="s3AccessKeyId"):
        weights.read(other, created.id, created.outs)
    with pytest.raises(OtherAccount, match="s3AccessKeyId"):
        weights.delete(other, created.id, created.outs)
    assert weights.read(mine, created.id, created.outs).id == created.id

    mine.delete(NETWORK_VOLUMES, volume_id)
    assert weights.read(mine, created.id, created.outs).id is None
    weights.delete(mine, created.id, created.outs)
