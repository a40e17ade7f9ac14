"""Who gets a request, and who does not: health, waiting, scaling, idle workers, affinity, and ends of either side."""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.emulator.platform.switches import Switches
from tests.waiting import eventually

if TYPE_CHECKING:
    from conftest import Balanced

NOON = 1_778_444_800.0
Make = Callable[..., "Balanced"]


def test_the_first_request_starts_a_worker_and_waits_for_it(make: Make) -> None:
    """From none to one; the worker is INITIALIZING until its ping says 200."""
    balanced = make(workers={"min": 0, "max": 1, "idleTimeout": 60})
    balanced.ping_file.write_text("204")
    assert balanced.workers() == []

    asked = balanced.later("GET", f"{balanced.base}/x")
    balanced.wait_for("INITIALIZING")
    assert balanced.load() == (1, 0)
    balanced.ping_file.unlink()

    assert asked.answer().status_code == 200
    eventually(lambda: balanced.load() == (0, 0))
    (start,) = balanced.client.get(f"{balanced.server.api}/_emulator/endpoints/{balanced.id}/cold-starts").json()[
        "coldStarts"
    ]
    assert start["workerId"] == balanced.workers()[0]["id"]


def test_a_request_that_nobody_takes_is_answered_after_two_minutes(make: Make) -> None:
    """400, not before, and it says what the workers are at."""
    balanced = make()
    balanced.ping_file.write_text("204")
    asked = balanced.later("GET", f"{balanced.base}/x")
    eventually(lambda: balanced.load() == (1, 0))

    balanced.server.advance(119)
    assert balanced.load() == (1, 0)
    balanced.server.advance(1)

    result = asked.answer()
    assert result.status_code == 400
    assert result.json()["error"].startswith("no workers available: none took the request within 120 s (1 INITIALIZING")


@pytest.mark.parametrize(("status", "shown"), [("503", "UNHEALTHY"), ("204", "INITIALIZING"), ("302", "UNHEALTHY")])
def test_a_worker_whose_ping_is_not_200_gets_no_requests(make: Make, status: str, shown: str) -> None:
    """They wait until it is healthy again; its log tells both."""
    balanced = make()
    balanced.wait_for("IDLE")
    balanced.ping_file.write_text(status)
    balanced.wait_for(shown)

    asked = balanced.later("GET", f"{balanced.base}/x")
    balanced.wait_for(shown)
    balanced.ping_file.unlink()

    assert asked.answer().status_code == 200
    lines = balanced.log()
    assert any(line.startswith(f"ping: status {status}: ") for line in lines)
    assert "ping: status 200: healthy again, gets requests" in lines


def test_a_hanging_worker_leaves_the_rotation(make: Make) -> None:
    """No answer to its ping is one that is not 200; after eight minutes it is replaced."""
    balanced = make()
    balanced.wait_for("IDLE")
    balanced.server.turn(ping_timeout=0.3)
    (worker,) = balanced.workers()
    balanced.server.fault("worker.hang", target=balanced.id)

    asked = balanced.later("GET", f"{balanced.base}/hold")
    balanced.wait_for("UNHEALTHY")
    balanced.server.advance(481)
    balanced.server.turn(ping_timeout=5.0)

    assert asked.answer().status_code in (502, 524)
    balanced.wait_for("IDLE")
    assert balanced.workers()[0]["id"] != worker["id"]


def test_a_worker_that_never_listens_is_ended_after_eight_minutes(make: Make) -> None:
    """And not before: it may be loading."""
    balanced = make(image="deaf:1")
    balanced.wait_for("INITIALIZING")
    balanced.server.advance(478)
    assert balanced.statuses() == ["INITIALIZING"]

    balanced.server.advance(3)

    eventually(lambda: balanced.statuses() == ["UNHEALTHY"])
    assert any(line == "unhealthy: not ready within 480 s" for line in balanced.log())


def test_a_healthy_worker_whose_port_is_closed_gives_502(make: Make) -> None:
    """Only its health port is open: the service's answer for ports that are not opened."""
    balanced = make(env={"PORT_HEALTH": "9000", "ONLY_HEALTH": "1"})
    balanced.wait_for("IDLE")

    response = balanced.client.get(f"{balanced.base}/x")

    assert response.status_code == 502
    assert "nothing listens on its port" in response.json()["error"]
    eventually(lambda: balanced.load() == (0, 0))


def test_the_health_path_is_the_endpoint_s_own(make: Make) -> None:
    """HEALTH_CHECK_PATH."""
    balanced = make(env={"HEALTH_CHECK_PATH": "/anything/else"})
    balanced.ping_file.write_text("500")

    balanced.wait_for("IDLE")


def test_requests_in_flight_make_the_endpoint_grow(make: Make) -> None:
    """ceil(requests / count), within the maximum; each goes to the worker with the fewest."""
    balanced = make(
        workers={"min": 0, "max": 2, "idleTimeout": 30}, scaling={"type": "REQUEST_COUNT", "requestCount": 2}
    )
    first = [balanced.later("GET", f"{balanced.base}/hold") for _ in range(2)]
    balanced.wait_for("RUNNING")
    second = [balanced.later("GET", f"{balanced.base}/hold")]
    balanced.wait_for("RUNNING", "IDLE")
    third = balanced.later("GET", f"{balanced.base}/hold")
    balanced.wait_for("RUNNING", "RUNNING")
    balanced.hold_file.touch()

    served = [asked.answer().json()["worker"] for asked in [*first, *second, third]]

    assert served.count(served[0]) == 3
    assert served[3] != served[0]


def test_a_worker_ends_when_no_request_came_for_the_idle_timeout(make: Make) -> None:
    """It counts from the end of the last one, and never cuts one off."""
    balanced = make(workers={"min": 0, "max": 1, "idleTimeout": 30})
    asked = balanced.later("GET", f"{balanced.base}/hold")
    balanced.wait_for("RUNNING")
    balanced.server.advance(100)
    assert balanced.statuses() == ["RUNNING"]
    balanced.hold_file.touch()
    asked.answer()

    balanced.wait_for("IDLE")
    balanced.server.advance(20)
    assert balanced.client.get(f"{balanced.base}/x").status_code == 200
    eventually(lambda: balanced.load() == (0, 0))
    balanced.server.advance(29)
    assert balanced.statuses() == ["IDLE"]
    balanced.server.advance(2)

    eventually(lambda: balanced.workers() == [])


def test_a_worker_at_capacity_gets_no_more(make: Make) -> None:
    """By a switch: the others wait, first come, first served."""
    balanced = make()
    balanced.wait_for("IDLE")
    balanced.server.turn(balancer_worker_capacity=1)
    first = balanced.later("GET", f"{balanced.base}/hold")
    balanced.wait_for("RUNNING")
    second = balanced.later("GET", f"{balanced.base}/x")
    eventually(lambda: balanced.load() == (1, 1))
    balanced.hold_file.touch()

    assert [first.answer().status_code, second.answer().status_code] == [200, 200]
    balanced.server.turn(balancer_worker_capacity=0)


def test_a_request_can_ask_for_the_worker_of_an_earlier_one(make: Make) -> None:
    """By its id; another one takes it where that one is gone, unless it insists."""
    balanced = make(workers={"min": 2, "max": 2, "idleTimeout": 30})
    balanced.wait_for("IDLE", "IDLE")
    ids = [worker["id"] for worker in balanced.workers()]

    def served(header: str) -> httpx.Response:
        return balanced.client.get(f"{balanced.base}/x", headers={"X-Runpod-Worker-Id": header})

    for worker_id in ids * 2:
        assert served(worker_id).json()["worker"] == worker_id
        assert served(f"strict {worker_id}").json()["worker"] == worker_id
        assert served(f"strict-resume {worker_id}").headers["x-runpod-worker-id"] == worker_id
    assert served("nobody").json()["worker"] in ids
    for mode in ("strict", "strict-resume"):
        assert (served(f"{mode} nobody").status_code, served(f"{mode} nobody").json()) == (
            404,
            {"error": "affinity_worker_gone"},
        )


def test_a_request_that_insists_waits_five_minutes_for_its_worker(make: Make) -> None:
    """Then 400; and 404 at once where that worker goes meanwhile."""
    balanced = make()
    balanced.wait_for("IDLE")
    (worker,) = balanced.workers()
    balanced.ping_file.write_text("503")
    balanced.wait_for("UNHEALTHY")
    headers = {"X-Runpod-Worker-Id": f"strict {worker['id']}"}

    late = balanced.later("GET", f"{balanced.base}/x", headers=headers)
    eventually(lambda: balanced.load() == (1, 0))
    balanced.server.advance(299)
    gone = balanced.later("GET", f"{balanced.base}/x", headers=headers)
    eventually(lambda: balanced.load() == (2, 0))
    balanced.server.advance(1)
    assert (late.answer().status_code, late.answer().json()) == (400, {"error": "timed out waiting for worker"})
    balanced.server.advance(200)  # eight minutes are over

    assert (gone.answer().status_code, gone.answer().json()) == (404, {"error": "affinity_worker_gone"})


def test_a_caller_that_hangs_up_is_heard_by_the_worker(make: Make) -> None:
    """Its connection is closed at once, and the worker is free."""
    balanced = make()
    balanced.wait_for("IDLE")
    connection = ask(balanced, "POST", "/hold")
    eventually(lambda: "held" in balanced.log())

    connection.close()

    eventually(lambda: "hung up" in balanced.log())
    balanced.wait_for("IDLE")
    assert balanced.load() == (0, 0)


def test_a_caller_that_hangs_up_waits_no_longer(make: Make) -> None:
    """It counts for nothing any more, and no worker gets it."""
    balanced = make()
    balanced.ping_file.write_text("204")
    connection = ask(balanced, "POST", "/hold")
    eventually(lambda: balanced.load() == (1, 0))

    connection.close()

    eventually(lambda: balanced.load() == (0, 0))
    balanced.ping_file.unlink()
    balanced.wait_for("IDLE")
    assert "held" not in balanced.log()


def test_a_request_beyond_the_processing_limit_is_524(make: Make) -> None:
    """Five and a half minutes; the worker's side is closed, too."""
    balanced = make()
    balanced.wait_for("IDLE")
    asked = balanced.later("GET", f"{balanced.base}/hold")
    eventually(lambda: "held" in balanced.log())
    balanced.server.advance(329)
    assert balanced.load() == (0, 1)
    balanced.server.advance(1)

    assert asked.answer().status_code == 524
    eventually(lambda: "hung up" in balanced.log())


def test_a_worker_that_dies_within_its_answer_cuts_it(make: Make) -> None:
    """Half an answer must not look like a whole one; the next request gets another worker."""
    balanced = make()
    balanced.wait_for("IDLE")
    (dead,) = balanced.workers()
    with balanced.client.stream("GET", f"{balanced.base}/die") as answer:
        assert answer.status_code == 200
        parts = answer.iter_bytes()
        assert next(parts) == b"half"
        with pytest.raises(httpx.RemoteProtocolError):
            next(parts)

    eventually(lambda: dead["id"] not in [worker["id"] for worker in balanced.workers()])
    balanced.wait_for("IDLE")
    again = balanced.client.get(f"{balanced.base}/x")
    assert again.status_code == 200, again.text


def test_a_worker_that_dies_before_its_answer_gives_502(make: Make) -> None:
    """Nothing is tried again, as documented."""
    balanced = make()
    balanced.wait_for("IDLE")
    balanced.server.fault("worker.crash", target=balanced.id)

    response = balanced.client.post(f"{balanced.base}/hold")

    assert response.status_code == 502
    assert "closed the connection before its answer was whole" in response.json()["error"]


def test_a_new_release_gets_the_requests_and_the_old_one_finishes(make: Make) -> None:
    """A request under way is not cut off."""
    balanced = make(workers={"min": 1, "max": 2, "idleTimeout": 30})
    balanced.wait_for("IDLE")
    (old,) = balanced.workers()
    asked = balanced.later("GET", f"{balanced.base}/hold")
    balanced.wait_for("RUNNING")
    url = f"{balanced.server.api}/v2/serverless/{balanced.id}"
    balanced.client.patch(url, json={"image": "server:2"}).raise_for_status()

    response = balanced.client.get(f"{balanced.base}/x").json()["worker"]
    balanced.hold_file.touch()

    assert response != old["id"]
    assert asked.answer().json()["worker"] == old["id"]


def test_deleting_an_endpoint_answers_everybody(make: Make) -> None:
    """A waiting caller gets 404, a served one 502."""
    balanced = make()
    balanced.wait_for("IDLE")
    balanced.server.turn(balancer_worker_capacity=1)
    served = balanced.later("GET", f"{balanced.base}/hold")
    balanced.wait_for("RUNNING")
    waits = balanced.later("GET", f"{balanced.base}/hold")
    eventually(lambda: balanced.load() == (1, 1))

    balanced.client.delete(f"{balanced.server.api}/v2/serverless/{balanced.id}").raise_for_status()

    assert [served.answer().status_code, waits.answer().status_code] == [502, 404]
    balanced.server.turn(balancer_worker_capacity=0)


def test_a_server_that_ends_answers_everybody(tmp_path: Path, balanced_at: Callable[..., Balanced]) -> None:
    """503 for who waits, 502 for who is served; an open WebSocket does not keep it from ending."""
    with contextlib.ExitStack() as stack:
        switches = Switches(cold_start_speed=1e9, ping_interval=0.1, balancer_worker_capacity=2)
        command = f"{sys.executable} {Path(__file__).with_name('http_worker.py')}"
        server = LocalRunPod(workers={"server:*": command}, frozen_at=NOON, switches=switches)
        running = stack.enter_context(contextlib.ExitStack())
        running.enter_context(server)
        balanced = balanced_at(server, tmp_path)
        stack.callback(balanced.client.close)
        balanced.wait_for("IDLE")
        headers = {"Authorization": f"Bearer {server.api_key}"}
        url = balanced.base.replace("http", "ws", 1)
        talk = stack.enter_context(connect(f"{url}/talk", additional_headers=headers, proxy=None))
        served = balanced.later("GET", f"{balanced.base}/hold")
        eventually(lambda: balanced.load() == (0, 2))
        waits = balanced.later("GET", f"{balanced.base}/hold")
        eventually(lambda: balanced.load() == (1, 2))
        running.close()

        assert [served.answer().status_code, waits.answer().status_code] == [502, 503]
        with pytest.raises(ConnectionClosed):
            talk.recv(timeout=30)


def test_requests_are_counted_and_workers_billed(make: Make) -> None:
    """Those that ended well, and those that did not; by the second, as for a queue."""
    balanced = make()
    balanced.wait_for("IDLE")
    for path, status in (("/x", "200"), ("/x", "404"), ("/x", "500")):
        balanced.client.get(f"{balanced.base}{path}", params={"status": status})
    balanced.server.advance(60)

    tally = balanced.server.call(lambda p: p.scheduler.jobs.activity.tally(balanced.id))  # type: ignore[attr-defined]
    bill = balanced.client.get(f"{balanced.server.api}/v2/billing/serverless").json()

    assert (tally.completed, tally.failed) == (2, 1)
    assert [record["gpuAmount"] > 0 for record in bill["records"] if record["serverlessId"] == balanced.id] == [True]


def ask(balanced: Balanced, method: str, path: str) -> socket.socket:
    """A connection on which a request was sent, and whose answer nobody reads."""
    where = urlsplit(balanced.base)
    connection = socket.create_connection((where.hostname or "", where.port or 0))
    with contextlib.ExitStack() as stack:
        stack.callback(connection.close)
        connection.sendall(
            f"{method} {where.path}{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n"
            f"Authorization: Bearer {balanced.server.api_key}\r\n\r\n{{}}".encode()
        )
        stack.pop_all()
    return connection
