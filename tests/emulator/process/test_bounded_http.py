"""What a caller without a key can cost: the head of a request is bounded in size and in time."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import httpx
import pytest

from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.emulator.process.bounded_http import MAX_HEAD_BYTES, BoundedProtocol


@pytest.fixture(scope="module")
def server() -> Iterator[LocalRunPod]:
    with LocalRunPod() as server:
        yield server


def sent(server: LocalRunPod, *pieces: bytes) -> bytes:
    """What the server answers until it closes the connection."""
    address = httpx.URL(server.api)
    with socket.create_connection((address.host, address.port or 0), timeout=30) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has refused before all was sent
        answer = b""
        try:
            while data := connection.recv(65536):
                answer += data
        except ConnectionResetError:
            pass
    return answer


def test_a_header_without_end_is_refused(server: LocalRunPod) -> None:
    """Whatever is sent after the limit is not even read."""
    endless = [b"GET /v2/templates HTTP/1.1\r\nX-Long: ", *([b"x" * 4096] * 64)]
    assert sent(server, *endless).startswith(b"HTTP/1.1 431 ")


def test_many_headers_in_one_packet_are_refused(server: LocalRunPod) -> None:
    """A whole head of too many bytes never becomes a request."""
    headers = b"".join(b"X-%d: %s\r\n" % (n, b"x" * 1000) for n in range(MAX_HEAD_BYTES // 1000 + 1))
    assert sent(server, b"GET /v2/templates HTTP/1.1\r\nHost: localhost\r\n" + headers + b"\r\n").startswith(
        b"HTTP/1.1 431 "
    )
    assert server.calls() == []


def test_half_a_head_is_dropped_after_a_while(server: LocalRunPod, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a connection that sends nothing nor one that sends half a request stays."""
    monkeypatch.setattr(BoundedProtocol, "head_seconds", 0.05)
    assert sent(server).startswith(b"HTTP/1.1 408 ")
    assert sent(server, b"GET /v2/templates HTTP/1.1\r\nHost: local").startswith(b"HTTP/1.1 408 ")


def test_large_bodies_and_later_requests_pass(server: LocalRunPod) -> None:
    """The limits are those of a head: a connection goes on, and its bodies are as large as ever."""
    with httpx.Client(base_url=server.api, headers={"Authorization": f"Bearer {server.api_key}"}) as client:
        for _ in range(3):
            answer = client.post("/v2/templates", content=b"x" * (4 * MAX_HEAD_BYTES))
            assert answer.status_code in (400, 422)
        assert client.get("/v2/templates", headers={"X-Long": "x" * 30_000}).status_code == 200
