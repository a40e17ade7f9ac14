"""The worker's side over HTTP, as RunPod's SDK uses it."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest

if TYPE_CHECKING:
    from conftest import Hand


def lines(hand: Hand) -> list[str]:
    log = hand.server.call(lambda p: p.scheduler.logs.of(hand.id, hand.worker_id))  # type: ignore[attr-defined]
    return [line.text for line in log.lines(source="system")]


def status_of(hand: Hand) -> str | None:
    url = f"{hand.server.api}/v2/serverless/{hand.id}/workers"
    found = [w["status"] for w in hand.client.get(url).json()["workers"] if w["id"] == hand.worker_id]
    return found[0] if found else None


def test_the_first_take_makes_a_worker_ready(hand: Hand) -> None:
    """INITIALIZING until its program asks for a job."""
    assert status_of(hand) == "INITIALIZING"
    hand.take()
    assert status_of(hand) == "IDLE"


def test_an_empty_take_is_held_and_then_answered_with_204(hand: Hand) -> None:
    """The SDK would ask again at once."""
    began = time.monotonic()
    answer = hand.take()
    assert (answer.status_code, answer.content) == (204, b"")
    assert time.monotonic() - began >= 0.25


def test_a_held_take_is_answered_as_soon_as_a_job_comes(hand: Hand, patient: None) -> None:
    """Long before the hold is over."""
    answers: list[httpx.Response] = []
    taker = threading.Thread(target=lambda: answers.append(hand.take()))
    taker.start()
    time.sleep(0.05)
    job_id = hand.run()
    taker.join(10)
    assert answers[0].headers["content-type"] == "application/json"
    assert answers[0].json()["id"] == job_id
    hand.done(job_id, {})


def test_a_batch_take_gets_a_list_of_at_most_its_size(hand: Hand) -> None:
    """What waits, oldest first."""
    jobs = [hand.run() for _ in range(3)]
    assert [j["id"] for j in hand.take_batch(2).json()] == jobs[:2]
    assert [j["id"] for j in hand.take_batch(2, busy=True).json()] == jobs[2:]
    assert hand.take_batch(2, busy=True).status_code == 204
    for job_id in jobs:
        hand.done(job_id, {})


@pytest.mark.parametrize(
    ("body", "status", "output"),
    [
        ({"output": {"images": [1], "seed": 1}}, "COMPLETED", {"images": [1], "seed": 1}),
        ({"output": "text"}, "COMPLETED", "text"),
        ({"output": None}, "COMPLETED", None),
        ({}, "COMPLETED", ...),
        ({"output": []}, "COMPLETED", []),
        ({"error": "boom"}, "FAILED", ...),
        ({"error": {"code": 1}, "output": {"extra": 1}}, "FAILED", {"extra": 1}),
    ],
)
def test_each_captured_result_ends_the_job_as_it_does_on_the_service(
    hand: Hand, body: dict[str, object], status: str, output: object
) -> None:
    """Bodies as the SDK posts them for each outcome of a handler."""
    job_id = hand.run()
    hand.take()
    assert hand.done(job_id, body).status_code == 200
    result = hand.ask("status", job_id)
    assert (result["status"], result.get("output", ...)) == (status, output)


def test_text_in_any_script_survives(hand: Hand) -> None:
    """Input and output are passed on as they are."""
    text = 'é\u2028"\\ 漢字 🦊'
    job_id = hand.run(input=text)
    assert hand.take().json()["input"] == text
    hand.done(job_id, {"output": text})
    assert hand.ask("status", job_id)["output"] == text


@pytest.mark.parametrize("body", [b"not json", b'{"output": NaN}', b"[]", b""])
def test_a_result_that_is_no_json_fails_the_job_instead_of_losing_it(hand: Hand, body: bytes) -> None:
    """The client would wait for ever else."""
    job_id = hand.run()
    hand.take()
    assert hand.done(job_id, body).status_code == 400
    status = hand.ask("status", job_id)
    assert (status["status"], status["error"]) == ("FAILED", "the worker's result is not valid JSON")


def test_an_output_beyond_the_limit_fails_the_job(hand: Hand) -> None:
    """10 MB for /run; the error says what to do."""
    job_id = hand.run()
    hand.take()
    answer = hand.done(job_id, b'{"output":"' + b"x" * 11 * 1024 * 1024 + b'"}')
    assert answer.status_code == 413
    assert "return a URL" in hand.ask("status", job_id)["error"]


def test_the_job_id_may_come_by_header_alone(hand: Hand) -> None:
    """The SDK's own simulator has no job id in the path."""
    job_id = hand.run()
    hand.take()
    url = f"{hand.base}/job-done/{hand.worker_id}?gpu=x&isStream=false"
    hand.worker.post(url, content=b'{"output": 1}', headers={"X-Request-ID": job_id})
    assert hand.ask("status", job_id)["status"] == "COMPLETED"


def test_a_result_of_another_workers_job_changes_nothing(hand: Hand) -> None:
    """A worker is listed with the jobs that it holds."""
    job_id = hand.run()
    assert hand.done(job_id, {"output": "forged"}).status_code == 200
    assert hand.ask("status", job_id)["status"] == "IN_QUEUE"
    hand.tell("cancel", job_id)


def test_a_cancel_reaches_the_stop_channel_at_once(hand: Hand, patient: None) -> None:
    """A held poll is answered with the job's id, and again while the worker goes on."""
    job_id = hand.run()
    hand.take()
    answers: list[httpx.Response] = []
    listener = threading.Thread(target=lambda: answers.append(hand.stop()))
    listener.start()
    time.sleep(0.05)
    hand.tell("cancel", job_id)
    listener.join(10)
    assert answers[0].json() == {"jobsToStop": [job_id]}
    assert hand.stop().json() == {"jobsToStop": [job_id]}
    assert status_of(hand) == "RUNNING"
    other = hand.run()
    assert hand.take(busy=False).json()["id"] == other
    hand.done(other, {})
    assert status_of(hand) == "IDLE"


def test_a_heartbeat_frees_the_place_of_a_stopped_job(hand: Hand) -> None:
    """Concurrent workers ask while others of their jobs run: their pings tell what they hold."""
    first, second = hand.run(), hand.run()
    hand.take_batch(2)
    hand.tell("cancel", first)
    hand.stop()
    hand.ping(job_id=second)
    hand.server.advance(11)
    assert status_of(hand) == "RUNNING"
    assert hand.ask("status", second)["status"] == "IN_PROGRESS"
    hand.done(second, {})


def test_an_unhealthy_report_is_in_the_system_log(hand: Hand) -> None:
    """The check's name and its reason."""
    hand.ping(status="unhealthy", check="weights_present", reason="RuntimeError: no weights")
    assert "unhealthy: check weights_present failed: RuntimeError: no weights" in lines(hand)


def test_stop_pod_recycles_the_worker(hand: Hand) -> None:
    """The result counts, the worker goes, and it never gets the job that waits."""
    first, second = hand.run(), hand.run()
    hand.take()
    hand.done(first, {"output": 1, "stopPod": True})
    assert hand.ask("status", first)["status"] == "COMPLETED"
    assert status_of(hand) is None
    old = hand.worker_id
    hand.server.advance(1)
    hand.adopt()
    assert hand.worker_id != old
    assert hand.take().json()["id"] == second
    hand.done(second, {})


def test_an_ending_worker_is_answered_with_nothing(hand: Hand, patient: None) -> None:
    """Its polls come back, so that a draining SDK can leave."""
    taker = threading.Thread(target=hand.take)
    taker.start()
    time.sleep(0.1)
    url = f"{hand.server.api}/v2/serverless/{hand.id}"
    hand.client.patch(url, json={"workers": {"min": 0, "max": 0, "idleTimeout": 60}}).raise_for_status()
    taker.join(5)
    assert not taker.is_alive()


def test_only_the_workers_own_key_opens_its_routes(hand: Hand) -> None:
    """Not the account's, not another worker's, and refusals are slow: the SDK would spin."""
    url = f"{hand.base}/job-take/{hand.worker_id}?gpu=x"
    began = time.monotonic()
    for key in (hand.server.api_key, "", "wrong"):
        assert httpx.get(url, headers={"Authorization": key}).status_code == 401
    assert time.monotonic() - began >= 3
    unknown = url.replace(hand.worker_id, "nobody")
    assert hand.worker.get(unknown).status_code == 401


def test_a_client_that_goes_away_while_it_waits_loses_no_job(hand: Hand, patient: None) -> None:
    """Its poll is closed with it, and the next one gets the job."""
    worker = hand.server.call(lambda p: p.scheduler.worker(hand.id, hand.worker_id)[1])  # type: ignore[attr-defined,index]
    where = urlsplit(hand.base)
    key = hand.worker.headers["Authorization"]
    for _ in range(20):
        with socket.create_connection((where.hostname or "", where.port or 0)) as raw:
            raw.sendall(
                f"GET {where.path}/job-take/{hand.worker_id}?gpu=x&job_in_progress=0 HTTP/1.1\r\n"
                f"Host: {where.netloc}\r\nAuthorization: {key}\r\n\r\n".encode()
            )
            deadline = time.monotonic() + 5
            while hand.server.call(lambda _: worker.poll) is None:
                assert time.monotonic() < deadline
    job_id = hand.run()
    assert hand.take().json()["id"] == job_id
    hand.done(job_id, {})


def test_a_job_that_never_reached_its_worker_is_handed_over_again(hand: Hand) -> None:
    """The worker asks anew and says that it has none; once more of that, and the job fails with the reason."""
    job_id = hand.run()
    assert hand.take().json()["id"] == job_id
    assert hand.take(busy=False).json()["id"] == job_id
    hand.take(busy=False)
    status = hand.ask("status", job_id)
    assert (status["status"], status["retries"]) == ("FAILED", 1)
    assert "without a result" in status["error"]


def test_an_unreported_job_waits_for_its_timeout_by_a_switch(hand: Hand) -> None:
    """What a worker says of itself is then not believed."""
    hand.server.turn(unreported_job="wait")
    job_id = hand.run()
    hand.take()
    hand.take(busy=False)
    assert hand.ask("status", job_id)["status"] == "IN_PROGRESS"
    hand.server.advance(61)
    assert hand.ask("status", job_id)["status"] == "TIMED_OUT"
    hand.server.turn(unreported_job="retry")


def test_a_crash_fault_kills_the_worker_that_took_the_job(hand: Hand) -> None:
    """The job is tried again by its successor."""
    hand.server.fault("worker.crash", target=hand.id)
    job_id = hand.run()
    hand.take()
    deadline = time.monotonic() + 10
    while hand.ask("status", job_id)["status"] != "IN_QUEUE":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert hand.ask("status", job_id)["retries"] == 1
    hand.server.advance(1)
    hand.adopt()
    assert hand.take().json()["id"] == job_id
    hand.done(job_id, {})


def test_an_out_of_memory_fault_is_named_in_log_and_error(hand: Hand) -> None:
    """137, and why."""
    hand.server.turn(worker_loss_retries=0)
    hand.server.fault("worker.out_of_memory", target=hand.id)
    job_id = hand.run()
    hand.take()
    deadline = time.monotonic() + 10
    while (status := hand.ask("status", job_id))["status"] != "FAILED":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    hand.server.turn(worker_loss_retries=1)
    assert "out of memory" in status["error"]
    assert "container exited with code 137 (out of memory: killed)" in lines(hand)


def test_a_hanging_worker_never_reports_and_times_out(hand: Hand) -> None:
    """Its process is frozen; the execution timeout ends job and worker."""
    hand.server.fault("worker.hang", target=hand.id)
    job_id = hand.run(policy={"executionTimeout": 5000})
    hand.take()
    time.sleep(0.3)
    hand.server.advance(6)
    assert hand.ask("status", job_id)["status"] == "TIMED_OUT"
    assert status_of(hand) is None


def test_a_worker_that_falls_silent_is_killed(hand: Hand) -> None:
    """In real time, once it has pinged at all."""
    hand.server.turn(heartbeat_limit=0.1)
    hand.take()
    time.sleep(0.2)
    assert status_of(hand) == "IDLE"
    hand.ping()
    deadline = time.monotonic() + 5
    while status_of(hand) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    hand.server.turn(heartbeat_limit=60)
    assert any("no heartbeat" in line for line in lines(hand))
