"""What a registry reports of an image's layers: with and without a login, by token, and without an answer.

The registry with tokens is a small server of the test: none can be had here that issues them.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pulumi_runpod.client.image_layers import layer_sizes

DIGEST, AMD64 = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
MANIFEST = {"layers": [{"size": 300}, {"size": 20}]}
INDEX = {
    "manifests": [
        {"digest": f"sha256:{'c' * 64}", "platform": {"os": "linux", "architecture": "arm64"}},
        {"digest": AMD64, "platform": {"os": "linux", "architecture": "amd64"}},
    ]
}
LOGIN = ("robot", "word")
BASIC = "Basic " + base64.b64encode(b"robot:word").decode()


@contextmanager
def registry(documents: dict[str, object], *, wants: str = "", challenge: str = "") -> Iterator[tuple[str, list[str]]]:
    """Its address, and the authorizations that it was shown; it answers 401 unless shown `wants`."""
    shown: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given = self.headers.get("Authorization", "")
            shown.append(given)
            allowed = given == wants or not wants or self.path.startswith("/token")
            found = documents.get(self.path.partition("?")[0])
            body = json.dumps(found).encode() if allowed and found is not None else b""
            self.send_response(401 if not allowed else 200 if found is not None else 404)
            if not allowed:
                self.send_header("WWW-Authenticate", challenge.format(address=address))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        address = f"127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield address, shown
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "documents",
    [
        {f"/v2/a/b/manifests/{DIGEST}": MANIFEST},
        {f"/v2/a/b/manifests/{DIGEST}": INDEX, f"/v2/a/b/manifests/{AMD64}": MANIFEST},
    ],
    ids=["manifest", "index"],
)
def test_layers_are_reported_lowest_first(documents: dict[str, object]) -> None:
    """Of the image itself, or of the one for linux/amd64 in a list of several."""
    with registry(documents) as (address, _):
        assert layer_sizes(f"{address}/a/b:dev@{DIGEST}") == [300, 20]


def test_a_registry_that_wants_a_login_is_shown_it() -> None:
    """Basic authentication; without the login, nothing is known."""
    documents: dict[str, object] = {f"/v2/a/b/manifests/{DIGEST}": MANIFEST}
    with registry(documents, wants=BASIC, challenge='Basic realm="r"') as (address, _):
        assert layer_sizes(f"{address}/a/b@{DIGEST}", LOGIN) == [300, 20]
        assert layer_sizes(f"{address}/a/b@{DIGEST}") == []


def test_a_token_is_fetched_where_the_registry_asks_for_one() -> None:
    """From where it says; a password is never sent there without TLS."""
    documents: dict[str, object] = {f"/v2/a/b/manifests/{DIGEST}": MANIFEST, "/token": {"token": "t-1"}}
    challenge = 'Bearer realm="http://{address}/token",service="registry",scope="repository:a/b:pull"'
    with registry(documents, wants="Bearer t-1", challenge=challenge) as (address, shown):
        assert layer_sizes(f"{address}/a/b@{DIGEST}", LOGIN) == [300, 20]
    assert shown == [BASIC, "", "Bearer t-1"]


@pytest.mark.parametrize("result", [None, [], {}, {"layers": [{}]}, {"layers": 3}, {"manifests": "x"}])
def test_what_is_no_manifest_tells_nothing(result: object) -> None:
    """Whatever a server answers, and where none is: no failure."""
    with registry({f"/v2/a/b/manifests/{DIGEST}": result}) as (address, _):
        assert layer_sizes(f"{address}/a/b@{DIGEST}") == []
    assert layer_sizes(f"{address}/a/b@{DIGEST}") == []
    assert layer_sizes("not a reference") == []
