"""Which headers pass through a load balancer: all but those of one connection (RFC 9110, section 7.6.1)."""

from __future__ import annotations

from pulumi_runpod.emulator.job_plane.load_balancer.upstream import Headers

WORKER_ID = b"x-runpod-worker-id"
_OF_ONE_CONNECTION = frozenset(
    {
        b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te",
        b"trailer", b"transfer-encoding", b"upgrade",
    }
)  # fmt: skip


def to_worker(headers: Headers, *, key: bool, upgrade: bool) -> Headers:
    """Of a request. `key`: with the caller's API key. `upgrade`: it asks for another protocol."""
    # "100 Continue" was answered here, and the framing of the body is ours.
    dropped = _OF_ONE_CONNECTION | _named(headers) | {b"expect"} | (set() if key else {b"authorization"})
    items = [(name, value) for name, value in headers if name not in dropped]
    if not any(name == b"host" for name, _ in items):
        items.insert(0, (b"host", b"127.0.0.1"))  # HTTP/1.0
    if upgrade:
        wanted = [(name, value) for name, value in headers if name == b"upgrade"]
        return [*items, (b"connection", b"upgrade"), *wanted]
    if any(name == b"transfer-encoding" for name, _ in headers):
        items = [(name, value) for name, value in items if name != b"content-length"]
        items.append((b"transfer-encoding", b"chunked"))
    return items


def to_client(headers: Headers, *, status: int, worker_id: str) -> Headers:
    """Of an answer, with the id of the worker that gave it."""
    # The server adds its own date; these statuses have no body whose length could be reported.
    dropped = _OF_ONE_CONNECTION | _named(headers) | {b"date", WORKER_ID}
    dropped |= {b"content-length"} if status in (204, 304) else set()
    return [*((name, value) for name, value in headers if name not in dropped), (WORKER_ID, worker_id.encode())]


def to_client_as_is(headers: Headers, *, worker_id: str) -> Headers:
    """Of an answer that switches protocols: what concerns the connection is its point."""
    return [*((name, value) for name, value in headers if name != WORKER_ID), (WORKER_ID, worker_id.encode())]


def value_of(headers: Headers, name: bytes) -> bytes | None:
    return next((value for found, value in headers if found == name), None)


def wants_upgrade(headers: Headers) -> bool:
    """Whether a request asks for another protocol on its connection, such as a WebSocket."""
    return b"upgrade" in _named(headers) and value_of(headers, b"upgrade") is not None


def _named(headers: Headers) -> set[bytes]:
    """Names that `Connection` lists."""
    return {
        part.strip().lower() for name, value in headers if name == b"connection" for part in value.split(b",") if part
    }
