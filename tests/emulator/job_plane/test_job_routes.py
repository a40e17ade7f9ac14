"""The job API over HTTP, as its clients use it."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from pulumi_runpod.emulator.local import LocalRunPod

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Hand

# The clock stands still in these tests: times are what `advance` says.


def test_a_job_goes_from_queue_to_result(hand: Hand) -> None:
    """IN_QUEUE, IN_PROGRESS, COMPLETED; each field appears once it is set."""
    job_id = hand.run(input={"a": [1, None]})
    assert hand.ask("status", job_id) == {"id": job_id, "status": "IN_QUEUE"}
    hand.server.advance(2)
    job = hand.take().json()
    assert job == {"id": job_id, "input": {"a": [1, None]}}
    assert hand.ask("status", job_id) == {
        "id": job_id, "status": "IN_PROGRESS", "delayTime": 2000, "workerId": hand.worker_id,
    }  # fmt: skip
    hand.server.advance(1.5)
    assert hand.done(job_id, {"output": {"x": 1}}).status_code == 200
    assert hand.ask("status", job_id) == {
        "id": job_id, "status": "COMPLETED", "delayTime": 2000, "executionTime": 1500, "output": {"x": 1},
        "workerId": hand.worker_id,
    }  # fmt: skip


def test_the_worker_gets_the_request_as_it_was_sent(hand: Hand) -> None:
    """webhook, policy, s3Config and unknown members are handed on."""
    request = {
        "input": "text", "policy": {"executionTimeout": 60_000}, "s3Config": {"bucketName": "b"}, "extra": {"y": 1},
    }  # fmt: skip
    job_id = hand.run(**request)
    assert hand.take().json() == {"id": job_id, **request}
    hand.done(job_id, {})


def test_runsync_answers_with_the_result_once_it_is_there(hand: Hand) -> None:
    """The call is held open while the worker works."""
    answers: list[httpx.Response] = []
    caller = threading.Thread(
        target=lambda: answers.append(hand.client.post(hand.urls["runSync"], json={"input": {"n": 1}}))
    )
    caller.start()
    job = hand.take().json()
    assert job["id"].startswith("sync-")
    assert not answers
    hand.done(job["id"], {"output": "done"})
    caller.join(10)
    assert answers[0].json()["output"] == "done"
    assert answers[0].json()["status"] == "COMPLETED"


def test_runsync_answers_with_the_state_when_the_wait_is_over(hand: Hand) -> None:
    """The job goes on; `wait` is time of the clock, in milliseconds."""
    answers: list[httpx.Response] = []
    caller = threading.Thread(
        target=lambda: answers.append(hand.client.post(hand.urls["runSync"], params={"wait": 5000}, json={"input": 1}))
    )
    caller.start()
    while hand.health()["jobs"]["inQueue"] == 0:
        time.sleep(0.01)
    hand.server.advance(4.9)
    assert caller.is_alive()
    hand.server.advance(0.2)
    caller.join(10)
    told = answers[0].json()
    assert told["status"] == "IN_QUEUE"
    assert hand.tell("cancel", told["id"]).json() == {"id": told["id"], "status": "CANCELLED"}


def test_status_sync_waits_for_the_end(hand: Hand) -> None:
    """Undocumented, and what RunPod's JavaScript and Go clients poll with."""
    job_id = hand.run()
    hand.take()
    url = f"{hand.base}/status-sync/{job_id}"
    answers: list[httpx.Response] = []
    caller = threading.Thread(target=lambda: answers.append(hand.client.post(url, params={"wait": 90_000})))
    caller.start()
    hand.done(job_id, {"output": 1})
    caller.join(10)
    assert answers[0].json()["status"] == "COMPLETED"


def test_reading_calls_take_get_and_post(hand: Hand) -> None:
    """Clients differ in their methods."""
    job_id = hand.run()
    for operation in ("status", "health"):
        url = hand.urls[operation].replace("{job_id}", job_id)
        assert hand.client.get(url).json() == hand.client.post(url).json()
    hand.tell("cancel", job_id)


def test_a_failed_job_tells_its_error_and_what_else_came(hand: Hand) -> None:
    """An error that is no text is told as JSON text: the API's `error` is a string."""
    first, second = hand.run(), hand.run()
    hand.take()
    hand.done(first, {"error": "boom", "output": {"partial": True}})
    told = hand.ask("status", first)
    assert (told["status"], told["error"], told["output"]) == ("FAILED", "boom", {"partial": True})
    hand.take()
    hand.done(second, {"error": {"code": 7}})
    assert hand.ask("status", second)["error"] == '{"code":7}'


def test_retry_starts_a_failed_job_again_under_its_id(hand: Hand) -> None:
    """Former output and error are gone; retries are counted."""
    job_id = hand.run(input=5)
    hand.take()
    hand.done(job_id, {"error": "boom", "output": 1})
    assert hand.tell("retry", job_id).json() == {"id": job_id, "status": "IN_QUEUE"}
    assert hand.ask("status", job_id) == {"id": job_id, "status": "IN_QUEUE", "retries": 1}
    assert hand.take().json() == {"id": job_id, "input": 5}
    hand.done(job_id, {"output": 2})
    assert hand.ask("status", job_id)["output"] == 2
    assert hand.health()["jobs"]["retried"] == 1


def test_only_failed_and_timed_out_jobs_can_be_retried(hand: Hand) -> None:
    """Anything else is a 400 that names the state."""
    job_id = hand.run()
    answer = hand.tell("retry", job_id)
    assert answer.status_code == 400
    assert "IN_QUEUE" in answer.json()["error"]
    hand.tell("cancel", job_id)


def test_a_retried_job_has_its_time_to_live_again(hand: Hand) -> None:
    """The short life of a result does not end the new attempt."""
    job_id = hand.run()
    hand.take()
    hand.done(job_id, {"error": "boom"})
    hand.server.advance(1700)
    hand.tell("retry", job_id)
    hand.server.advance(3600)
    assert hand.ask("status", job_id)["status"] == "IN_QUEUE"
    hand.tell("cancel", job_id)


def test_purge_cancels_what_waits_and_nothing_else(hand: Hand) -> None:
    """A running job goes on."""
    running, *waiting = (hand.run() for _ in range(3))
    hand.take()
    assert hand.client.post(hand.urls["purgeQueue"]).json() == {"removed": 2, "status": "completed"}
    assert [hand.ask("status", job_id)["status"] for job_id in waiting] == ["CANCELLED"] * 2
    assert hand.ask("status", running)["status"] == "IN_PROGRESS"
    hand.done(running, {})


def test_health_counts_jobs_and_workers(hand: Hand) -> None:
    """Six kinds of workers, five of jobs."""
    done, running, _waiting = (hand.run() for _ in range(3))
    hand.take()
    hand.done(done, {})
    hand.take()
    assert hand.health() == {
        "jobs": {"completed": 1, "failed": 0, "inProgress": 1, "inQueue": 1, "retried": 0},
        "workers": {"idle": 0, "initializing": 0, "ready": 1, "running": 1, "throttled": 0, "unhealthy": 0},
    }
    hand.client.post(hand.urls["purgeQueue"])
    hand.done(running, {})


def test_progress_is_shown_while_the_job_runs(hand: Hand) -> None:
    """It comes by the URL of results, and is not one."""
    job_id = hand.run()
    hand.take()
    hand.done(job_id, {"status": "IN_PROGRESS", "output": {"step": 3}})
    told = hand.ask("status", job_id)
    assert (told["status"], told["output"]) == ("IN_PROGRESS", {"step": 3})
    hand.done(job_id, {"output": "end"})
    hand.done(job_id, {"status": "IN_PROGRESS", "output": "late"})
    assert hand.ask("status", job_id)["output"] == "end"


def test_a_stream_hands_out_each_part_once(hand: Hand) -> None:
    """Parts since the last call, then the rest together with the end."""
    job_id = hand.run()
    hand.take()
    hand.part(job_id, "a")
    hand.part(job_id, {"b": 1})
    assert hand.ask("stream", job_id) == {
        "id": job_id, "status": "IN_PROGRESS", "stream": [{"output": "a"}, {"output": {"b": 1}}],
    }  # fmt: skip
    hand.part(job_id, 3)
    hand.done(job_id, {"output": []}, stream=True)
    assert hand.ask("stream", job_id) == {"id": job_id, "status": "COMPLETED", "stream": [{"output": 3}]}
    assert hand.ask("stream", job_id)["stream"] == []


def test_a_stream_waits_for_the_next_part(hand: Hand) -> None:
    """Clients that ask without pause are held, not fed with nothing."""
    job_id = hand.run()
    hand.take()
    answers: list[dict[str, Any]] = []
    caller = threading.Thread(target=lambda: answers.append(hand.ask("stream", job_id, wait=90_000)))
    caller.start()
    time.sleep(0.05)
    assert not answers
    hand.part(job_id, "x")
    caller.join(10)
    assert answers[0]["stream"] == [{"output": "x"}]
    hand.done(job_id, {})


def test_a_large_part_is_split(hand: Hand) -> None:
    """No part is larger than 1 MB, and nothing is lost."""
    job_id = hand.run()
    hand.take()
    text = "é" * 900_000
    hand.part(job_id, text)
    parts = [p["output"] for p in hand.ask("stream", job_id)["stream"]]
    assert "".join(parts) == text
    assert max(len(p.encode()) for p in parts) <= 1024 * 1024
    hand.done(job_id, {})


@pytest.mark.parametrize(
    ("body", "told"),
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
def test_a_malformed_job_is_refused_with_the_place_of_the_mistake(hand: Hand, body: bytes, told: str) -> None:
    """400, as `{"error": ...}`; nothing is queued."""
    answer = hand.client.post(hand.urls["run"], content=body)
    assert answer.status_code == 400
    assert told in answer.json()["error"]
    assert hand.health()["jobs"]["inQueue"] == 0


@pytest.mark.parametrize(("operation", "limit"), [("run", 10), ("runSync", 20)])
def test_a_payload_beyond_the_limit_is_a_413(hand: Hand, operation: str, limit: int) -> None:
    """Whether its length is told beforehand or not."""
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
    """Its job URLs say so."""
    body = {
        "name": "lb", "type": "LOAD_BALANCER", "image": "hand:1", "gpu": {"pools": ["ADA_24"]},
        "scaling": {"type": "REQUEST_COUNT", "requestCount": 1}, "workers": {"min": 0, "max": 1},
    }  # fmt: skip
    with httpx.Client(headers={"Authorization": f"Bearer {still.api_key}"}) as client:
        made = client.post(f"{still.api}/v2/serverless", json=body).json()
        answer = client.post(f"{still.api}/v2/{made['id']}/run", json={"input": 1})
    assert answer.status_code == 400
    assert "LOAD_BALANCER" in answer.json()["error"]


def test_the_time_to_live_can_be_set_while_a_job_waits(hand: Hand) -> None:
    """By `?ttl=` on status; afterwards the job is not found."""
    job_id = hand.run()
    hand.ask("status", job_id, ttl=20_000)
    hand.server.advance(21)
    assert hand.client.get(hand.urls["status"].replace("{job_id}", job_id)).status_code == 404


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


class Hook:
    """A webhook's other side: what it got, and the status codes that it answers, the last one for ever."""

    def __init__(self, *codes: int) -> None:
        self.got: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.codes = list(codes)
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                hook.got.append((dict(self.headers), httpx.Response(200, content=raw).json()))
                self.send_response(hook.codes.pop(0) if len(hook.codes) > 1 else hook.codes[0])
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        self.thread = threading.Thread(target=lambda: self.server.serve_forever(0.01))
        self.thread.start()

    def wait(self, count: int) -> None:
        deadline = time.monotonic() + 10
        while len(self.got) < count:
            assert time.monotonic() < deadline, f"{len(self.got)} of {count} calls"
            time.sleep(0.01)

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook(500, 500, 500)
    yield hook
    hook.close()


def test_a_webhook_hears_of_the_end_with_input_and_result(hand: Hand) -> None:
    """The whole job object, and what was sent; once it answers 200, never again."""
    hook = Hook(200)
    try:
        job_id = hand.run(input={"p": 1}, webhook=hook.url)
        hand.take()
        hand.done(job_id, {"output": 2})
        hook.wait(1)
        headers, body = hook.got[0]
        assert headers["Content-Type"] == "application/json"
        assert headers["User-Agent"] == "Go-http-client/2.0"
        assert body["input"] == {"p": 1}
        assert (body["id"], body["status"], body["output"]) == (job_id, "COMPLETED", 2)
        assert body["webhook"] == hook.url
        time.sleep(0.05)
        hand.server.advance(100)
        time.sleep(0.05)
        assert len(hook.got) == 1
    finally:
        hook.close()


def test_a_webhook_is_tried_three_times_ten_seconds_apart(hand: Hand, hook: Hook) -> None:
    """Then no more; the job stays as it is."""
    job_id = hand.run(webhook=hook.url)
    hand.take()
    hand.done(job_id, {"output": 2})
    for made in (1, 2, 3):
        hook.wait(made)
        time.sleep(0.1)
        hand.server.advance(9.9)
        assert len(hook.got) == made
        hand.server.advance(0.2)
    time.sleep(0.1)
    hand.server.advance(100)
    time.sleep(0.1)
    assert len(hook.got) == 3
    assert hand.ask("status", job_id)["status"] == "COMPLETED"


def test_a_webhook_hears_of_a_cancel_unless_a_switch_says_no(hand: Hand) -> None:
    """CANCELLED is an end, too; the service does not say."""
    hook = Hook(200)
    try:
        hand.tell("cancel", hand.run(webhook=hook.url))
        hook.wait(1)
        assert hook.got[0][1]["status"] == "CANCELLED"
        hand.server.turn(webhook_states=("COMPLETED", "FAILED"))
        hand.tell("cancel", hand.run(webhook=hook.url))
        time.sleep(0.1)
        assert len(hook.got) == 1
    finally:
        hand.server.turn(webhook_states=("COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"))
        hook.close()


def test_a_webhook_that_is_owed_is_called_after_a_restart(tmp_path: Path, hook: Hook) -> None:
    """What was not delivered before the end of the process is tried by the next one."""
    body = {
        "name": "e", "type": "QUEUE", "image": "hand:1", "gpu": {"pools": ["ADA_24"]},
        "scaling": {"type": "QUEUE_DELAY", "queueDelay": 4}, "workers": {"min": 0, "max": 0},
    }  # fmt: skip
    for attempts in (1, 2):
        with LocalRunPod(state_dir=tmp_path) as own:
            if attempts == 1:
                with httpx.Client(headers={"Authorization": f"Bearer {own.api_key}"}) as client:
                    urls = client.post(f"{own.api}/v2/serverless", json=body).json()["requestUrls"]
                    job_id = client.post(urls["run"], json={"input": 1, "webhook": hook.url}).json()["id"]
                    client.post(urls["cancel"].replace("{job_id}", job_id)).raise_for_status()
            hook.wait(attempts)
    assert [body["id"] for _, body in hook.got] == [job_id] * 2
