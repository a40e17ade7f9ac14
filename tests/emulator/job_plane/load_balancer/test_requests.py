"""What passes through a load balancer: requests and answers of every shape, as they come."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

if TYPE_CHECKING:
    from conftest import Balanced

MB = 1024 * 1024


def raw(base: str, head: bytes) -> bytes:
    """The whole answer to bytes that no client library would send."""
    where = urlsplit(base)
    with socket.create_connection((where.hostname or "", where.port or 0), timeout=30) as connection:
        connection.sendall(head)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
def test_every_method_reaches_the_worker(ready: Balanced, method: str) -> None:
    """With its query and its body; the answer comes back with its status."""
    body = b"" if method == "GET" else b"\x00\xff text"

    response = ready.client.request(method, f"{ready.base}/a/b?x=1&x=2&empty=", params=None, content=body)

    assert response.status_code == 200
    assert response.json()["method"] == method
    assert response.json()["target"] == "/a/b?x=1&x=2&empty="
    assert response.json()["body"].encode("latin-1") == body


def test_a_path_is_handed_on_as_it_was_sent(ready: Balanced) -> None:
    """Encoded slashes, dots and doubled slashes are the worker's business."""
    path = urlsplit(ready.base).path
    head = (
        f"GET {path}/a%2Fb/../c//d%20%C3%A9?q=%2B+ HTTP/1.1\r\nHost: x.localhost\r\nConnection: close\r\n"
        f"Authorization: Bearer {ready.server.api_key}\r\n\r\n"
    )

    document = json.loads(raw(ready.base, head.encode()).split(b"\r\n\r\n", 1)[1])

    assert document["target"] == "/a%2Fb/../c//d%20%C3%A9?q=%2B+"


def test_a_bare_base_url_is_the_root(ready: Balanced) -> None:
    """With and without the slash."""
    assert ready.client.get(ready.base).json()["target"] == "/?"
    assert ready.client.get(f"{ready.base}/").json()["target"] == "/?"


def test_a_head_request_has_an_answer_without_a_body(ready: Balanced) -> None:
    """And its length, all the same."""
    response = ready.client.head(f"{ready.base}/large", params={"bytes": 5 * MB, "declared": ""})

    assert (response.status_code, response.headers["content-length"], response.content) == (200, str(5 * MB), b"")


@pytest.mark.parametrize("status", [201, 404, 409, 418, 500, 503])
def test_a_status_of_the_worker_is_its_own(ready: Balanced, status: int) -> None:
    """Errors, too: nothing is tried again, and nothing is put in their place."""
    response = ready.client.get(f"{ready.base}/x", params={"status": status})

    assert response.status_code == status
    assert response.json()["target"] == f"/x?status={status}"


def test_headers_pass_but_those_of_a_connection(ready: Balanced) -> None:
    """Both ways; several of one name stay several; the worker's id is in the answer; the account's key is not."""
    asked = {"X-Own": "1", "Connection": "keep-alive, X-Hop", "X-Hop": "secret", "TE": "trailers", "Keep-Alive": "300"}

    response = ready.client.get(f"{ready.base}/x", headers=asked)

    seen = {name for name, _ in response.json()["headers"]}
    assert "x-own" in seen
    assert not seen & {"x-hop", "te", "keep-alive", "authorization"}
    assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert "keep-alive" not in response.headers
    assert len(response.headers.get_list("date")) == 1
    assert response.headers["x-runpod-worker-id"] == response.json()["worker"] == ready.workers()[0]["id"]


def test_the_key_is_shown_to_the_worker_where_a_switch_says_so(ready: Balanced) -> None:
    """The service does not say whether it is."""
    ready.server.turn(balancer_passes_key=True)
    response = ready.client.get(f"{ready.base}/x").json()["headers"]
    ready.server.turn(balancer_passes_key=False)

    assert ["authorization", f"Bearer {ready.server.api_key}"] in response


def test_a_body_is_streamed_to_the_worker(ready: Balanced) -> None:
    """Without a length, in parts, up to the limit; a declared length stays."""
    response = ready.client.post(f"{ready.base}/length", content=(b"x" * MB for _ in range(30)))

    assert response.json() == {"bytes": 30 * MB}
    assert ready.client.post(f"{ready.base}/length", content=b"x" * MB).json() == {"bytes": MB}


def test_parts_of_an_answer_arrive_as_they_are_made(ready: Balanced) -> None:
    """Server-sent events: the worker makes the next one only once the test has read the last."""
    with ready.client.stream("GET", f"{ready.base}/ticks", params={"count": 3}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for number, part in enumerate(answer.iter_text()):
            assert part == f"data: {number}\n\n"
            ready.hold_file.with_name(f"hold.{number}").touch()
            seen = number

    assert seen == 2


@pytest.mark.parametrize("body", [b"x" * (30 * MB + 1), (b"x" * MB for _ in range(31))], ids=["declared", "undeclared"])
def test_a_request_beyond_the_limit_is_413(ready: Balanced, body: bytes) -> None:
    """30 MB, documented; whether the length is declared beforehand or not."""
    response = ready.client.post(f"{ready.base}/length", content=body)

    assert response.status_code == 413
    assert "30 MB" in response.json()["error"]
    assert ready.client.get(f"{ready.base}/x").status_code == 200


def test_an_answer_beyond_the_limit_is_not_given(ready: Balanced) -> None:
    """502 where its length is declared; else it is cut, which the client cannot take for its end."""
    response = ready.client.get(f"{ready.base}/large", params={"bytes": 30 * MB + 1, "declared": ""})

    assert response.status_code == 502
    assert "30 MB" in response.json()["error"]
    with pytest.raises(httpx.RemoteProtocolError):
        ready.client.get(f"{ready.base}/large", params={"bytes": 32 * MB})
    assert len(ready.client.get(f"{ready.base}/large", params={"bytes": 30 * MB}).content) == 30 * MB


def test_a_web_socket_is_passed_through(ready: Balanced) -> None:
    """Text both ways, for as long as both like; it counts as one request until it ends."""
    url = ready.base.replace("http", "ws", 1)
    headers = {"Authorization": f"Bearer {ready.server.api_key}"}

    with connect(f"{url}/talk", additional_headers=headers, proxy=None) as talk:
        for text in ("hello", "x" * 300_000, "bye"):
            talk.send(text)
            assert talk.recv(timeout=30) == text.upper()
        assert ready.load() == (0, 1)

    ready.wait_for("IDLE")
    assert ready.load() == (0, 0)


def test_a_web_socket_needs_the_key(ready: Balanced) -> None:
    """As every request."""
    with pytest.raises(InvalidStatus, match="401"):
        connect(ready.base.replace("http", "ws", 1) + "/talk", proxy=None)


def test_a_web_socket_that_the_worker_refuses_is_answered_as_it_says(ready: Balanced) -> None:
    """Its own status."""
    headers = {"Authorization": f"Bearer {ready.server.api_key}"}
    with pytest.raises(InvalidStatus, match="HTTP 403"):
        connect(ready.base.replace("http", "ws", 1) + "/no-socket", additional_headers=headers, proxy=None)


def test_an_endpoint_answers_to_a_name_of_its_own(ready: Balanced) -> None:
    """`ENDPOINT.localhost`: for applications whose links begin at the root. Its paths are the worker's, all of them."""
    where = urlsplit(ready.base)
    for path in ("/console", "/v2/serverless", "/_emulator/faults", "/lb/x", "/"):
        response = ready.client.get(
            f"http://127.0.0.1:{where.port}{path}", headers={"Host": f"{ready.id}.localhost:{where.port}"}
        )

        assert response.json()["target"] == f"{path}?"
        assert dict(response.json()["headers"])["host"] == f"{ready.id}.localhost:{where.port}"


@pytest.mark.parametrize("header", ["Bearer wrong", "", "wrong"])
def test_a_request_without_a_key_is_refused(ready: Balanced, header: str) -> None:
    """401, and the worker hears nothing of it."""
    result = httpx.get(f"{ready.base}/x", headers={"Authorization": header} if header else {})

    assert result.status_code == 401
    assert "x-runpod-worker-id" not in result.headers


def test_restricted_keys_reach_what_they_may(ready: Balanced) -> None:
    """A key for reading may GET, and not POST; another endpoint's key may do neither. The bare key is a key."""
    reader, stranger = ready.server.add_key("read"), ready.server.add_key("restricted", endpoints={"other": "write"})

    assert httpx.get(f"{ready.base}/x", headers={"Authorization": reader}).status_code == 200
    assert httpx.post(f"{ready.base}/x", headers={"Authorization": reader}).status_code == 403
    assert httpx.get(f"{ready.base}/x", headers={"Authorization": f"Bearer {stranger}"}).status_code == 403


def test_an_unknown_endpoint_is_not_found(ready: Balanced) -> None:
    """Whatever is in the way."""
    for path in ("/lb/nobody/x", "/lb/", "/lb/%2e%2e/x", f"/lb/{ready.id}x/y"):
        assert ready.client.get(f"{ready.server.api}{path}").status_code == 404


def test_each_kind_of_endpoint_names_the_other_kind_of_url(ready: Balanced) -> None:
    """Job URLs of a load balancer tell its base URL; a queue's requests tell its job URL."""
    body = {
        "name": "queue", "type": "QUEUE", "image": "server:1", "gpu": {"pools": ["ADA_24"]},
        "scaling": {"type": "QUEUE_DELAY", "queueDelay": 4}, "workers": {"max": 0},
    }  # fmt: skip
    queue = ready.client.post(f"{ready.server.api}/v2/serverless", json=body).json()

    for operation, method in (("run", "POST"), ("runsync", "POST"), ("status/x", "GET"), ("health", "GET")):
        response = ready.client.request(method, f"{ready.server.api}/v2/{ready.id}/{operation}", json={"input": 1})
        assert (response.status_code, ready.base in response.json()["error"]) == (400, True)
    response = ready.client.get(f"{ready.server.api}/lb/{queue['id']}/x")
    assert (response.status_code, queue["requestUrls"]["run"] in response.json()["error"]) == (400, True)


def test_a_worker_has_ports_of_its_own_and_no_job_urls(ready: Balanced, make: Callable[..., Balanced]) -> None:
    """PORT_HEALTH is another one where the endpoint asks for it, else the same."""
    apart = make(env={"PORT": "8000", "PORT_HEALTH": "8001"})
    apart.wait_for("IDLE")
    result, both = ready.client.get(f"{ready.base}/x").json(), apart.client.get(f"{apart.base}/x").json()

    assert result["ports"][0] == result["ports"][1]
    assert len({*result["ports"], *both["ports"]}) == 3
    assert not result["jobs"]


def test_a_fault_strikes_a_load_balancer_as_any_other_call(ready: Balanced) -> None:
    """By its path; the worker hears nothing of it."""
    ready.server.fault("http.status", path="/lb/*", status=503)

    assert ready.client.get(f"{ready.base}/x").status_code == 503
    assert ready.client.get(f"{ready.base}/x").status_code == 200


def test_calls_are_logged_without_query_and_key(ready: Balanced) -> None:
    """Method, path and status."""
    ready.server.forget_calls()
    ready.client.post(f"{ready.base}/logged?secret=1")

    (call,) = ready.server.calls(path="/lb/*")
    assert (call.method, call.path, call.status) == ("POST", f"/lb/{ready.id}/logged", 200)
