"""Limits, failures and cut connections: every declaration ends with exactly one object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from pulumi_runpod import Endpoint, NetworkVolume, RegistryCredential, Template
from pulumi_runpod.emulator.local import LocalRunPod

pytestmark = pytest.mark.engine

Deploy = Callable[..., Any]
Calls = Callable[[], list[str]]
IMAGE = "registry.example.com/team/worker:1"


def ten_templates() -> None:
    for i in range(10):
        Template(f"worker{i}", image=IMAGE)


def one_volume(name: str | None = None) -> Callable[[], None]:
    return lambda: pulumi.export("id", NetworkVolume("weights", size=10, data_center="EU-RO-1", name=name).id)


def count(local_runpod: LocalRunPod, kind: str) -> int:
    return local_runpod.call(lambda p: len(p.store.list(kind)))


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"kind": "http.rate_limit", "retry_after": 1}, marks=pytest.mark.exhaustive),
        {"kind": "http.cut_after"},
        pytest.param({"kind": "http.truncate"}, marks=pytest.mark.exhaustive),
        pytest.param({"kind": "http.content_type"}, marks=pytest.mark.exhaustive),
    ],
    ids=lambda fault: f"{fault['kind']}{fault.get('status', '')}",
)
def test_one_bad_answer_among_ten_creates_neither_fails_nor_duplicates(
    deploy: Deploy, local_runpod: LocalRunPod, fault: dict[str, Any]
) -> None:
    """A limit, a connection cut after the commit, an answer that cannot be read."""
    local_runpod.fault(**fault, method="POST", path="/v2/templates", after=4)
    stack = deploy(ten_templates)
    done = stack.up()

    assert not done.failed, done.text
    assert count(local_runpod, "template") == 10
    assert len({r["id"] for r in stack.resources().values()}) == 10
    stack.destroy()
    assert count(local_runpod, "template") == 0


@pytest.mark.parametrize("fault", [{"kind": "http.cut_before"}, {"kind": "http.status", "status": 503}])
def test_a_failure_before_the_commit_fails_the_up_and_the_next_one_makes_the_object(
    deploy: Deploy, local_runpod: LocalRunPod, fault: dict[str, Any]
) -> None:
    """It is not known whether the service goes on, so the POST is not repeated; nothing of that name appears."""
    local_runpod.fault(**fault, method="POST", path="/v2/network-volumes")
    stack = deploy(one_volume())
    failed = stack.up()
    again = stack.up()

    assert failed.failed
    assert "may or may not have been created" in failed.text
    assert "Traceback" not in failed.text
    assert not again.failed, again.text
    assert count(local_runpod, "network volume") == 1


def test_a_chosen_name_proves_nothing_so_the_error_names_what_is_there(
    deploy: Deploy, local_runpod: LocalRunPod
) -> None:
    """The message gives the command with the id; with it, the stack has the object."""
    local_runpod.fault("http.cut_after", method="POST", path="/v2/network-volumes")
    stack = deploy(one_volume(name="chosen"))
    failed = stack.up()
    [row] = local_runpod.call(lambda p: p.store.list("network volume"))

    assert failed.failed
    assert any(f"recover --stack dev --take weights={row.id}`" in error for error in failed.errors), failed.errors


def test_an_update_whose_answer_was_lost_is_repeated(deploy: Deploy, local_runpod: LocalRunPod) -> None:
    """A PATCH may be sent twice: it says the same."""
    stack = deploy(lambda: (NetworkVolume("weights", size=10, data_center="EU-RO-1"), None)[1])
    stack.up()
    local_runpod.fault("http.cut_after", method="PATCH")

    assert not stack.up(lambda: (NetworkVolume("weights", size=20, data_center="EU-RO-1"), None)[1]).failed


def test_destroying_everything_at_once_never_fails_on_in_use(deploy: Deploy, local_runpod: LocalRunPod) -> None:
    """Even where the engine knows of no dependency, because the program wrote the ids as strings."""

    def first() -> None:
        volume = NetworkVolume("weights", size=10, data_center="EU-RO-1")
        registry = RegistryCredential("registry", username="u", password="p")
        for name, resource in {"volume": volume, "registry": registry}.items():
            pulumi.export(name, resource.id)

    stack = deploy(first)
    ids = stack.up().outputs

    def whole() -> None:
        first()
        Endpoint(
            "web",
            type="QUEUE",
            scaling={"type": "QUEUE_DELAY", "queue_delay": 4},
            gpu={"pools": ["ADA_24"]},
            image=IMAGE,
            network_volumes=[ids["volume"]],
            registry=ids["registry"],
        )

    stack.up(whole)
    local_runpod.turn(registry_delete="refuse", delete_needs_zero_workers=True)
    local_runpod.fault("http.delay", method="DELETE", path="/v2/serverless/*", delay=1.5)
    destroyed = stack.destroy()

    assert not destroyed.failed, destroyed.text
    assert [count(local_runpod, kind) for kind in ("endpoint", "network volume", "registry credential")] == [0, 0, 0]
