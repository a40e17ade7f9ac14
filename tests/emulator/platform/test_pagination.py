"""Pages of lists: newest first, each object once, and cursors that fit one list only."""

from __future__ import annotations

from typing import Any

import httpx
import pytest


def page(api: httpx.Client, path: str, **query: object) -> Any:
    answer = api.get(path, params=query)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_following_the_cursor_shows_every_object_once(api: httpx.Client, make: Any) -> None:
    """Seven templates in pages of three: 3, 3, 1, newest first, also when one is made and one is deleted meanwhile."""
    made = [make.template(name=f"t{n}")["id"] for n in range(7)]
    first = page(api, "/v2/templates", limit=3)
    make.template(name="late")
    api.delete(f"/v2/templates/{made[0]}")
    second = page(api, "/v2/templates", limit=3, cursor=first["pagination"]["nextCursor"])

    assert [t["id"] for t in first["templates"]] == made[:3:-1]
    assert [t["id"] for t in second["templates"]] == made[3:0:-1]
    assert first["pagination"]["hasNextPage"]
    assert second["pagination"] == {"nextCursor": None, "hasNextPage": False}


def test_a_full_last_page_has_no_next(api: httpx.Client, make: Any) -> None:
    """Exactly `limit` objects are one page."""
    for _ in range(2):
        make.template()

    assert page(api, "/v2/templates", limit=2)["pagination"] == {"nextCursor": None, "hasNextPage": False}


@pytest.mark.parametrize("limit", ["0", "1001", "x", "-1", "1.5", "", "９"])
def test_a_limit_out_of_range_is_422(api: httpx.Client, limit: str) -> None:
    """1 to 1000."""
    assert api.get("/v2/templates", params={"limit": limit}).status_code == 422


def test_a_foreign_or_broken_cursor_is_422(api: httpx.Client, make: Any) -> None:
    """A cursor of templates is none of endpoints; neither is an invented or a shortened one."""
    for _ in range(2):
        make.template()
    cursor = page(api, "/v2/templates", limit=1)["pagination"]["nextCursor"]
    foreign = api.get("/v2/serverless", params={"cursor": cursor})

    assert (foreign.status_code, foreign.json()["errors"]) == (422, ["cursor: invalid for this list"])
    for broken in (cursor[:-3], "", "abc", "é", "MTIz", "*"):
        assert api.get("/v2/templates", params={"cursor": broken}).status_code == 422
