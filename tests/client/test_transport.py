"""What is sent, and sent again, over connections that break: against raw sockets, since no HTTP server does this."""

from __future__ import annotations

import socket
import threading

import pytest
from raw_server import http, read_request, saying, served

from pulumi_runpod.client import RetryPolicy, RunPodClient
from pulumi_runpod.client.transport import proxy_for
from pulumi_runpod.errors import AmbiguousCreate, ApiError, ConnectionFailed, NotFound, ServerError, UnexpectedAnswer
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire import NETWORK_VOLUMES
from pulumi_runpod.wire.network_volume import CreateNetworkVolume

EMPTY = '{"networkVolumes": []}'
VOLUME = '{"id": "v1", "name": "a", "size": 10, "dataCenter": "EU-RO-1", "type": "STANDARD"}'
BODY = CreateNetworkVolume.model_validate({"name": "a", "size": 10, "dataCenter": "EU-RO-1"})
KEY = "rpa_0123456789abcdef"


def client_of(url: str, hasty: RetryPolicy, *, timeout: float = 5.0) -> RunPodClient:
    settings = Settings.load({"runpod:apiKey": KEY, "runpod:apiBaseUrl": url}, {})
    return RunPodClient(
        settings.model_copy(update={"timeout": timeout}), policy=hasty, sleep=lambda _: None, random=lambda: 0.0
    )


def test_a_post_on_a_connection_that_closes_is_ambiguous(hasty: RetryPolicy) -> None:
    """The server answers once, takes a second request on the same connection, and closes: was it acted upon?"""

    def answer_then_close(connection: socket.socket) -> None:
        http("200 OK", EMPTY, keeps_open=True)(connection)
        read_request(connection)

    with served(answer_then_close, http("201 Created", VOLUME)) as server, client_of(server.url, hasty) as client:
        client.list(NETWORK_VOLUMES)
        with pytest.raises(AmbiguousCreate, match="the connection was cut"):
            client.create(NETWORK_VOLUMES, BODY)
        assert server.connections == 1


def test_a_post_does_not_use_a_connection_that_has_closed(hasty: RetryPolicy) -> None:
    """A pooled connection that the server has given up is noticed before a byte is written: no ambiguity."""
    closed = threading.Event()

    def answer_and_close(connection: socket.socket) -> None:
        http("200 OK", EMPTY, keeps_open=True)(connection)
        connection.shutdown(socket.SHUT_RDWR)
        closed.set()

    with served(answer_and_close, http("201 Created", VOLUME)) as server, client_of(server.url, hasty) as client:
        client.list(NETWORK_VOLUMES)
        assert closed.wait(5)
        client.create(NETWORK_VOLUMES, BODY)
        assert server.connections == 2


def test_a_read_with_a_cut_body_is_sent_again(hasty: RetryPolicy) -> None:
    """Half a body is a failed attempt, whatever its status."""
    with (
        served(http("200 OK", EMPTY[:8], length=len(EMPTY)), http("200 OK", EMPTY)) as server,
        client_of(server.url, hasty) as client,
    ):
        assert client.list(NETWORK_VOLUMES) == []
        assert server.connections == 2


def test_json_that_was_cut_inside_a_whole_body_is_reported(hasty: RetryPolicy) -> None:
    """A proxy that cuts and counts again: the body is whole and is no JSON."""
    with (
        served(http("200 OK", EMPTY[:8])) as server,
        client_of(server.url, hasty) as client,
        pytest.raises(UnexpectedAnswer, match=r"the body is not JSON \(8 bytes\): cut on the way"),
    ):
        client.list(NETWORK_VOLUMES)


@pytest.mark.parametrize("body", [EMPTY[:8], "[" * 50])
def test_a_read_of_cut_json_is_sent_again(body: str, hasty: RetryPolicy) -> None:
    """As one whose connection was cut."""
    with (
        served(http("200 OK", body), http("200 OK", EMPTY)) as server,
        client_of(server.url, hasty) as client,
    ):
        assert client.list(NETWORK_VOLUMES) == []
        assert server.connections == 2


@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request"])
def test_json_nested_too_deeply_is_one_line(status: str, hasty: RetryPolicy) -> None:
    """Python's parser gives up on it in its own way."""
    nested = '{"a":' * 100_000 + "1" + "}" * 100_000
    with (
        served(http(status, nested)) as server,
        client_of(server.url, hasty) as client,
        pytest.raises(ApiError) as raised,
    ):
        client.list(NETWORK_VOLUMES)
    assert len(str(raised.value)) < 400


def test_bytes_that_are_no_http_are_reported(hasty: RetryPolicy) -> None:
    """Another service on that port."""
    with (
        served(saying(b"220 smtp ready\r\n")) as server,
        client_of(server.url, hasty) as client,
        pytest.raises(ConnectionFailed, match="the connection was cut"),
    ):
        client.list(NETWORK_VOLUMES)


def test_silence_ends_after_the_timeout(hasty: RetryPolicy) -> None:
    """A read is tried again; a create is ambiguous after the first silence."""
    release = threading.Event()

    def silent(connection: socket.socket) -> None:
        release.wait(10)

    with served(silent) as server, client_of(server.url, hasty, timeout=0.1) as client:
        with pytest.raises(AmbiguousCreate, match="no answer in time"):
            client.create(NETWORK_VOLUMES, BODY)
        with pytest.raises(ConnectionFailed, match="no answer in time: the service broke off") as raised:
            client.list(NETWORK_VOLUMES)
        release.set()
    assert raised.value.sent


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        ("404 Not Found", "<html>nginx</html>", "text/html"),
        ("404 Not Found", '{"message": "no Route matched"}', "application/json"),
        ("404 Not Found", "", "application/json"),
    ],
)
def test_a_404_of_a_stranger_is_no_deletion(hasty: RetryPolicy, status: str, body: str, kind: str) -> None:
    """Only the service's own error shape says that an object is gone: anything else must not empty a state."""
    with served(http(status, body, content_type=kind)) as server, client_of(server.url, hasty) as client:
        with pytest.raises(UnexpectedAnswer):
            client.get(NETWORK_VOLUMES, "v1")
        with pytest.raises(UnexpectedAnswer):
            client.delete(NETWORK_VOLUMES, "v1")


def test_a_404_of_the_service_is_one(hasty: RetryPolicy) -> None:
    """`application/problem+json` with its title."""
    problem = http(
        "404 Not Found",
        '{"title": "Not Found", "status": 404, "detail": "network volume not found"}',
        content_type="application/problem+json",
    )
    with served(problem) as server, client_of(server.url, hasty) as client, pytest.raises(NotFound):
        client.get(NETWORK_VOLUMES, "v1")


def test_an_answer_of_rest_v1_is_recognized(hasty: RetryPolicy) -> None:
    """`500 {"error": ...}` exists in v1 alone: the base URL is wrong."""
    with (
        served(http("500 Internal Server Error", '{"error": "invalid pod"}')) as server,
        client_of(server.url, hasty) as client,
        pytest.raises(UnexpectedAnswer, match="the error shape of REST v1"),
    ):
        client.list(NETWORK_VOLUMES)


def test_a_gateways_page_is_a_server_error(hasty: RetryPolicy) -> None:
    """The status counts, not the page; its HTML is not shown."""
    with (
        served(http("502 Bad Gateway", "<html><h1>cloud</h1></html>", content_type="text/html")) as server,
        client_of(server.url, hasty) as client,
        pytest.raises(ServerError, match=r"-> 502 Bad Gateway: text/html answer") as raised,
    ):
        client.list(NETWORK_VOLUMES)
    assert "<h1>" not in str(raised.value)


def test_a_redirect_is_not_followed_with_the_key(hasty: RetryPolicy) -> None:
    """The key goes to the host that was configured, and to no other."""
    redirect = saying(b"HTTP/1.1 302 Found\r\nLocation: http://evil.example.com/x?t=1\r\nContent-Length: 0\r\n\r\n")
    with (
        served(redirect) as server,
        client_of(server.url, hasty) as client,
        pytest.raises(UnexpectedAnswer, match=r"a redirect, to http://evil.example.com/x; redirects are not followed"),
    ):
        client.list(NETWORK_VOLUMES)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("[]", "expected a JSON object, got an array"),
        ("{}", "the answer has no list 'networkVolumes'"),
        ('{"networkVolumes": [7]}', "the answer has no list 'networkVolumes'"),
        (f'{{"networkVolumes": [{VOLUME.replace("10", "null")}]}}', "no NetworkVolume as published .size"),
    ],
)
def test_an_answer_of_another_shape_names_what_is_wrong(hasty: RetryPolicy, body: str, text: str) -> None:
    """The field, and never a value."""
    with (
        served(http("200 OK", body)) as server,
        client_of(server.url, hasty) as client,
        pytest.raises(UnexpectedAnswer, match=text),
    ):
        client.list(NETWORK_VOLUMES)


def test_pages_that_never_end_are_noticed(hasty: RetryPolicy) -> None:
    """A cursor that leads to itself is an error, not an endless loop."""
    page = '{"networkVolumes": [], "pagination": {"nextCursor": "c", "hasNextPage": true}}'
    with (
        served(http("200 OK", page)) as server,
        client_of(server.url, hasty) as client,
        pytest.raises(UnexpectedAnswer, match="the same page again"),
    ):
        client.list(NETWORK_VOLUMES)


def test_the_key_is_sent_as_bearer_and_in_no_url(hasty: RetryPolicy) -> None:
    """Header alone: URLs end up in logs."""
    with served(http("200 OK", EMPTY)) as server, client_of(server.url, hasty) as client:
        client.list(NETWORK_VOLUMES)

    head = server.requests[0]
    assert f"Authorization: Bearer {KEY}".encode() in head
    assert KEY.encode() not in head.splitlines()[0]
    assert b"User-Agent: pulumi-runpod-serverless/" in head


def test_a_newer_service_may_say_more(hasty: RetryPolicy) -> None:
    """Unknown fields and unknown enum values are read over."""
    newer = VOLUME.replace("STANDARD", "GLOBAL").replace("{", '{"replicas": 3, ')
    with served(http("200 OK", newer)) as server, client_of(server.url, hasty) as client:
        assert client.get(NETWORK_VOLUMES, "v1").model_dump()["type"] == "GLOBAL"


def test_the_local_runpod_is_reached_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTP_PROXY is for the world outside; NO_PROXY is honoured."""
    monkeypatch.setenv("http_proxy", "http://proxy.example.com:3128")
    monkeypatch.setenv("https_proxy", "http://proxy.example.com:3128")
    monkeypatch.setenv("no_proxy", "intern.example.com")

    assert proxy_for("http://127.0.0.1:8001") is None
    assert proxy_for("http://localhost:8001") is None
    assert proxy_for("http://[::1]:8001") is None
    assert proxy_for("https://api.intern.example.com") is None
    assert proxy_for("https://api.runpod.io") == "http://proxy.example.com:3128"
