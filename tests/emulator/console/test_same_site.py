"""Pages of other sites: neither the control API nor the console answers them, however they come."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from pulumi_runpod.emulator.local import LocalRunPod

OWN = ["/_emulator/clock", "/_emulator/ready", "/console", "/console/feed"]


def get(runpod: LocalRunPod, path: str, **headers: str) -> httpx.Response:
    fields = {"Authorization": f"Bearer {runpod.api_key}", **{k.replace("_", "-"): v for k, v in headers.items()}}
    # The feed never ends by itself: only its head is looked at.
    with httpx.stream("GET", runpod.api + path, headers=fields) as answer:
        return answer


@pytest.mark.parametrize("path", OWN)
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost", ""])
def test_another_origin_is_refused_though_it_has_the_key(desk: Any, path: str, origin: str) -> None:
    """Another port of this machine is another origin, too."""
    assert get(desk.runpod, path, Origin=origin).status_code == 403


@pytest.mark.parametrize("path", OWN)
def test_the_pages_own_origin_is_served(desk: Any, path: str) -> None:
    """Under each name of this machine that the page may be opened with."""
    port = desk.runpod.api.rpartition(":")[2]
    for name in ("127.0.0.1", "localhost", "console.localhost", "[::1]"):
        host = f"{name}:{port}"
        answer = get(desk.runpod, path, Host=host, Origin=f"http://{host}", Sec_Fetch_Site="same-origin")
        assert answer.status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "0.0.0.0", "[::", "é"]
)
@pytest.mark.parametrize("path", [*OWN, "/v2/serverless", "/v2/templates", "/s3/EU-RO-1/", "/"])
def test_a_name_that_is_not_this_machines_is_refused_with_the_default_key(desk: Any, path: str, host: str) -> None:
    """DNS rebinding: a site points its own name at 127.0.0.1, and its page knows the key that everybody knows."""
    headers = [("Host", host.encode("latin-1")), ("Authorization", b"Bearer local")]
    answer = httpx.get(desk.runpod.api + path, headers=headers)
    assert answer.status_code == 403
    assert "--api-key" in answer.json()["detail"]


def test_a_server_with_a_key_of_its_own_may_be_reached_by_any_name() -> None:
    """Such a key is out of a foreign page's reach, and machines of a network call by names."""
    with LocalRunPod(api_key="secret-of-mine") as runpod:
        assert get(runpod, "/v2/serverless", Host="runpod.internal:8642").status_code == 200
        assert get(runpod, "/_emulator/clock", Host="runpod.internal:8642").status_code == 200
        assert get(runpod, "/_emulator/clock", Origin="https://evil.example").status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_another_site_embeds_is_refused_and_a_link_is_followed(desk: Any, site: str) -> None:
    """A browser says which site asks, and whether somebody goes there."""
    assert get(desk.runpod, "/console", Sec_Fetch_Site=site, Sec_Fetch_Mode="no-cors").status_code == 403
    assert get(desk.runpod, "/console", Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate").status_code == 200


def test_a_page_of_another_origin_cannot_steer_this_one(desk: Any, visit: Any) -> None:
    """In a real browser: with the right key or with none, nothing is done."""
    desk.endpoint(workers={"min": 0, "max": 1})
    page = visit("data:text/html,<title>another site</title>")
    tried = page.evaluate(
        """async (reset) => Promise.all([
            {method: "POST", headers: {Authorization: "Bearer local"}},
            {method: "POST", mode: "no-cors"},
            {method: "POST", mode: "no-cors", headers: {"Content-Type": "text/plain"}, body: "{}"},
        ].map((how) => fetch(reset, how).then((answer) => answer.type, () => "refused")))""",
        f"{desk.runpod.api}/_emulator/reset",
    )
    assert tried[0] == "refused"
    assert set(tried) <= {"refused", "opaque"}
    assert len(desk.client.get("/v2/serverless").json()["endpoints"]) == 1
