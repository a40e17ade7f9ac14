"""Worker logs: a stream that never ends, read for a while."""

from __future__ import annotations

import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from raw_server import http, saying, served

from pulumi_runpod.client import RetryPolicy, RunPodClient
from pulumi_runpod.client.logs import events
from pulumi_runpod.errors import InvalidInput, NotFound, UnexpectedAnswer
from pulumi_runpod.settings import Settings

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: keep-alive\r\n\r\n"


def event(number: int) -> bytes:
    return (
        f"id: 2026-06-01T12:05:04Z/{number:012}\n"
        f'data: {{"ts":"2026-06-01T12:05:04Z","source":"container","line":"line {number}"}}\n\n'
    ).encode()


def client_of(url: str, hasty: RetryPolicy) -> RunPodClient:
    return RunPodClient(
        Settings.load({"runpod:apiKey": "k", "runpod:apiBaseUrl": url}, {}), policy=hasty, sleep=lambda _: None
    )


@pytest.mark.parametrize("held", ["silent", "closed"])
def test_lines_are_read_until_the_stream_falls_silent(hasty: RetryPolicy, held: str) -> None:
    """Whether the service holds the connection or closes it; comments and events that are no line are passed over."""
    release = threading.Event()

    def stream(connection: socket.socket) -> None:
        connection.sendall(HEAD + event(1) + b": keep-alive\n\n" + b"data: not json\n\ndata: {}\n\n" + event(2))
        if held == "silent":
            release.wait(10)

    with served(stream) as server, client_of(server.url, hasty) as client:
        lines = client.worker_logs("ep", "w", quiet=0.1)
        release.set()

    assert [line.line for line in lines] == ["line 1", "line 2"]
    assert b"GET /v2/serverless/ep/workers/w/logs?tail=100 " in server.requests[0]


def test_reading_ends_with_the_lines_that_were_asked_for(hasty: RetryPolicy) -> None:
    """A worker that never stops writing does not hold the reader."""
    release = threading.Event()

    def endless(connection: socket.socket) -> None:
        connection.sendall(HEAD + b"".join(map(event, range(100))))
        release.wait(10)

    with served(endless) as server, client_of(server.url, hasty) as client:
        assert len(client.worker_logs("ep", "w", tail=7)) == 7
        release.set()


def test_a_stream_that_drips_ends_at_the_deadline(hasty: RetryPolicy) -> None:
    """Each line comes before the silence counts, and the deadline ends it all the same."""
    stop = threading.Event()

    def dripping(connection: socket.socket) -> None:
        connection.sendall(HEAD)
        number = 0
        while not stop.wait(0.01):
            try:
                connection.sendall(event(number))
            except OSError:
                return
            number += 1

    with served(dripping) as server, client_of(server.url, hasty) as client:
        lines = client.worker_logs("ep", "w", tail=5000, deadline=0.2, quiet=5)
        stop.set()

    assert 0 < len(lines) < 5000


def test_a_worker_that_wrote_nothing_has_no_lines(hasty: RetryPolicy) -> None:
    """Headers alone, or not even those, within the time."""
    release = threading.Event()
    with served(lambda _: release.wait(10)) as server, client_of(server.url, hasty) as client:  # type: ignore[arg-type, return-value]
        assert client.worker_logs("ep", "w", quiet=0.1) == []
        release.set()


def test_a_worker_that_is_gone_is_not_found(hasty: RetryPolicy) -> None:
    """404 as for every object."""
    problem = http(
        "404 Not Found", '{"title": "Not Found", "detail": "no worker"}', content_type="application/problem+json"
    )
    with served(problem) as server, client_of(server.url, hasty) as client, pytest.raises(NotFound):
        client.worker_logs("ep", "w")


def test_an_answer_that_is_no_stream_is_reported(hasty: RetryPolicy) -> None:
    """A page of a proxy is no log."""
    with (
        served(http("200 OK", "<html>", content_type="text/html")) as server,
        client_of(server.url, hasty) as client,
        pytest.raises(UnexpectedAnswer, match="expected text/event-stream"),
    ):
        client.worker_logs("ep", "w")


@pytest.mark.parametrize("tail", [-1, 5001])
def test_more_lines_than_the_service_gives_are_refused(hasty: RetryPolicy, tail: int) -> None:
    """0 to 5000."""
    with client_of("http://127.0.0.1:1", hasty) as client, pytest.raises(InvalidInput, match="from 0 to 5000"):
        client.worker_logs("ep", "w", tail=tail)


texts = st.lists(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\n\0")), min_size=1, max_size=5)


@given(texts, st.sampled_from(["\n", "\r\n", "\r"]), st.integers(min_value=1, max_value=7))
def test_events_are_read_across_any_cut(lines: list[str], end: str, size: int) -> None:
    """Chunks end anywhere, inside a character or a line end too; all three line ends count."""
    text = "".join(f"id: 1{end}data: {line}{end}{end}" for line in lines).encode()
    chunks = [text[at : at + size] for at in range(0, len(text), size)]

    assert list(events([*chunks, b"\n"], ended=lambda: False)) == lines


def test_data_over_several_lines_is_one_event() -> None:
    """As the format says."""
    assert list(events([b"data: a\ndata: b\n\n"], ended=lambda: False)) == ["a\nb"]


def test_an_event_without_end_is_given_up(hasty: RetryPolicy) -> None:
    """A megabyte without a line end is no log line."""
    endless = saying(HEAD + b"data: " + b"x" * (2 << 20))
    with served(endless) as server, client_of(server.url, hasty) as client:
        assert client.worker_logs("ep", "w") == []
