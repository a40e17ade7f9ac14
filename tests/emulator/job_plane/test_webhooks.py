"""Who is called when a job ends, how often, and with what."""

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

# The clock is frozen in these tests: times are what `advance` says.


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
        deadline = time.monotonic() + 60
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
