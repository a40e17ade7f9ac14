"""Which calls of the job API are refused, and with which words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from pulumi_runpod.emulator.local import LocalRunPod

if TYPE_CHECKING:
    from conftest import Hand

# The clock is frozen in these tests: times are what `advance` says.


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"[]", "body"),
        (b"{}", "input: Field required"),
        (b'{"input": 1, "policy": {"executionTimeout": 4999}}', "policy.executionTimeout"),
        (b'{"input": 1, "policy": {"ttl": 9999}}', "policy.ttl"),
        (b'{"input": 1, "policy": {"lowPriority": "yes"}}', "policy.lowPriority"),
        (b'{"input": 1, "webhook": "ftp://x"}', "webhook"),
        (b'{"input": 1, "webhook": 5}', "webhook"),
    ],
)
def test_a_malformed_job_is_refused_with_the_place_of_the_mistake(hand: Hand, body: bytes, text: str) -> None:
    """400, as `{"error": ...}`; nothing is queued."""
    answer = hand.client.post(hand.urls["run"], content=body)
    assert answer.status_code == 400
    assert text in answer.json()["error"]
    assert hand.health()["jobs"]["inQueue"] == 0


@pytest.mark.parametrize(("operation", "limit"), [("run", 10), ("runSync", 20)])
def test_a_payload_beyond_the_limit_is_a_413(hand: Hand, operation: str, limit: int) -> None:
    """Whether its length is declared beforehand or not."""
    body = b'{"input":"' + b"x" * (limit * 1024 * 1024) + b'"}'
    assert hand.client.post(hand.urls[operation], content=body).status_code == 413
    assert hand.client.post(hand.urls[operation], content=iter([body])).status_code == 413


def test_a_key_opens_job_urls_with_and_without_bearer(hand: Hand) -> None:
    """Both are in RunPod's own examples; no key, a wrong one, or none of ours is a 401."""
    key = hand.server.api_key
    for header in (f"Bearer {key}", key):
        assert httpx.get(hand.urls["health"], headers={"Authorization": header}).status_code == 200
    assert httpx.get(hand.urls["health"]).status_code == 401
    wrong = httpx.get(hand.urls["health"], headers={"Authorization": "Bearer wrong"})
    assert wrong.status_code == 401
    assert "wrong" not in wrong.text


def test_restricted_keys_open_what_they_are_made_for(hand: Hand) -> None:
    """Reading is not running, and another endpoint's key is no key here."""
    server, other = hand.server, hand.id[::-1]
    reader = server.add_key("read")
    runner = server.add_key("restricted", endpoints={hand.id: "write"})
    stranger = server.add_key("restricted", endpoints={other: "write"})

    def status(key: str, method: str, operation: str) -> int:
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.request(method, hand.urls[operation], headers=headers, json={"input": 1}).status_code

    assert status(reader, "GET", "health") == 200
    assert status(reader, "POST", "run") == 403
    assert status(runner, "POST", "run") == 200
    assert status(stranger, "GET", "health") == 403
    hand.client.post(hand.urls["purgeQueue"])


def test_unknown_endpoints_and_jobs_are_404(hand: Hand) -> None:
    """Whatever is asked of them, ids that try to leave their place included."""
    assert hand.client.get(hand.urls["health"].replace(hand.id, "nobody")).status_code == 404
    for name in ("nothing", "..%2f..%2fetc%2fpasswd", "%00"):
        for operation in ("status", "stream"):
            assert hand.client.get(hand.urls[operation].replace("{job_id}", name)).status_code == 404
        for operation in ("cancel", "retry"):
            assert hand.tell(operation, name).status_code == 404


def test_openai_is_refused_clearly(hand: Hand) -> None:
    """It says what to do instead."""
    answer = hand.client.post(f"{hand.base}/openai/v1/chat/completions", json={})
    assert answer.status_code == 400
    assert "/run" in answer.json()["error"]


def test_a_load_balancer_has_no_queue(still: LocalRunPod) -> None:
    """Its job URLs answer so."""
    body = {
        "name": "lb", "type": "LOAD_BALANCER", "image": "hand:1", "gpu": {"pools": ["ADA_24"]},
        "scaling": {"type": "REQUEST_COUNT", "requestCount": 1}, "workers": {"min": 0, "max": 1},
    }  # fmt: skip
    with httpx.Client(headers={"Authorization": f"Bearer {still.api_key}"}) as client:
        made = client.post(f"{still.api}/v2/serverless", json=body).json()
        answer = client.post(f"{still.api}/v2/{made['id']}/run", json={"input": 1})
    assert answer.status_code == 400
    assert "LOAD_BALANCER" in answer.json()["error"]


def test_job_rates_are_enforced_by_a_switch(hand: Hand) -> None:
    """The third purge within ten seconds is one too many."""
    hand.server.turn(job_rate_limits=True)
    try:
        codes = [hand.client.post(hand.urls["purgeQueue"]) for _ in range(3)]
        assert [c.status_code for c in codes] == [200, 200, 429]
        assert codes[2].headers["Retry-After"] == "10"
        hand.server.advance(10)
        assert hand.client.post(hand.urls["purgeQueue"]).status_code == 200
    finally:
        hand.server.turn(job_rate_limits=False)


def test_an_endpoint_without_workers_takes_jobs_unless_a_switch_says_no(still: LocalRunPod) -> None:
    """They wait for a maximum above zero."""
    body = {
        "name": "none", "type": "QUEUE", "image": "hand:1", "gpu": {"pools": ["ADA_24"]},
        "scaling": {"type": "QUEUE_DELAY", "queueDelay": 4}, "workers": {"min": 0, "max": 0},
    }  # fmt: skip
    with httpx.Client(headers={"Authorization": f"Bearer {still.api_key}"}) as client:
        url = client.post(f"{still.api}/v2/serverless", json=body).json()["requestUrls"]["run"]
        assert client.post(url, json={"input": 1}).status_code == 200
        still.turn(accept_without_workers=False)
        assert client.post(url, json={"input": 1}).status_code == 400
        still.turn(accept_without_workers=True)
