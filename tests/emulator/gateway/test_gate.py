"""Keys, quota, unknown paths and methods: what is decided before any route."""

from __future__ import annotations

import contextlib
import http.client
from typing import Any

import httpx
import pytest

from pulumi_runpod.emulator.local import LocalRunPod

PROBLEM = "application/problem+json"


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer wrong", "Basic local", "local", "Bearer lo cal", "Bearer café"]
)
def test_a_call_without_a_good_key_is_401_and_counts_on_no_quota(runpod: LocalRunPod, header: str | None) -> None:
    """Missing, malformed and unknown keys get the same answer; the answer has no RateLimit headers."""
    headers = [] if header is None else [("Authorization", header.encode("latin-1", "replace"))]
    answer = httpx.get(f"{runpod.api}/v2/templates", headers=headers)

    assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM)
    assert answer.json()["title"] == "Unauthorized"
    assert "ratelimit" not in answer.headers


def test_a_read_only_key_reads_and_does_not_write(runpod: LocalRunPod, make: Any) -> None:
    """GET is 200, every write is 403 with RateLimit headers, and nothing is changed."""
    made = make.volume()
    reader = httpx.Client(base_url=runpod.api, headers={"Authorization": f"Bearer {runpod.add_key('read')}"})
    with reader:
        refused = [
            reader.post("/v2/network-volumes", json={"name": "v", "size": 10, "dataCenter": "EU-RO-1"}),
            reader.patch(f"/v2/network-volumes/{made['id']}", json={"size": 30}),
            reader.delete(f"/v2/network-volumes/{made['id']}"),
        ]

        assert [r.status_code for r in refused] == [403, 403, 403]
        assert all("ratelimit" in r.headers and r.headers["content-type"] == PROBLEM for r in refused)
        assert reader.get("/v2/network-volumes").json() == {"networkVolumes": [made]}


def test_a_restricted_key_without_control_access_is_403_everywhere(runpod: LocalRunPod) -> None:
    """A key for job URLs alone cannot even list; one with read access can."""
    for access, status in (("none", 403), ("read", 200)):
        key = runpod.add_key("restricted", control=access, endpoints={"*": "write"})  # type: ignore[arg-type]
        answer = httpx.get(f"{runpod.api}/v2/serverless", headers={"Authorization": f"Bearer {key}"})

        assert answer.status_code == status


def test_only_the_owners_key_opens_the_control_api(runpod: LocalRunPod) -> None:
    """Neither a stranger nor a lesser key resets the account; `ready` alone is open."""
    for key in ("wrong", runpod.add_key("read")):
        answer = httpx.post(f"{runpod.api}/_emulator/reset", headers={"Authorization": f"Bearer {key}"})

        assert answer.status_code == 401
    assert httpx.get(f"{runpod.api}/_emulator/ready").json()["api"] == runpod.api


@pytest.mark.parametrize(
    "path", ["/v2/pods", "/v2/pods/x", "/v2/clusters", "/v2/nothing", "/v2", "/", "/v2/templates/"]
)
def test_what_is_not_served_is_a_404_problem(api: httpx.Client, path: str) -> None:
    """Pods, clusters and unknown paths answer as an unknown object does, with RateLimit headers."""
    answer = api.get(path)

    assert (answer.status_code, answer.headers["content-type"]) == (404, PROBLEM)
    assert answer.json() == {"title": "Not Found", "status": 404, "detail": "resource not found"}
    assert "ratelimit" in answer.headers


def test_an_unknown_method_is_405_and_says_which_are_known(api: httpx.Client) -> None:
    """A problem, with Allow."""
    answer = api.put("/v2/templates", json={})

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    assert answer.json()["title"] == "Method Not Allowed"


@pytest.mark.parametrize("evil", ["..%2f..%2fetc", "%2e%2e", "..", "%00", "a%2fb", "'; DROP TABLE objects; --", "😀"])
def test_no_id_leads_anywhere_else(api: httpx.Client, make: Any, evil: str) -> None:
    """Ids with paths, quotes and null bytes are ids of nothing: 404, whatever the method."""
    kept = make.volume()
    for method in ("GET", "PATCH", "DELETE"):
        for collection in ("network-volumes", "serverless", "templates"):
            answer = api.request(method, f"/v2/{collection}/{evil}", json={"name": "x"} if method == "PATCH" else None)

            assert answer.status_code in (404, 405)
    assert api.get("/v2/network-volumes").json() == {"networkVolumes": [kept]}


def test_names_are_text_and_nothing_else(runpod: LocalRunPod, make: Any) -> None:
    """A name with a path in it names no file: a volume's directory is called by its id."""
    made = make.volume(name="../../../tmp/evil\u0000😀")
    folders = runpod.call(lambda p: [d.name for d in p.volume_dir(made["id"]).parent.iterdir()])

    assert made["name"] == "../../../tmp/evil\u0000😀"
    assert folders == [made["id"]]


def test_a_body_beyond_32_mib_is_413(runpod: LocalRunPod, api: httpx.Client) -> None:
    """Refused by its declared length, and while it comes in where none is declared."""

    def chunks() -> Any:
        for _ in range(33):
            yield b" " * 1024 * 1024

    untold = api.post("/v2/templates", content=chunks())
    with contextlib.closing(http.client.HTTPConnection(api.base_url.host, api.base_url.port)) as connection:
        connection.putrequest("POST", "/v2/templates")
        connection.putheader("Authorization", api.headers["Authorization"])
        connection.putheader("Content-Length", str(64 * 1024 * 1024))
        connection.endheaders()
        result = connection.getresponse().status

    assert [result, untold.status_code] == [413, 413]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"1", b'"x"', b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(api: httpx.Client, body: bytes) -> None:
    """400 for what is no JSON, 422 for JSON of another shape."""
    answer = api.post("/v2/templates", content=body)

    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == PROBLEM


def test_keys_bodies_and_queries_are_never_logged(runpod: LocalRunPod, api: httpx.Client, make: Any) -> None:
    """The request log knows method, path, status and time."""
    runpod.forget_calls()
    make.endpoint(env={"TOKEN": "hunter2"})
    api.get("/v2/serverless?limit=7")
    response = api.get("/_emulator/requests").text

    assert runpod.calls("POST")[0].path == "/v2/serverless"
    assert not any(secret in response for secret in ("hunter2", "TOKEN", "Bearer", '"local"', "limit=7"))
