"""A state that an older release of the package has written: the next `up` writes it anew and calls nobody."""

from __future__ import annotations

import base64
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from pulumi_runpod.resources import providers
from pulumi_runpod.resources.adapter import PROVIDER_KEY, RunPodProvider
from pulumi_runpod.resources.lifecycle import KEY_DIGEST
from tests.e2e.every_kind import every_kind

pytestmark = pytest.mark.engine

Deploy = Callable[..., Any]
Calls = Callable[[], list[str]]
IMAGE = "registry.example.com/team/worker:1"


def stored_otherwise() -> dict[str, str]:
    """By today's stored string, another of the same class: as an older release, with an older pickler, wrote it."""
    found = [value for value in vars(providers).values() if isinstance(value, RunPodProvider)]
    return {stored(provider, 4): stored(provider, 2) for provider in found}


def stored(provider: RunPodProvider, protocol: int) -> str:
    return base64.b64encode(pickle.dumps(provider, protocol=protocol)).decode()


def test_another_release_of_the_provider_replaces_nothing_and_calls_nobody(
    deploy: Deploy, resource_calls: Calls, local_runpod: Any
) -> None:
    """Neither for the stored class nor for outputs that the older release lacked. Refresh and destroy work, too."""
    stack = deploy(every_kind)
    assert not stack.up().failed
    before = stack.resources()
    otherwise = stored_otherwise()

    def older(resource: dict[str, Any]) -> None:
        for side in ("inputs", "outputs"):
            resource[side][PROVIDER_KEY] = otherwise[resource[side][PROVIDER_KEY]]
        resource["outputs"].pop(KEY_DIGEST, None)

    stack.rewrite(older)
    local_runpod.forget_calls()
    bumped = stack.up()
    called = resource_calls()
    again = stack.up(expect_no_changes=True)
    after = stack.resources()

    assert not bumped.failed, bumped.text
    assert {operation for operation, _ in bumped.steps} == {"update"}
    assert len(bumped.steps) == len(before) == 6
    assert called == []
    assert not again.failed, again.text
    assert {name: r["id"] for name, r in after.items()} == {name: r["id"] for name, r in before.items()}
    assert {r[side][PROVIDER_KEY] for r in after.values() for side in ("inputs", "outputs")} <= otherwise.keys()

    stack.rewrite(older)
    assert not stack.refresh().failed
    assert not stack.destroy().failed
