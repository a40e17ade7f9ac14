"""What becomes of an interrupted create, judged from the state and the service's list alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from pulumi_runpod.client import RunPodClient
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.errors import RunPodError
from pulumi_runpod.resources.naming import automatic_name, prefix, stack_marker
from pulumi_runpod.resources.recovery.interrupted import Recoverer, Recovery
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire.model import JsonObject
from pulumi_runpod.wire.template import TEMPLATES, CreateTemplate, Template

KIND = "pulumi-python:dynamic/runpod:Template"
IMAGE = "registry.example.com/team/worker:1"


@pytest.fixture
def api(local_runpod: LocalRunPod) -> Iterator[RunPodClient]:
    with RunPodClient(Settings(api_key=SecretStr(local_runpod.api_key), api_base_url=local_runpod.api)) as client:
        yield client


def template(api: RunPodClient, name: str) -> str:
    found = api.create(TEMPLATES, CreateTemplate(name=name, image=IMAGE))
    assert isinstance(found, Template)
    return found.id


def new_name() -> str:
    return automatic_name(prefix("worker", stack_marker("shop", "dev")))


def resource(name: str, *, object_id: str | None = None, automatic: bool = True, **fields: object) -> JsonObject:
    inputs = {"__provider": "gASV", "name": name, "image": IMAGE, **({"auto_name": name} if automatic else {})}
    held = {"id": object_id, "outputs": inputs} if object_id else {}
    return {"urn": f"urn:pulumi:dev::shop::{KIND}::worker", "type": KIND, "inputs": inputs, **held, **fields}


def state(*pending: JsonObject, resources: tuple[JsonObject, ...] = ()) -> JsonObject:
    return {
        "resources": list(resources),
        "pending_operations": [{"type": "creating", "resource": one} for one in pending],
    }


def recover(api: RunPodClient, deployment: JsonObject, **take: str) -> Recovery:
    return Recoverer(lambda _: api, take=take, sleep=lambda _: None).recover(deployment)


def judged(recovery: Recovery) -> list[tuple[str, str | None, str | None]]:
    return [(result.verdict, result.id, result.instead) for result in recovery.operations]


@pytest.mark.parametrize("protect", [True, False])
def test_what_the_state_holds_is_neither_exchanged_nor_marked(api: RunPodClient, protect: bool) -> None:
    """A later `up` has made another object for the declaration: the interrupted create's is the orphan."""
    first, second = new_name(), new_name()
    orphan, live = template(api, first), template(api, second)
    held = resource(second, object_id=live, protect=protect)
    recovery = recover(api, state(resource(first), resources=(held,)))

    assert judged(recovery) == [("orphan", orphan, live)]
    assert recovery.deployment == {"resources": [held], "pending_operations": []}


def test_an_object_that_the_state_holds_already_is_recorded(api: RunPodClient) -> None:
    """A later `up` has found and adopted it; it is looked for once."""
    name = new_name()
    live = template(api, name)
    held = resource(new_name(), object_id=live)

    recovery = recover(api, state(resource(name), resources=(held,)))
    assert judged(recovery) == [("recorded", live, live)]
    assert recovery.deployment == {"resources": [held], "pending_operations": []}


def test_of_two_interrupted_creates_the_newest_is_recovered(api: RunPodClient) -> None:
    """Both are pending for one declaration, and no update has finished since."""
    names = [f"{prefix('worker', stack_marker('shop', 'dev'))}-{second}aaaaa" for second in ("vaaaaaa", "vaaaaab")]
    older, newer = (template(api, name) for name in names)
    recovery = recover(api, state(*map(resource, names)))

    assert judged(recovery) == [("orphan", older, newer), ("recovered", newer, None)]
    assert [held["id"] for held in recovery.deployment["resources"]] == [newer]
    assert recovery.deployment["pending_operations"] == []


def test_under_a_chosen_name_nothing_is_left_to_decide_once_the_declaration_has_an_object(api: RunPodClient) -> None:
    """The namesake is reported, and stops nobody."""
    namesake, live = template(api, "chosen"), template(api, "chosen")
    held = resource("chosen", object_id=live, automatic=False)
    recovery = recover(api, state(resource("chosen", automatic=False), resources=(held,)))

    assert judged(recovery) == [("superseded", None, live)]
    assert recovery.operations[0].candidates == (namesake,)
    assert recovery.undecided == []


def test_taking_an_object_does_not_displace_the_one_in_the_state(api: RunPodClient) -> None:
    """The refusal names both, and the way to exchange them."""
    stray, live = template(api, "chosen"), template(api, "chosen")
    held = resource("chosen", object_id=live, automatic=False)
    with pytest.raises(RunPodError, match=rf"worker={stray}: the stack holds {live}.*pulumi state delete"):
        recover(api, state(resource("chosen", automatic=False), resources=(held,)), worker=stray)


def test_an_entry_that_waits_to_be_deleted_is_not_the_declarations_object(api: RunPodClient) -> None:
    """Deleted before it is replaced: the new object is recorded beside it."""
    name = new_name()
    new = template(api, name)
    old = resource(new_name(), object_id="tpl_old", delete=True)
    recovery = recover(api, state(resource(name), resources=(old,)))

    assert judged(recovery) == [("recovered", new, None)]
    assert [(held["id"], held.get("delete", False)) for held in recovery.deployment["resources"]] == [
        ("tpl_old", True),
        (new, False),
    ]


@pytest.mark.parametrize(
    ("seen_with", "is_here", "verdict"),
    [
        (None, False, "unproven"),  # an empty state
        ("own", True, "never made"),
        ("own", False, "never made"),  # deleted by hand
        ("another", True, "never made"),  # the key was renewed
        ("another", False, "another account"),
    ],
)
def test_nothing_found_clears_the_entry_only_in_the_proven_account(
    api: RunPodClient, seen_with: str | None, is_here: bool, verdict: str
) -> None:
    """With the key of another account, nothing of the stack is ever there."""
    other = template(api, new_name()) if is_here else "tpl_gone"
    held = {**resource(new_name(), object_id=other), "urn": f"urn:pulumi:dev::shop::{KIND}::other"}
    held["outputs"] = {**held["outputs"], "key_digest": api.key_digest if seen_with == "own" else "0000000000"}
    recovery = recover(api, state(resource(new_name()), resources=(held,) if seen_with else ()))

    assert [operation.verdict for operation in recovery.operations] == [verdict]
    assert len(recovery.deployment["pending_operations"]) == (0 if verdict == "never made" else 1)
    assert bool(recovery.undecided) is (verdict == "another account")


@pytest.mark.parametrize(("provider", "verdict"), [("one", "never made"), ("other", "undecided")])
def test_a_recovered_object_proves_the_account_of_its_provider(api: RunPodClient, provider: str, verdict: str) -> None:
    """An import removes every pending operation: beside an entry that has to stay, nothing is written."""
    made, missing = new_name(), f"{prefix('second', stack_marker('shop', 'dev'))}-vaaaaaaaaaaa"
    object_id = template(api, made)
    deployment = state(
        resource(made, provider="one"),
        {**resource(missing, provider=provider), "urn": f"urn:pulumi:dev::shop::{KIND}::second"},
    )
    recovery = recover(api, deployment)

    assert judged(recovery) == [("recovered", object_id, None), (verdict, None, None)]
    assert (recovery.deployment is deployment) is (verdict == "undecided")


def test_an_entry_of_an_unproven_account_stays(api: RunPodClient) -> None:
    """The state holds nothing that tells whose key this is."""
    deployment = state(resource(new_name()))
    recovery = recover(api, deployment)
    assert judged(recovery) == [("unproven", None, None)]
    assert recovery.deployment is deployment
