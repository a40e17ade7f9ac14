"""The real engine with the key and URL of another account: nothing is taken for deleted that lives on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pulumi_runpod import NetworkVolume, Template
from pulumi_runpod.emulator.local import LocalRunPod
from tests.e2e.conftest import Engine, RealStack
from tests.e2e.killable import objects

pytestmark = pytest.mark.engine

IMAGE = "registry.example.com/team/worker:1"


def volume_alone() -> None:
    NetworkVolume("weights", size=10, data_center="EU-RO-1")


def both() -> None:
    volume_alone()
    Template("worker", image=IMAGE)


def left(local_runpod: LocalRunPod) -> tuple[int, int]:
    return len(objects(local_runpod, "network volume")), len(objects(local_runpod, "template"))


def test_up_and_destroy_with_another_account_fail_and_keep_the_state(
    engine: Engine, deploy: Callable[..., RealStack], local_runpod: LocalRunPod
) -> None:
    """Then the right key destroys everything, an object that was deleted by hand included."""
    mine = deploy(both)
    assert not mine.up().failed
    with LocalRunPod() as elsewhere:
        theirs = engine.stack(both, elsewhere.environment)
        dropped = theirs.up(volume_alone)
        destroyed = theirs.destroy()
        refreshed = theirs.refresh()

    for outcome in (dropped, destroyed):
        assert outcome.failed
        assert "of another account" in outcome.text
        assert "Traceback" not in outcome.text
    assert refreshed.failed
    assert left(local_runpod) == (1, 1)
    assert sorted(mine.resources()) == ["weights", "worker"]

    [template] = objects(local_runpod, "template")
    local_runpod.call(lambda p: p.store.delete("template", template))
    assert not mine.destroy().failed
    assert left(local_runpod) == (0, 0)
