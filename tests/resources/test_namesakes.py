"""A create under a chosen name that exists outside the stack's state: refused with the id and the command."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from pydantic import SecretStr

from pulumi_runpod.client import RunPodClient
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.errors import RunPodError
from pulumi_runpod.resources.declaration import Declaration
from pulumi_runpod.resources.kinds import network_volume
from pulumi_runpod.resources.naming import automatic_name, prefix, stack_marker
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire import NETWORK_VOLUMES
from pulumi_runpod.wire.model import JsonObject
from pulumi_runpod.wire.network_volume import CreateNetworkVolume

LIFECYCLE = network_volume.LIFECYCLE
CHOSEN: JsonObject = {"name": "chosen", "size": 10, "data_center": "EU-RO-1"}


@dataclass(frozen=True)
class Held(Declaration):
    """A declaration whose stack holds these objects; None where its state cannot be read."""

    urn: str = "urn:pulumi:dev::shop::pulumi-python:dynamic/runpod:NetworkVolume::weights"
    ids: frozenset[str] | None = frozenset()

    def held_ids(self) -> frozenset[str] | None:
        return self.ids


@pytest.fixture
def settings(local_runpod: LocalRunPod) -> Settings:
    return Settings(api_key=SecretStr(local_runpod.api_key), api_base_url=local_runpod.api)


@pytest.fixture
def api(settings: Settings) -> Iterator[RunPodClient]:
    with RunPodClient(settings) as client:
        yield client


@pytest.fixture
def stray(api: RunPodClient, local_runpod: LocalRunPod) -> str:
    body = CreateNetworkVolume(name="chosen", size=10, dataCenter="EU-RO-1")
    object_id: str = api.create(NETWORK_VOLUMES, body).model_dump()["id"]
    local_runpod.forget_calls()
    return object_id


def methods(local_runpod: LocalRunPod) -> list[str]:
    return [call.method for call in local_runpod.calls(path="/v2/network-volumes*")]


def test_it_is_refused_with_the_id_and_the_command(api: RunPodClient, stray: str, local_runpod: LocalRunPod) -> None:
    """Nothing is sent but the list."""
    with pytest.raises(RunPodError, match=f"recover --stack dev --take weights={stray}`") as refused:
        LIFECYCLE.create(api, CHOSEN, Held())
    assert "runpod:allowNamesakes" in str(refused.value)
    assert methods(local_runpod) == ["GET"]


def test_an_object_of_the_own_stack_is_in_nobodys_way(api: RunPodClient, stray: str) -> None:
    """A replacement makes the new object before the old one goes."""
    assert LIFECYCLE.create(api, CHOSEN, Held(ids=frozenset({stray}))).id != stray


def test_where_the_state_cannot_be_read_nothing_is_refused(api: RunPodClient, stray: str) -> None:
    """It may be a replacement."""
    assert LIFECYCLE.create(api, CHOSEN, Held(ids=None)).id != stray


def test_a_program_may_allow_objects_of_one_name(settings: Settings, stray: str, local_runpod: LocalRunPod) -> None:
    """Then nothing is listed."""
    with RunPodClient(settings.model_copy(update={"allow_namesakes": True})) as client:
        assert LIFECYCLE.create(client, CHOSEN, Held()).id != stray
    assert methods(local_runpod) == ["POST"]


def test_creates_of_a_process_list_a_kind_once(api: RunPodClient, local_runpod: LocalRunPod) -> None:
    """Under chosen names; an automatic name is nobody else's."""
    for name in ("one", "two", "three"):
        LIFECYCLE.create(api, {**CHOSEN, "name": name}, Held())
    name = automatic_name(prefix("weights", stack_marker("shop", "dev")))
    LIFECYCLE.create(api, {**CHOSEN, "name": name, "auto_name": name}, Held())
    assert methods(local_runpod) == ["GET", "POST", "POST", "POST", "POST"]


def test_the_error_of_a_lost_answer_names_the_command(api: RunPodClient, local_runpod: LocalRunPod) -> None:
    local_runpod.fault("http.cut_after", method="POST", path="/v2/network-volumes")
    with pytest.raises(RunPodError, match="may have been created") as lost:
        LIFECYCLE.create(api, CHOSEN, Held())
    [volume] = local_runpod.call(lambda p: p.store.list("network volume"))
    assert f"`pulumi-runpod recover --stack dev --take weights={volume.id}`" in str(lost.value)
