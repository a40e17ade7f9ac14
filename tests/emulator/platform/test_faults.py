"""Faults strike what they match, as often as they were asked to, and leave no other trace."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.emulator.platform.faults import Fault, Faults

VOLUME = {"name": "v", "size": 10, "dataCenter": "EU-RO-1"}


def names(api: httpx.Client) -> list[str]:
    return [v["name"] for v in api.get("/v2/network-volumes").json()["networkVolumes"]]


def test_a_status_fault_answers_without_doing_the_work(runpod: LocalRunPod, api: httpx.Client) -> None:
    """Twice 503, then as ever; other routes and methods go on."""
    runpod.fault("http.status", method="POST", path="/v2/network-volumes", status=503, times=2)
    statuses = [api.post("/v2/network-volumes", json=VOLUME).status_code for _ in range(3)]

    assert statuses == [503, 503, 201]
    assert api.get("/v2/network-volumes").status_code == 200
    assert names(api) == ["v"]


def test_a_fault_can_let_some_pass_first(runpod: LocalRunPod, api: httpx.Client) -> None:
    """`after` counts matches."""
    runpod.fault("http.status", path="/v2/templates", after=2)

    assert [api.get("/v2/templates").status_code for _ in range(4)] == [200, 200, 503, 200]


def test_a_rate_limit_fault_says_how_long_to_wait(runpod: LocalRunPod, api: httpx.Client) -> None:
    """429 as a problem, with Retry-After."""
    runpod.fault("http.rate_limit", retry_after=7)
    answer = api.get("/v2/templates")

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


@pytest.mark.parametrize(("kind", "made"), [("http.cut_before", []), ("http.cut_after", ["v"])])
def test_a_cut_connection_leaves_the_work_undone_or_done(
    runpod: LocalRunPod, api: httpx.Client, kind: Any, made: list[str]
) -> None:
    """The client sees the same; the account differs; the log counts both as status 0."""
    runpod.fault(kind, method="POST")
    runpod.forget_calls()
    # The kernel resets the connection where a part of the body is still unread.
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        api.post("/v2/network-volumes", json=VOLUME)

    assert names(api) == made
    assert [c.status for c in runpod.calls("POST")] == [0]


def test_a_truncated_answer_promises_more_than_it_sends(runpod: LocalRunPod, api: httpx.Client) -> None:
    """The length is declared in full, the body stops half way."""
    runpod.fault("http.truncate")
    with pytest.raises(httpx.RemoteProtocolError, match=r"incomplete|without sending complete"):
        api.get("/v2/catalog/gpus")

    assert api.get("/v2/catalog/gpus").status_code == 200


def test_a_wrong_content_type_hides_a_good_body(runpod: LocalRunPod, api: httpx.Client) -> None:
    """200 with JSON that says it is HTML, as a proxy's error page would."""
    runpod.fault("http.content_type")
    answer = api.get("/v2/templates")

    assert answer.headers["content-type"].startswith("text/html")
    assert answer.json()["templates"] == []


def test_a_delay_is_by_the_clock(runpod: LocalRunPod, api: httpx.Client) -> None:
    """A delayed call waits until the clock is moved, and then does its work."""
    runpod.fault("http.delay", delay=60)
    with pytest.raises(httpx.ReadTimeout):
        api.get("/v2/templates", timeout=0.2)
    runpod.advance(60)

    assert api.get("/v2/templates").status_code == 200


def test_chances_are_repeatable() -> None:
    """The same seed gives the same misfortunes, another seed others."""

    def struck(seed: int) -> list[bool]:
        faults = Faults()
        faults.add(Fault(kind="worker.crash", times=None, probability=0.5, seed=seed))
        return [faults.take("worker.crash", "e") is not None for _ in range(50)]

    assert struck(1) == struck(1)
    assert struck(1) != struck(2)
    assert 10 < sum(struck(1)) < 40


def test_platform_faults_match_their_target_alone() -> None:
    """Another kind and another target are untouched, and the count goes down with hits only."""
    faults = Faults()
    faults.add(Fault(kind="stock_out", target="ADA_24@EU-*", times=1))

    assert faults.take("worker.crash", "ADA_24@EU-RO-1") is None
    assert faults.take("stock_out", "ADA_24@US-KS-2") is None
    assert faults.take("stock_out", "ADA_24@EU-RO-1") is not None
    assert faults.take("stock_out", "ADA_24@EU-RO-1") is None


def test_faults_are_listed_and_cleared_over_http(runpod: LocalRunPod, api: httpx.Client) -> None:
    """Arm, list with counts, clear one, clear all."""
    made = api.post("/_emulator/faults", json={"kind": "http.status", "path": "/v2/templates", "times": None}).json()
    api.get("/v2/templates")
    listed = api.get("/_emulator/faults").json()["faults"]

    assert [(f["id"], f["taken"], f["left"]) for f in listed] == [(made["id"], 1, None)]
    assert api.delete("/_emulator/faults/nope").status_code == 404
    assert api.delete(f"/_emulator/faults/{made['id']}").status_code == 204
    assert api.get("/v2/templates").status_code == 200


@pytest.mark.parametrize(
    "body", [{"kind": "nope"}, {"kind": "http.status", "status": 200}, {"kind": "http.status", "x": 1}]
)
def test_a_fault_that_makes_no_sense_is_refused(runpod: LocalRunPod, api: httpx.Client, body: Any) -> None:
    """Over HTTP with 422 and the place, in Python with pydantic's error."""
    assert api.post("/_emulator/faults", json=body).status_code == 422
    with pytest.raises(ValidationError):
        runpod.fault(**body)
