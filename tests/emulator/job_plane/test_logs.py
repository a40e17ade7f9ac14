"""Worker logs: bounded in memory, and streamed as server-sent events that can be resumed."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from pulumi_runpod.emulator.job_plane.logs import KEPT_WORKERS, MAX_LINE_CHARACTERS, MAX_TAIL, Logs
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.emulator.platform.clock import Clock

T0 = 1_700_000_000.0


def test_a_log_keeps_its_last_lines_and_cuts_long_ones() -> None:
    """Whatever a worker prints, memory stays bounded."""
    log = Logs(Clock(frozen_at=T0)).open("ep", "w")
    for n in range(MAX_TAIL + 10):
        log.write("container", f"{n} " + "x" * 2 * MAX_LINE_CHARACTERS)
    lines = log.lines()
    assert len(lines) == MAX_TAIL
    assert lines[0].text.startswith("10 ")
    assert len(lines[0].text) == MAX_LINE_CHARACTERS


def test_logs_of_workers_that_are_gone_are_kept_until_others_push_them_out() -> None:
    """A crash can be read afterwards; a crash loop does not fill the memory."""
    logs = Logs(Clock(frozen_at=T0))
    for n in range(KEPT_WORKERS + 5):
        logs.open("ep", f"w{n}")
        logs.retire(f"w{n}")
    assert logs.of("ep", "w4") is None
    assert logs.of("ep", "w5") is not None
    assert logs.of("other", "w5") is None


@pytest.fixture(scope="module")
def server() -> Iterator[LocalRunPod]:
    with LocalRunPod(frozen_at=T0) as server:
        yield server


@pytest.fixture(scope="module")
def url(server: LocalRunPod) -> str:
    """Of the log of a worker that nothing runs: its lines are written by the tests."""
    body = {
        "name": "e", "type": "QUEUE", "image": "nobody/runs:this", "gpu": {"pools": ["ADA_24"]},
        "scaling": {"type": "QUEUE_DELAY", "queueDelay": 1}, "workers": {"min": 1, "max": 1},
    }  # fmt: skip
    made = httpx.post(f"{server.api}/v2/serverless", json=body, headers=key(server)).raise_for_status().json()
    workers = httpx.get(f"{server.api}/v2/serverless/{made['id']}/workers", headers=key(server)).json()["workers"]
    found = f"{server.api}/v2/serverless/{made['id']}/workers/{workers[0]['id']}/logs"
    for n in range(4):
        write(server, found, "container" if n % 2 else "system", f"line {n}")
        server.advance(10)
    return found


def key(server: LocalRunPod) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.api_key}"}


def write(server: LocalRunPod, url: str, source: str, text: str) -> None:
    endpoint_id, worker_id = url.split("/")[-4], url.split("/")[-2]
    server.call(lambda p: p.scheduler.logs.of(endpoint_id, worker_id).write(source, text))  # type: ignore[attr-defined]


def read(server: LocalRunPod, url: str, count: int, **request: object) -> list[tuple[str, dict[str, str]]]:
    """The first `count` events: id and data."""
    found: list[tuple[str, dict[str, str]]] = []
    headers = {**key(server), **request.pop("headers", {})}  # type: ignore[dict-item]
    with httpx.stream("GET", url, headers=headers, timeout=10, **request) as answer:  # type: ignore[arg-type]
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["x-accel-buffering"] == "no"
        event_id = ""
        for line in answer.iter_lines() if count else ():
            name, _, value = line.partition(": ")
            if name == "id":
                event_id = value
            elif name == "data":
                found.append((event_id, json.loads(value)))
                if len(found) == count:
                    break
    return found


def test_the_stream_tells_source_line_and_time(server: LocalRunPod, url: str) -> None:
    """Each event has an id and the three members of the document."""
    (first, *_) = read(server, url, 5, params={"tail": 5})
    assert first[1]["source"] == "system"
    assert "nothing here runs nobody/runs:this" in first[1]["line"]
    assert first[0].startswith(first[1]["ts"] + "/")


def test_the_tail_is_as_long_as_asked(server: LocalRunPod, url: str) -> None:
    """The last lines, oldest of them first."""
    assert [e["line"] for _, e in read(server, url, 2, params={"tail": 2})] == ["line 2", "line 3"]


def test_a_source_can_be_asked_for_alone(server: LocalRunPod, url: str) -> None:
    """Container lines only, and a tail counts these."""
    events = read(server, url, 2, params={"source": "container", "tail": 2})
    assert [e["line"] for _, e in events] == ["line 1", "line 3"]


def test_a_stream_resumes_after_the_last_event(server: LocalRunPod, url: str) -> None:
    """The id of an event, or a bare time, wins over `since` and `tail`."""
    events = read(server, url, 5, params={"tail": 5})
    resumed = read(server, url, 1, headers={"Last-Event-ID": events[-2][0]}, params={"tail": 5})
    assert [e["line"] for _, e in resumed] == ["line 3"]
    by_time = read(server, url, 1, headers={"Last-Event-ID": events[-2][1]["ts"]}, params={"tail": 5})
    assert [e["line"] for _, e in by_time] == ["line 3"]


def test_since_wins_over_tail(server: LocalRunPod, url: str) -> None:
    """Every line from that time on."""
    events = read(server, url, 5, params={"tail": 5})
    since = events[-2][1]["ts"]
    assert [e["line"] for _, e in read(server, url, 2, params={"since": since, "tail": 0})] == ["line 2", "line 3"]


def test_new_lines_arrive_on_an_open_stream(server: LocalRunPod, url: str) -> None:
    """Live, without backfill."""
    with httpx.stream("GET", url, headers=key(server), params={"tail": 0}, timeout=60) as answer:
        lines = answer.iter_lines()
        assert next(lines) == ": log stream"
        write(server, url, "container", "live")
        assert any('"live"' in line for line in (next(lines) for _ in range(4)))


@pytest.mark.parametrize(
    ("params", "headers"),
    [
        ({"tail": "5001"}, {}),
        ({"tail": "-1"}, {}),
        ({"tail": "many"}, {}),
        ({"since": "yesterday"}, {}),
        ({"source": "kernel"}, {}),
        ({}, {"Last-Event-ID": "nonsense"}),
    ],
)
def test_a_malformed_question_is_a_422_problem(
    server: LocalRunPod, url: str, params: dict[str, str], headers: dict[str, str]
) -> None:
    """With the name of the parameter."""
    answer = httpx.get(url, params=params, headers={**key(server), **headers})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert next(iter(params or headers)) in answer.json()["errors"][0]


def test_an_unknown_worker_has_no_log(server: LocalRunPod, url: str) -> None:
    """404, for the endpoint as for the worker."""
    assert httpx.get(url.replace("/workers/", "/workers/x"), headers=key(server)).status_code == 404
    assert httpx.get(url.replace("/serverless/", "/serverless/x"), headers=key(server)).status_code == 404
    assert httpx.get(url).status_code == 401


def test_the_server_ends_open_streams_when_it_goes(url: str) -> None:
    """A reader does not keep it from stopping."""
    with LocalRunPod() as own:
        body = {
            "name": "e", "type": "QUEUE", "image": "nobody/runs:this", "gpu": {"pools": ["ADA_24"]},
            "scaling": {"type": "QUEUE_DELAY", "queueDelay": 1}, "workers": {"min": 1, "max": 1},
        }  # fmt: skip
        made = httpx.post(f"{own.api}/v2/serverless", json=body, headers=key(own)).json()["id"]
        (worker,) = httpx.get(f"{own.api}/v2/serverless/{made}/workers", headers=key(own)).json()["workers"]
        logs = f"{own.api}/v2/serverless/{made}/workers/{worker['id']}/logs"
        client = httpx.Client(headers=key(own), timeout=60)
        stream = client.send(client.build_request("GET", logs), stream=True)
        lines = stream.iter_lines()
        assert next(lines) == ": log stream"
    assert "nothing here runs" in "".join(lines)
    client.close()
