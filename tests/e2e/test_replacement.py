"""Replacement is rare and announced: only another type, or GPU instead of CPU, makes a new endpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from pulumi_runpod import Endpoint
from pulumi_runpod.emulator.local import LocalRunPod
from tests.e2e.both_adapters import both_adapters_exhaustive

pytestmark = pytest.mark.engine

IMAGE = "registry.example.com/team/worker:1"
QUEUE: Mapping[str, Any] = {
    "type": "QUEUE",
    "image": IMAGE,
    "gpu": {"pools": ["ADA_24"]},
    "scaling": {"type": "REQUEST_COUNT", "request_count": 4},
}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"type": "LOAD_BALANCER"}, id="queue to load balancer"),
        pytest.param(
            {"gpu": None, "cpu": [{"id": "cpu3c", "vcpu_count": 2}]}, id="GPU to CPU", marks=pytest.mark.exhaustive
        ),
    ],
)
@both_adapters_exhaustive
def test_a_replacement_names_the_change_of_the_urls(
    deploy: Callable[..., Any], local_runpod: LocalRunPod, change: Mapping[str, Any]
) -> None:
    """The preview plans a replacement and names the work for clients; the up makes one endpoint and deletes one."""
    stack = deploy(lambda: Endpoint("images", **QUEUE))
    assert not stack.up().failed
    local_runpod.forget_calls()

    seen = stack.preview(lambda: Endpoint("images", **{**QUEUE, **change}))
    assert ("replace", "images") in seen.steps
    assert any("other request URLs" in notice for notice in seen.notices), seen.notices
    assert not local_runpod.calls(path="/v2/serverless*")

    assert not stack.up().failed
    made, gone = (local_runpod.calls(method, "/v2/serverless*") for method in ("POST", "DELETE"))
    assert (len(made), len(gone)) == (1, 1)
