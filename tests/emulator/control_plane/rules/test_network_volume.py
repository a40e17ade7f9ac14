"""Volumes: where they can be, what uses them, and the directory of each."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from pulumi_runpod.emulator.local import LocalRunPod


@pytest.mark.parametrize(
    ("changes", "status", "result"),
    [
        ({"dataCenter": "US-TX-3"}, 400, "does not support network volumes; supported: EU-CZ-1"),
        ({"dataCenter": "MOON-1"}, 400, "supported: EU-CZ-1"),
        ({"type": "HIGH_PERFORMANCE"}, 400, "it has: STANDARD"),
        ({"size": 9}, 422, "$.size: minimum: got 9, want 10"),
        ({"size": 4097}, 422, "$.size: maximum: got 4097, want 4096"),
        ({"size": "20"}, 422, "$.size: got string, want integer"),
        ({"size": True}, 422, "$.size: got boolean, want integer"),
        ({"name": ""}, 422, "$.name: minLength"),
        ({"name": None}, 422, "$.name: got null, want string"),
    ],
)
def test_a_volume_that_cannot_be_is_refused(api: httpx.Client, changes: Any, status: int, result: str) -> None:
    """400 lists where volumes can be; 422 names the field."""
    answer = api.post("/v2/network-volumes", json={"name": "v", "size": 20, "dataCenter": "EU-RO-1", **changes})
    text = " ".join([answer.json()["detail"], *answer.json().get("errors", [])])

    assert answer.status_code == status
    assert result in text


def test_a_tier_that_the_data_center_has_is_taken(make: Any) -> None:
    """High performance where it exists; standard is the primary tier."""
    assert make.volume(dataCenter="US-KS-2", type="HIGH_PERFORMANCE")["type"] == "HIGH_PERFORMANCE"
    assert make.volume(dataCenter="US-KS-2")["type"] == "STANDARD"


def test_an_empty_update_is_422(api: httpx.Client, make: Any) -> None:
    """At least one field."""
    answer = api.patch(f"/v2/network-volumes/{make.volume()['id']}", json={})

    assert answer.json()["errors"] == ["$: minProperties: got 0, want 1"]


def test_a_volume_in_use_stays_by_default(runpod: LocalRunPod, api: httpx.Client, make: Any) -> None:
    """400 names the endpoint; with the switch it goes, and the endpoint keeps the dead id and can be edited."""
    volume = make.volume()["id"]
    user = make.endpoint(networkVolumes=[volume])["id"]
    refused = api.delete(f"/v2/network-volumes/{volume}")

    assert refused.status_code == 400
    assert user in refused.json()["detail"]
    runpod.turn(volume_delete="allow")
    assert api.delete(f"/v2/network-volumes/{volume}").status_code == 204
    edited = api.patch(f"/v2/serverless/{user}", json={"name": "other"})
    assert edited.json()["networkVolumes"] == [volume]


def test_a_volume_is_a_directory_from_birth_to_end(runpod: LocalRunPod, api: httpx.Client, make: Any) -> None:
    """There when it is asked for, gone with the volume, files included."""
    made = make.volume()
    folder = runpod.call(lambda p: p.volume_dir(made["id"]))
    (folder / "models").mkdir()
    api.delete(f"/v2/network-volumes/{made['id']}")

    assert not folder.exists()
