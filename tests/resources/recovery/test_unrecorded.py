"""Which objects a failed update has left, and which declaration gets which."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from pulumi_runpod.client import RunPodClient
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.errors import RunPodError
from pulumi_runpod.resources.naming import Mark, automatic_name, mark_of, prefix, project_marker, stack_marker
from pulumi_runpod.resources.recovery.orphans import Orphan
from pulumi_runpod.resources.recovery.unrecorded import FailedUpdate, taken, taken_as_given, unrecorded
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire.model import JsonObject
from pulumi_runpod.wire.template import TEMPLATES, CreateTemplate, Template

STACK = "urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev"
PROVIDER = "urn:pulumi:dev::shop::pulumi:providers:pulumi-python::default::8a3e"
STATE: JsonObject = {
    "resources": [
        {"urn": STACK, "type": "pulumi:pulumi:Stack"},
        {"urn": PROVIDER.rpartition("::")[0], "type": "pulumi:providers:pulumi-python", "id": "8a3e"},
    ]
}


@pytest.fixture
def api(local_runpod: LocalRunPod) -> Iterator[RunPodClient]:
    with RunPodClient(Settings(api_key=SecretStr(local_runpod.api_key), api_base_url=local_runpod.api)) as client:
        yield client


def planned(parents: str = "") -> JsonObject:
    """A template `worker` that a preview would make."""
    kind = "pulumi-python:dynamic/runpod:Template"
    return {
        "urn": f"urn:pulumi:dev::shop::{parents}{kind}::worker",
        "type": kind,
        "parent": STACK,
        "provider": PROVIDER,
        "inputs": {"__provider": "gASV", "name": "n", "auto_name": "n", "image": "registry.example.com/team/worker:1"},
    }


def made(api: RunPodClient) -> tuple[Orphan, Mark]:
    name = automatic_name(prefix("worker", stack_marker("shop", "dev")))
    found = api.create(TEMPLATES, CreateTemplate(name=name, image="registry.example.com/team/worker:1"))
    mark = mark_of(name)
    assert isinstance(found, Template)
    assert mark is not None
    return Orphan("template", "template", found.id, name), mark


def test_only_what_a_failed_update_of_this_stack_has_made_is_unrecorded() -> None:
    """Not what another stack made, nor what was made at another time, nor by an older release; the newest first."""
    ours = automatic_name(prefix("weights", stack_marker("shop", "dev")))
    second = mark_of(ours)
    assert second is not None
    assert second.made_at is not None
    now = second.made_at
    others = [
        automatic_name(prefix("weights", stack_marker("shop", "prod"))),
        automatic_name(prefix("weights", project_marker("shop"))),
        f"weights-{project_marker('shop')}-vejwbgvv",
    ]
    orphans = [Orphan("network_volume", "network volume", str(i), name) for i, name in enumerate([ours, *others])]

    during, before = FailedUpdate(now - 5, now + 5), FailedUpdate(now - 600, now - 300)
    found = unrecorded(orphans, [before, during], project="shop", stack="dev")

    assert [orphan.name for orphan, _ in found] == [ours]
    assert unrecorded(orphans, [before], project="shop", stack="dev") == []


def test_of_two_objects_a_declaration_gets_the_first_that_is_offered(api: RunPodClient) -> None:
    """Two updates were killed: the newer object is taken, the older one named."""
    newer, older = made(api), made(api)
    result = taken(STATE, [planned()], [newer, older], lambda _: api)

    assert [(found.id, found.verdict) for found in result.found] == [
        (newer[0].id, "recovered"),
        (older[0].id, "orphan"),
    ]
    [recorded] = result.deployment["resources"][2:]
    assert (recorded["id"], recorded["inputs"]["name"]) == (newer[0].id, newer[0].name)
    assert recorded["outputs"]["key_digest"] == api.key_digest


def test_two_declarations_of_one_name_are_not_guessed_at(api: RunPodClient) -> None:
    """In two components: nobody knows which of them has made the object."""
    result = taken(STATE, [planned(), planned("team:Team$")], [made(api)], lambda _: api)

    assert [found.verdict for found in result.found] == ["orphan"]
    assert result.deployment is STATE


def test_without_its_parent_or_provider_nothing_is_recorded(api: RunPodClient) -> None:
    """The engine refuses a state with such an entry."""
    for missing in ("parent", "provider"):
        result = taken(STATE, [{**planned(), missing: "urn:pulumi:dev::shop::x::y"}], [made(api)], lambda _: api)
        assert [found.verdict for found in result.found] == ["orphan"]


def test_an_object_that_a_stack_has_is_never_given_to_another(api: RunPodClient) -> None:
    """Each would delete it under the other."""
    [orphan, _] = made(api)
    with pytest.raises(RunPodError, match="has it already"):
        taken_as_given(STATE, [planned()], {"worker": orphan.id}, lambda _: api, known={orphan.id})
