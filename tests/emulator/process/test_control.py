"""What a test does to the local RunPod itself, over HTTP and in Python."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from pulumi_runpod.emulator.local import LocalRunPod


def test_reset_empties_the_account(runpod: LocalRunPod, api: httpx.Client, make: Any) -> None:
    """Objects, files, keys, faults, calls and switches are as on the first day."""
    made = make.volume()
    make.endpoint(networkVolumes=[made["id"]])
    key = runpod.add_key("all")
    runpod.fault("http.status", times=None, path="/v2/serverless")
    runpod.turn(worker_quota=1)

    assert api.post("/_emulator/reset").status_code == 204
    assert api.get("/v2/serverless").json()["endpoints"] == []
    assert not runpod.call(lambda p: list((p.state_dir / "volumes").iterdir()))
    assert httpx.get(f"{runpod.api}/v2/serverless", headers={"Authorization": f"Bearer {key}"}).status_code == 401
    assert len(runpod.calls()) == 2
    assert runpod.call(lambda p: p.switches.worker_quota) == 60


def test_the_clock_moves_over_http(api: httpx.Client) -> None:
    """Frozen time moves by what it is given; a move backwards is refused."""
    before = api.get("/_emulator/clock").json()
    after = api.post("/_emulator/clock", json={"advance": 3600}).json()

    assert before["frozen"]
    assert datetime.fromisoformat(after["now"]) - datetime.fromisoformat(before["now"]) == timedelta(hours=1)
    assert api.post("/_emulator/clock", json={"advance": -1}).status_code == 422


def test_created_at_is_the_clocks_time(runpod: LocalRunPod, make: Any) -> None:
    """Nothing reads another clock."""
    runpod.advance(86_400)
    now = runpod.call(lambda p: p.clock.timestamp())

    assert make.endpoint()["createdAt"] == now


def test_a_switch_is_turned_alone(runpod: LocalRunPod, api: httpx.Client) -> None:
    """The others stay; unknown names and values are refused with the place."""
    body = api.patch("/_emulator/switches", json={"workerQuota": 5}).json()
    wrong = api.patch("/_emulator/switches", json={"workerQuota": -1, "bogus": True})

    assert (body["workerQuota"], body["omittedTimeoutMs"]) == (5, 0)
    assert wrong.status_code == 422
    assert {e.split(":")[0] for e in wrong.json()["errors"]} == {"workerQuota", "bogus"}
    with pytest.raises(ValidationError):
        runpod.turn(bogus=True)


def test_calls_are_counted_by_method_and_path(runpod: LocalRunPod, api: httpx.Client, make: Any) -> None:
    """Globs cross slashes; the control API itself is not counted; forgetting starts anew."""
    runpod.forget_calls()
    made = make.volume()
    api.patch(f"/v2/network-volumes/{made['id']}", json={"size": 10})
    api.get("/_emulator/clock")

    assert [(c.method, c.status) for c in runpod.calls()] == [("POST", 201), ("PATCH", 400)]
    assert len(runpod.calls("PATCH", "/v2/network-volumes/*")) == 1
    assert api.get("/_emulator/requests?method=POST").json()["total"] == 1
    api.delete("/_emulator/requests")
    assert runpod.calls() == []


def test_the_log_of_calls_is_bounded(runpod: LocalRunPod) -> None:
    """The last 10,000 are kept."""

    def flood(platform: Any) -> int:
        for n in range(12_000):
            platform.request_log.add("GET", f"/{n}", 200, 0.0)
        return len(platform.request_log.calls())

    assert runpod.call(flood) == 10_000
    assert runpod.calls()[0].path == "/2000"


@pytest.mark.parametrize("quota", ["q=0;w=3", "x", "q=1", "q=5;w=0", '"m;q=1;w=1'])
def test_a_quota_that_makes_no_sense_is_refused(runpod: LocalRunPod, api: httpx.Client, quota: str) -> None:
    """With what to write instead."""
    answer = api.put("/_emulator/quota", json={"quota": quota})

    assert answer.status_code == 422
    assert "q=CALLS;w=SECONDS" in answer.json()["detail"]
    with pytest.raises(ValueError, match="q=CALLS"):
        runpod.limit(quota)


def test_windows_of_a_quota_pass_with_the_clock(runpod: LocalRunPod, api: httpx.Client) -> None:
    """Two windows: the short one refills after 3 s, the long one does not; no quota, no headers."""
    runpod.limit('q=2;w=3, "hour";q=3;w=3600')

    def statuses(count: int) -> list[int]:
        return [api.get("/v2/registries").status_code for _ in range(count)]

    assert statuses(3) == [200, 200, 429]
    runpod.advance(3)
    assert statuses(2) == [200, 429]
    response = api.get("/v2/registries")
    assert response.headers["ratelimit-policy"] == '"3s";q=2;w=3, "hour";q=3;w=3600'
    assert response.json()["detail"] == "rate limit exceeded for the hour window"
    runpod.limit("")
    assert "ratelimit" not in api.get("/v2/registries").headers
