"""Account secrets: unique names, values that stay inside."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from pulumi_runpod.emulator.local import LocalRunPod

PATH = "/v2/account/secrets"


def test_a_value_never_comes_back(api: httpx.Client, make: Any) -> None:
    """Neither on create nor later; an update of the value alone moves its date, one of the description does not."""
    made = make.made("account/secrets", {"name": "hf_token", "value": "hunter2", "description": "d"})
    path = f"{PATH}/{made['id']}"
    body = api.patch(path, json={"description": ""}).json()

    assert set(made) == {"id", "name", "description", "createdAt", "valueLastUpdatedAt"}
    assert body == {**made, "description": None}
    assert api.get(path).json() == body
    assert "hunter2" not in api.get(PATH).text + api.patch(path, json={"value": "hunter2"}).text


def test_a_new_value_moves_its_date(runpod: LocalRunPod, api: httpx.Client, make: Any) -> None:
    """By the clock."""
    made = make.made("account/secrets", {"name": "k", "value": "1"})
    runpod.advance(60)
    body = api.patch(f"{PATH}/{made['id']}", json={"value": "2"}).json()

    assert body["createdAt"] == made["createdAt"]
    assert body["valueLastUpdatedAt"] > made["valueLastUpdatedAt"]


def test_a_taken_name_is_409_whatever_its_case(api: httpx.Client, make: Any) -> None:
    """And free again once deleted; the list finds it by name."""
    made = make.made("account/secrets", {"name": "Key", "value": "1"})
    make.made("account/secrets", {"name": "other", "value": "1"})

    assert api.post(PATH, json={"name": "KEY", "value": "1"}).status_code == 409
    assert api.get(f"{PATH}?name=key").json() == {"secrets": [made]}
    assert api.delete(f"{PATH}/{made['id']}").status_code == 204
    assert api.post(PATH, json={"name": "KEY", "value": "1"}).status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        {"name": "RUNPOD_X", "value": "1"},
        {"name": "runpodx", "value": "1"},
        {"name": "1x", "value": "1"},
        {"name": "a" * 192, "value": "1"},
        {"name": "x"},
        {"name": "x", "value": "1", "description": "é" * 40_000},
        {"name": "x", "value": "1" * 16 * 1024 * 1024},
    ],
)
def test_a_secret_that_breaks_the_schema_is_422(api: httpx.Client, body: Any) -> None:
    """Reserved and malformed names, lengths in bytes; and the value is not in the refusal."""
    answer = api.post(PATH, json=body)

    assert answer.status_code == 422
    assert len(answer.text) < 1000


def test_a_name_is_final(api: httpx.Client, make: Any) -> None:
    """An update knows value and description, and needs one of them."""
    path = f"{PATH}/{make.made('account/secrets', {'name': 'k', 'value': '1'})['id']}"

    assert api.patch(path, json={"name": "other"}).status_code == 422
    assert api.patch(path, json={}).status_code == 422


def test_an_older_service_has_no_secrets(runpod: LocalRunPod, api: httpx.Client) -> None:
    """404, as for any unknown path."""
    runpod.turn(document="2026-08")

    assert api.get(PATH).status_code == 404
    assert api.post(PATH, json={"name": "k", "value": "1"}).status_code == 404
