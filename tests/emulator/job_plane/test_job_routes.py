"""The job API over HTTP, as its clients use it: a job from its submission to its end."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from conftest import Hand

# The clock is frozen in these tests: times are what `advance` says.


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
    body = answers[0].json()
    assert body["status"] == "IN_QUEUE"
    assert hand.tell("cancel", body["id"]).json() == {"id": body["id"], "status": "CANCELLED"}


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
    """An error that is not a text is reported as JSON text: the API's `error` is a string."""
    first, second = hand.run(), hand.run()
    hand.take()
    hand.done(first, {"error": "boom", "output": {"partial": True}})
    status = hand.ask("status", first)
    assert (status["status"], status["error"], status["output"]) == ("FAILED", "boom", {"partial": True})
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


def test_the_time_to_live_can_be_set_while_a_job_waits(hand: Hand) -> None:
    """By `?ttl=` on status; afterwards the job is not found."""
    job_id = hand.run()
    hand.ask("status", job_id, ttl=20_000)
    hand.server.advance(21)
    assert hand.client.get(hand.urls["status"].replace("{job_id}", job_id)).status_code == 404
