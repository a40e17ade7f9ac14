"""An existing object is taken over by its id alone, brought to what is declared, and never made again or deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from pulumi_runpod import NetworkVolume, Template
from pulumi_runpod.client import RunPodClient
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.wire import NETWORK_VOLUMES, TEMPLATES
from pulumi_runpod.wire.model import Response
from pulumi_runpod.wire.network_volume import CreateNetworkVolume
from pulumi_runpod.wire.template import CreateTemplate
from tests.e2e.both_adapters import both_adapters

pytestmark = pytest.mark.engine

Deploy = Callable[..., Any]
Calls = Callable[[], list[str]]
IMAGE = "registry.example.com/team/worker:1"


def id_of(found: Response) -> str:
    return str(found.model_dump()["id"])


@pytest.fixture
def volume_id(outsider: RunPodClient) -> str:
    """A volume of 10 GB that somebody made by hand."""
    body = {"name": "by-hand", "size": 10, "dataCenter": "EU-RO-1"}
    return id_of(outsider.create(NETWORK_VOLUMES, CreateNetworkVolume.model_validate(body)))


def adopting(volume_id: str | None, **changes: Any) -> Callable[[], None]:
    arguments: dict[str, Any] = {
        "size": 20,
        "data_center": "EU-RO-1",
        "adopt_id": volume_id,
        "adopt": "overwrite",
        **changes,
    }
    if arguments["adopt_id"] is None:
        del arguments["adopt"]

    def declare() -> None:
        volume = NetworkVolume("weights", **arguments)
        pulumi.export("id", volume.id)
        pulumi.export("name", volume.name)

    return declare


@both_adapters
def test_adopting_brings_the_object_to_what_is_declared_in_the_same_up(
    deploy: Deploy, local_runpod: LocalRunPod, volume_id: str
) -> None:
    """The preview lists the change and stops until the program confirms it. One PATCH, no POST; the object keeps its
    name; taking `adopt_id` out again changes nothing.
    """
    local_runpod.forget_calls()
    stack = deploy(adopting(volume_id, adopt=None))
    refused = stack.preview()
    listed = stack.preview(adopting(volume_id))
    previewed = [call.method for call in local_runpod.calls()]
    local_runpod.forget_calls()
    adopted = stack.up()
    calls = [call.method for call in local_runpod.calls()]
    local_runpod.forget_calls()
    again = stack.up()
    without = stack.up(adopting(None))
    after = stack.preview(refresh=True, expect_no_changes=True)

    assert refused.failed
    assert any("size: would change from 10 to 20" in error for error in refused.errors), refused.errors
    assert any("adopt='overwrite'" in error for error in refused.errors), refused.errors
    assert not listed.failed, listed.text
    assert any("size: from 10 to 20" in notice for notice in listed.notices), listed.notices
    assert previewed == ["GET", "GET"]
    assert not adopted.failed, adopted.text
    # `up` without its own preview: once to compare, once to adopt.
    assert calls == ["GET", "GET", "PATCH"]
    assert adopted.outputs == {"id": volume_id, "name": "by-hand"}
    assert again.steps == []
    assert not without.failed, without.text
    assert without.outputs == adopted.outputs
    assert [call.method for call in local_runpod.calls() if call.method != "GET"] == []
    assert not after.failed, after.text


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"adopt_id": "nothing-there"}, "there is no network volume nothing-there in this account"),
        ({"data_center": "EU-CZ-1"}, "cannot move"),
        ({"size": 10, "type": "HIGH_PERFORMANCE"}, "cannot change its type"),
    ],
)
def test_what_cannot_be_adopted_is_refused_in_one_line(
    deploy: Deploy, resource_calls: Calls, volume_id: str, changes: dict[str, Any], text: str
) -> None:
    """In the preview, which changes nothing."""
    failed = deploy(adopting(volume_id, **changes)).preview()

    assert failed.failed
    assert "Traceback" not in failed.text
    assert any(text in error for error in failed.errors), failed.errors
    assert [call for call in resource_calls() if call.startswith(("PATCH", "DELETE"))] == []


def test_a_replacement_of_an_adopted_object_is_refused_while_the_program_names_it(
    deploy: Deploy, volume_id: str, local_runpod: LocalRunPod
) -> None:
    """The object it names is the one that would be deleted."""
    stack = deploy(adopting(volume_id))
    stack.up()
    refused = stack.up(adopting(volume_id, data_center="EU-CZ-1", allow_data_loss=True))

    assert refused.failed
    assert any("take adopt_id out first" in error for error in refused.errors), refused.errors
    assert len(local_runpod.call(lambda p: p.store.list("network volume"))) == 1


def test_a_replacement_forced_from_outside_does_not_delete_what_it_adopts(
    deploy: Deploy, outsider: RunPodClient, local_runpod: LocalRunPod
) -> None:
    """`--target-replace` asks neither check nor diff about the old object: it ends with the same one, alive."""
    body = CreateTemplate.model_validate({"name": "by-hand", "image": IMAGE})
    template_id = id_of(outsider.create(TEMPLATES, body))
    stack = deploy(
        lambda: pulumi.export("id", Template("worker", image=IMAGE, adopt_id=template_id, adopt="overwrite").id)
    )
    stack.up()
    urn = next(iter(stack.resources().values()))["urn"]
    replaced = stack.up(replace=[urn])

    assert not replaced.failed, replaced.text
    assert replaced.outputs == {"id": template_id}
    assert [row.id for row in local_runpod.call(lambda p: p.store.list("template"))] == [template_id]
    assert len(stack.resources()) == 1


def test_another_id_for_the_same_resource_is_refused(deploy: Deploy, volume_id: str, outsider: RunPodClient) -> None:
    """It would orphan one object or delete it."""
    body = {"name": "second", "size": 10, "dataCenter": "EU-RO-1"}
    second = id_of(outsider.create(NETWORK_VOLUMES, CreateNetworkVolume.model_validate(body)))
    stack = deploy(adopting(volume_id))
    stack.up()
    refused = stack.up(adopting(second))

    assert refused.failed
    assert any(f"already manages {volume_id}" in error for error in refused.errors), refused.errors
