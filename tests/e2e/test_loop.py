"""The life of a stack with a volume, a template and an endpoint: what each command does, counted in calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from pulumi_runpod import Endpoint, NetworkVolume, Template
from pulumi_runpod.emulator.local import LocalRunPod
from tests.e2e.both_adapters import both_adapters

pytestmark = pytest.mark.engine

Deploy = Callable[..., Any]
Calls = Callable[[], list[str]]
IMAGE = "registry.example.com/team/worker:1"


def service(*, size: int = 10, image: str = IMAGE, workers: int = 3, **endpoint: Any) -> Callable[[], None]:
    """A program that declares one of each."""

    def program() -> None:
        volume = NetworkVolume("weights", size=size, data_center="EU-RO-1")
        template = Template("worker", image=image, env={"MODEL": "sdxl"})
        made = Endpoint(
            "sdxl",
            type="QUEUE",
            scaling={"type": "QUEUE_DELAY", "queue_delay": 4},
            gpu={"pools": ["ADA_24"]},
            workers={"max": workers},
            network_volumes=[volume.id],
            template=template,
            **endpoint,
        )
        pulumi.export("id", made.id)
        pulumi.export("run", made.request_urls["run"])

    return program


@both_adapters
def test_up_creates_repeats_nothing_edits_in_place_and_destroys(
    deploy: Deploy, local_runpod: LocalRunPod, resource_calls: Calls
) -> None:
    """First up: one POST each. Second: no call. An edited worker count: one PATCH. Destroy: an empty account."""
    stack = deploy(service())
    first = stack.up()

    assert not first.failed, first.text
    assert first.names("create") == ["sdxl", "weights", "worker"]
    assert sorted(resource_calls()) == ["POST /v2/network-volumes", "POST /v2/serverless", "POST /v2/templates"]

    local_runpod.forget_calls()
    again = stack.up()

    assert again.steps == []
    assert local_runpod.calls() == []

    edited = stack.up(service(workers=5))

    assert edited.steps == [("update", "sdxl")]
    assert resource_calls() == [f"PATCH /v2/serverless/{first.outputs['id']}"]

    local_runpod.forget_calls()
    retouched = stack.up(service(workers=5, image=IMAGE.replace(":1", ":2")))

    assert retouched.names("update") == ["sdxl", "worker"]
    assert [call.split("/")[0:3] for call in sorted(resource_calls())] == [
        ["PATCH ", "v2", "serverless"],
        ["PATCH ", "v2", "templates"],
    ]
    assert retouched.outputs == first.outputs

    destroyed = stack.destroy()

    assert not destroyed.failed, destroyed.text
    counts = local_runpod.call(
        lambda p: [len(p.store.list(kind)) for kind in ("endpoint", "template", "network volume")]
    )
    assert counts == [0, 0, 0]
