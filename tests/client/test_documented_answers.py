"""Only the documented answers count as done: another 2xx says nothing about the object."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from raw_server import RawServer, Script, http, served

from pulumi_runpod.client import RunPodClient
from pulumi_runpod.errors import AmbiguousCreate, UnexpectedAnswer
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire import TEMPLATES
from pulumi_runpod.wire.registry import DELEGATIONS
from pulumi_runpod.wire.template import CreateTemplate, UpdateTemplate

OBJECT = '{"id": "t1", "name": "t", "image": "registry.example.com/team/worker:1"}'
PAGE = "<html><body>Welcome</body></html>"
NOT_FOUND = http("404 Not Found", '{"title": "Not Found", "status": 404, "detail": "no such template"}')
ANSWERS = {
    "page": http("200 OK", PAGE, content_type="text/html"),
    "error with 200": http("200 OK", '{"error": "try later"}'),
    "accepted": http("202 Accepted", "{}"),
    "empty 200": http("200 OK", ""),
}


@contextmanager
def client_of(*scripts: Script) -> Iterator[tuple[RunPodClient, RawServer]]:
    with served(*scripts) as server:
        settings = Settings.load({"runpod:apiKey": "k", "runpod:apiBaseUrl": server.url}, {})
        with RunPodClient(settings, sleep=lambda _: None) as client:
            yield client, server


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_delete_that_is_not_answered_as_documented_has_deleted_nothing(answer: str) -> None:
    """The object is looked for, and is still there."""
    with (
        client_of(ANSWERS[answer], http("200 OK", OBJECT)) as (client, server),
        pytest.raises(UnexpectedAnswer, match="expected 204"),
    ):
        client.delete(TEMPLATES, "t1")
    assert [request.split(b" ")[0] for request in server.requests] == [b"DELETE", b"GET"]


@pytest.mark.parametrize("answer", ANSWERS)
def test_what_is_gone_afterwards_was_deleted(answer: str) -> None:
    """A service that answers 200 with a body one day must not make every destroy fail."""
    with client_of(ANSWERS[answer], NOT_FOUND) as (client, _):
        assert client.delete(TEMPLATES, "t1") is True


def test_a_proxy_that_answers_everything_with_its_page_deletes_nothing() -> None:
    """A page is no sign that an object is gone either."""
    with client_of(ANSWERS["page"]) as (client, _), pytest.raises(UnexpectedAnswer, match="text/html"):
        client.delete(TEMPLATES, "t1")


@pytest.mark.parametrize(("listed", "deleted"), [("[]", True), ('[{"id": "d1"}]', False)])
def test_a_kind_without_a_get_is_looked_for_in_its_list(listed: str, deleted: bool) -> None:
    """ECR delegations."""
    with client_of(ANSWERS["accepted"], http("200 OK", f'{{"delegations": {listed}}}')) as (client, _):
        if deleted:
            assert client.delete(DELEGATIONS, "d1") is True
        else:
            with pytest.raises(UnexpectedAnswer, match="expected 204"):
                client.delete(DELEGATIONS, "d1")


@pytest.mark.parametrize("answer", ANSWERS)
def test_no_other_method_takes_an_undocumented_answer_for_success(answer: str) -> None:
    """A create may have been made, a change and a read say what came."""
    body = {"name": "t", "image": "registry.example.com/team/worker:1"}
    with client_of(ANSWERS[answer]) as (client, _):
        with pytest.raises(AmbiguousCreate):
            client.create(TEMPLATES, CreateTemplate.model_validate(body))
        with pytest.raises(UnexpectedAnswer):
            client.update(TEMPLATES, "t1", UpdateTemplate.model_validate({"image": "registry.example.com/w:2"}))
        with pytest.raises(UnexpectedAnswer):
            client.get(TEMPLATES, "t1")
