"""What is secret in the program is ciphertext in the state, and nowhere to be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from pulumi_runpod import Endpoint, Template
from pulumi_runpod.client import RunPodClient
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.wire import TEMPLATES
from pulumi_runpod.wire.template import UpdateTemplate
from tests.e2e.both_adapters import both_adapters

pytestmark = pytest.mark.engine

Deploy = Callable[..., Any]
IMAGE = "registry.example.com/team/worker:1"
TOKEN = "tok-3c9f1e7a"
PLAIN = "plain-entry-of-the-program"
LEAK = "added-by-hand-77aa"


def program(token: str = TOKEN, **changes: Any) -> Callable[[], None]:
    def declare() -> None:
        worker = Template("worker", image=IMAGE, env={"TOKEN": pulumi.Output.secret(token), "MODE": PLAIN})
        arguments: dict[str, Any] = {
            "type": "QUEUE",
            "scaling": {"type": "QUEUE_DELAY", "queue_delay": 4},
            "gpu": {"pools": ["ADA_24"]},
            "template": worker,
            **changes,
        }
        Endpoint("web", **arguments)
        pulumi.export("template", worker.id)

    return declare


@both_adapters
def test_secret_entries_are_encrypted_and_plain_ones_stay_readable_in_inputs(
    deploy: Deploy, outsider: RunPodClient
) -> None:
    """Through create, update, refresh and preview; entries added by hand are hidden as outputs."""
    stack = deploy(program())
    first = stack.up()
    preview = stack.preview(program(token="tok-another"), diff=True)
    changed = stack.up(program(token="tok-another"))
    outsider.update(
        TEMPLATES,
        changed.outputs["template"],
        UpdateTemplate.model_validate({"env": {"TOKEN": "tok-another", "MODE": PLAIN, "ADDED": LEAK}}),
    )
    drifted = stack.preview(refresh=True, diff=True)
    refreshed = stack.refresh()
    state = stack.state_text()
    healed = stack.up()

    for outcome in (first, preview, changed, drifted, refreshed):
        assert TOKEN not in outcome.text
        assert "tok-another" not in outcome.text
        assert LEAK not in outcome.text
    assert "tok-another" not in state
    assert LEAK not in state
    worker = stack.resources()["worker"]
    assert worker["inputs"]["env"]["MODE"] == PLAIN
    assert PLAIN not in str(worker["outputs"])
    assert healed.steps == [("update", "worker")]


def test_a_refused_create_does_not_show_the_environment(deploy: Deploy, local_runpod: LocalRunPod) -> None:
    """Even where the service's answer repeats the body."""
    local_runpod.fault("http.status", method="POST", path="/v2/serverless", status=422, detail=f"env holds {TOKEN}: no")
    stack = deploy(program())
    failed = stack.up()

    assert failed.failed
    assert "422" in failed.text
    assert TOKEN not in failed.text
    assert TOKEN not in stack.state_text()
