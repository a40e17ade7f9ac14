"""Workers, releases and cold starts, as the control plane reports them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from conftest import Hand


def control(hand: Hand, path: str, **params: object) -> dict[str, object]:
    answer = hand.client.get(f"{hand.server.api}/v2/serverless/{hand.id}{path}", params=params)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def patch(hand: Hand, **changes: object) -> None:
    hand.client.patch(f"{hand.server.api}/v2/serverless/{hand.id}", json=changes).raise_for_status()
    hand.server.advance(1)


def test_a_worker_is_reported_with_its_place_and_its_uptime(hand: Hand) -> None:
    """As the published document has it."""
    hand.take()
    hand.server.advance(90)
    answer = control(hand, "/workers")
    (worker,) = answer["workers"]  # type: ignore[misc]
    assert worker["id"] == hand.worker_id
    assert (worker["status"], worker["isStale"], worker["version"], worker["gpuCount"]) == ("IDLE", False, 1, 1)
    assert worker["image"] == "hand:1"
    assert worker["gpuTypeId"] == "NVIDIA GeForce RTX 4090"
    assert 89 <= worker["uptimeSeconds"] <= 92
    assert worker["startedAt"].endswith("Z")
    assert answer["endpointVersion"] == 1
    assert answer["summary"] == {
        "running": 0, "idle": 1, "initializing": 0, "throttled": 0, "unhealthy": 0, "total": 1,
    }  # fmt: skip


def test_the_first_release_is_the_creation(hand: Hand) -> None:
    """Without a diff, and with the creation's time."""
    answer = control(hand, "/releases")
    (first,) = answer["releases"]  # type: ignore[misc]
    assert (first["version"], first["diff"], first["source"], first["buildId"]) == (1, [], "MANUAL", None)
    assert first["createdAt"] == hand.body["createdAt"]
    assert first["workerCount"] == 1
    assert answer["rollout"] == {
        "inProgress": False, "workersOnLatest": 1, "workersTotal": 1, "percentOnLatest": 100,
    }  # fmt: skip


def test_a_rollout_is_in_progress_while_a_busy_worker_is_stale(hand: Hand) -> None:
    """Until its job is done; then all workers are on the latest release."""
    job_id = hand.run()
    hand.take()
    patch(hand, image="hand:2")
    answer = control(hand, "/releases")
    assert answer["endpointVersion"] == 2
    assert answer["rollout"] == {
        "inProgress": True, "workersOnLatest": 0, "workersTotal": 1, "percentOnLatest": 0,
    }  # fmt: skip
    newest = answer["releases"][0]  # type: ignore[index]
    assert newest["diff"] == [{"field": "template.imageName", "old": "hand:1", "new": "hand:2"}]
    assert control(hand, "/workers")["workers"][0]["isStale"]  # type: ignore[index]
    hand.done(job_id, {"output": 1})
    hand.server.advance(1)
    assert hand.ask("status", job_id)["status"] == "COMPLETED"
    rollout = control(hand, "/releases")["rollout"]
    assert rollout == {
        "inProgress": False, "workersOnLatest": 1, "workersTotal": 1, "percentOnLatest": 100,
    }  # fmt: skip


def test_releases_come_in_pages_newest_first(hand: Hand) -> None:
    """Each once, the creation last; the roll-out is on every page."""
    for n in range(2, 6):
        patch(hand, image=f"hand:{n}")
    seen, cursor, pages = [], None, 0
    while True:
        answer = control(hand, "/releases", limit=2, **({"cursor": cursor} if cursor else {}))
        seen += [r["version"] for r in answer["releases"]]  # type: ignore[attr-defined]
        assert "rollout" in answer
        pages += 1
        pagination = answer["pagination"]
        if not pagination["hasNextPage"]:  # type: ignore[index]
            break
        cursor = pagination["nextCursor"]  # type: ignore[index]
    assert (seen, pages) == ([5, 4, 3, 2, 1], 3)
    bad = hand.client.get(f"{hand.server.api}/v2/serverless/{hand.id}/releases", params={"cursor": "x"})
    assert bad.status_code == 422


def test_cold_starts_are_reported_by_phase(hand: Hand) -> None:
    """Newest first, in milliseconds, once the worker is ready."""
    url = f"{hand.server.api}/_emulator/endpoints/{hand.id}/cold-starts"
    assert hand.client.get(url).json() == {"coldStarts": []}
    hand.server.advance(3)
    hand.take()
    (start,) = hand.client.get(url).json()["coldStarts"]
    assert start["workerId"] == hand.worker_id
    assert set(start["phasesMs"]) == {"imagePull", "containerStart", "load"}
    assert start["phasesMs"]["load"] >= 3000
    assert start["totalMs"] == sum(start["phasesMs"].values())


def test_unknown_endpoints_are_404_and_keys_are_asked_for(hand: Hand) -> None:
    """As problems, on each of these routes."""
    base = f"{hand.server.api}/v2/serverless"
    for path in ("/workers", "/releases"):
        answer = hand.client.get(f"{base}/nobody{path}")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
        assert httpx.get(f"{base}/{hand.id}{path}").status_code == 401
        assert hand.client.post(f"{base}/{hand.id}{path}").status_code == 405
    assert hand.client.get(f"{hand.server.api}/_emulator/endpoints/nobody/cold-starts").status_code == 404
