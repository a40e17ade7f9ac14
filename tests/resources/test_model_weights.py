"""Weights without an engine, against the real local RunPod: check, create, read, update, delete."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pulumi_runpod.client import RunPodClient
from pulumi_runpod.client.file_digests import FileDigests
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.errors import InvalidInput
from pulumi_runpod.resources.kinds.model_weights import ModelWeightsLifecycle
from pulumi_runpod.resources.values import UNKNOWN
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire.model import JsonObject
from pulumi_runpod.wire.network_volume import NETWORK_VOLUMES, CreateNetworkVolume


@pytest.fixture
def api(local_runpod: LocalRunPod) -> Iterator[RunPodClient]:
    with RunPodClient(Settings.load({}, local_runpod.environment)) as client:
        yield client


@pytest.fixture
def volume_id(api: RunPodClient) -> str:
    created = api.create(NETWORK_VOLUMES, CreateNetworkVolume(name="weights", size=10, dataCenter="EU-RO-1"))
    return str(created.model_dump()["id"])


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def weights(tmp_path: Path, lines: list[str]) -> ModelWeightsLifecycle:
    return ModelWeightsLifecycle(digests=lambda: FileDigests(tmp_path / "cache"), tell=lines.append)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "a.bin").write_bytes(b"a" * 100)
    (folder / "b.bin").write_bytes(b"b" * 100)
    return folder


@pytest.fixture
def declared(volume_id: str, folder: Path) -> JsonObject:
    source = {"kind": "directory", "path": str(folder)}
    return {"volume_id": volume_id, "data_center": "EU-RO-1", "path": "models/sdxl", "source": source}


def made(weights: ModelWeightsLifecycle, api: RunPodClient, declared: JsonObject) -> tuple[str, JsonObject]:
    created = weights.create(api, weights.check({}, declared).inputs)
    return created.id, created.outs


def test_check_adds_the_digest_and_calls_nobody(
    weights: ModelWeightsLifecycle, declared: JsonObject, local_runpod: LocalRunPod
) -> None:
    """The digest names the content, whatever the times of its files."""
    local_runpod.forget_calls()
    first = weights.check({}, declared)
    for path in Path(declared["source"]["path"]).iterdir():
        path.touch()
    again = weights.check({}, declared)

    assert first.failures == []
    assert first.inputs["digest"] == again.inputs["digest"]
    assert first.inputs["retain_on_delete"] is True
    assert local_runpod.calls() == []


def test_every_mistake_is_reported_at_once(weights: ModelWeightsLifecycle) -> None:
    """Data center, path and source, each at its property."""
    wrong: JsonObject = {"volume_id": UNKNOWN, "data_center": "US-TX-3", "path": "../x", "source": {"kind": "zip"}}

    items = [str(failure) for failure in weights.check({}, wrong).failures]

    assert [text.split(":")[0] for text in items] == ["data_center", "path", "source"]
    assert "EU-RO-1" in items[0]


def test_what_is_created_is_read_without_difference(
    weights: ModelWeightsLifecycle, api: RunPodClient, declared: JsonObject
) -> None:
    """After a create, a read gives the same inputs and outputs."""
    object_id, outs = made(weights, api, declared)

    found = weights.read(api, object_id, outs)

    assert found.outs == outs
    assert found.inputs == weights.check({}, declared).inputs
    assert (found.notices, outs["file_count"], outs["total_bytes"]) == ((), 2, 200)


@pytest.mark.parametrize("damage", ["missing", "different", "manifest"])
def test_drift_is_reported_and_mended(
    weights: ModelWeightsLifecycle, api: RunPodClient, declared: JsonObject, local_runpod: LocalRunPod, damage: str
) -> None:
    """A set that is not whole has another digest, says what is wrong, and an update mends it."""
    object_id, outs = made(weights, api, declared)
    on_disk = local_runpod.platform.volume_dir(declared["volume_id"]) / "models/sdxl"
    if damage == "missing":
        (on_disk / "a.bin").unlink()
    elif damage == "different":
        (on_disk / "a.bin").write_bytes(b"x" * 100)
    else:
        (on_disk / "READY.json").write_text("{")

    found = weights.read(api, object_id, outs)
    updated = weights.update(api, object_id, found.outs, weights.check({}, declared).inputs)

    assert found.inputs["digest"] != outs["digest"]
    assert ("READY.json" if damage == "manifest" else f"{damage}: a.bin") in found.notices[0]
    assert updated.outs == outs
    assert weights.read(api, object_id, updated.outs).notices == ()
    assert (on_disk / "a.bin").read_bytes() == b"a" * 100


def test_gone_is_reported_as_gone(
    weights: ModelWeightsLifecycle, api: RunPodClient, declared: JsonObject, volume_id: str
) -> None:
    """Nothing in the folder, and no volume at all, are both "gone", so that `up` makes it anew."""
    assert weights.read(api, "x", weights.check({}, declared).inputs).id is None
    object_id, outs = made(weights, api, declared)
    api.delete(NETWORK_VOLUMES, volume_id)

    assert weights.read(api, object_id, outs).id is None
    weights.delete(api, object_id, {**outs, "retain_on_delete": False})


def test_another_place_is_another_set(weights: ModelWeightsLifecycle, declared: JsonObject) -> None:
    """Volume, data center and path replace; a volume that is not known yet does not, nor does new content."""
    olds = weights.check({}, declared).inputs

    assert weights.diff("x", olds, {**olds, "path": "models/other"}).replaces == ("path",)
    assert weights.diff("x", olds, {**olds, "volume_id": "v2", "data_center": "US-KS-2"}).replaces == (
        "volume_id",
        "data_center",
    )
    assert weights.diff("x", olds, {**olds, "volume_id": UNKNOWN, "digest": "sha256:other"}).replaces == ()


def test_deleting_leaves_the_data_by_default(
    weights: ModelWeightsLifecycle, api: RunPodClient, declared: JsonObject, local_runpod: LocalRunPod
) -> None:
    """By default a delete makes no call; on request, it removes what the manifest names."""
    object_id, outs = made(weights, api, declared)
    on_disk = local_runpod.platform.volume_dir(declared["volume_id"])
    local_runpod.forget_calls()

    weights.delete(api, object_id, outs)
    assert local_runpod.calls() == []
    assert (on_disk / "models/sdxl/READY.json").exists()

    weights.delete(api, object_id, {**outs, "retain_on_delete": False})
    assert [path.name for path in on_disk.rglob("*")] == ["models"]


def test_a_change_of_the_way_to_delete_sends_nothing(
    weights: ModelWeightsLifecycle, api: RunPodClient, declared: JsonObject, local_runpod: LocalRunPod
) -> None:
    """No call for what lives in the state alone."""
    object_id, outs = made(weights, api, declared)
    local_runpod.forget_calls()

    updated = weights.update(api, object_id, outs, {**weights.check({}, declared).inputs, "retain_on_delete": False})

    assert updated.outs == {**outs, "retain_on_delete": False}
    assert local_runpod.calls() == []


def test_a_source_that_changes_after_the_check_is_refused(
    weights: ModelWeightsLifecycle, api: RunPodClient, declared: JsonObject, folder: Path
) -> None:
    """What is uploaded is what was looked at."""
    inputs = weights.check({}, declared).inputs
    (folder / "c.bin").write_bytes(b"c")

    with pytest.raises(InvalidInput, match="was changed since it was checked"):
        weights.create(api, inputs)


def test_an_upload_says_how_far_it_is(
    weights: ModelWeightsLifecycle, api: RunPodClient, declared: JsonObject, lines: list[str]
) -> None:
    """A line for every tenth at most, and one at the end."""
    made(weights, api, declared)

    assert [line.split(":")[0] for line in lines] == [f"weights {declared['volume_id']}/models/sdxl"] * 2


def test_urls_are_fetched_checked_and_sent_on(
    weights: ModelWeightsLifecycle, api: RunPodClient, declared: JsonObject, local_runpod: LocalRunPod, web: Any
) -> None:
    """Once there, they are not fetched again; nothing of them stays on this machine."""
    content = b"weights" * 1000
    source = {
        "kind": "urls",
        "files": [{"url": web.url(content), "sha256": hashlib.sha256(content).hexdigest(), "path": "w.bin"}],
    }

    object_id, outs = made(weights, api, {**declared, "source": source})
    weights.update(
        api, object_id, {**outs, "digest": "drifted"}, weights.check({}, {**declared, "source": source}).inputs
    )

    on_disk = local_runpod.platform.volume_dir(declared["volume_id"]) / "models/sdxl/w.bin"
    assert on_disk.read_bytes() == content
    assert web.requests == 1
    assert (outs["file_count"], outs["total_bytes"]) == (1, len(content))
    assert web.cached() == []


def test_a_url_with_another_content_is_refused(
    weights: ModelWeightsLifecycle, api: RunPodClient, declared: JsonObject, web: Any
) -> None:
    """The message has both sums and the URL without its query."""
    source = {
        "kind": "urls",
        "files": [{"url": web.url(b"other") + "?sig=hidden", "sha256": "a" * 64, "path": "w.bin"}],
    }

    with pytest.raises(Exception, match=f"not {'a' * 64}") as raised:
        made(weights, api, {**declared, "source": source})

    assert "hidden" not in str(raised.value)


def test_a_download_cut_off_goes_on(
    weights: ModelWeightsLifecycle, api: RunPodClient, declared: JsonObject, local_runpod: LocalRunPod, web: Any
) -> None:
    """The rest is asked for by range, and the sum holds for the whole."""
    content = bytes(range(256)) * 1000
    web.cut_first_at = 100_000
    source = {
        "kind": "urls",
        "files": [{"url": web.url(content), "sha256": hashlib.sha256(content).hexdigest(), "path": "w.bin"}],
    }

    made(weights, api, {**declared, "source": source})

    on_disk = local_runpod.platform.volume_dir(declared["volume_id"]) / "models/sdxl/w.bin"
    assert on_disk.read_bytes() == content
    assert web.ranges == [None, "bytes=100000-"]
