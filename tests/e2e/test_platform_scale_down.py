"""RunPod lowers `workers.max` by itself. A refresh names the cause, and the program says whether it stays."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

from pulumi_runpod import Endpoint
from pulumi_runpod.client import RunPodClient
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.wire import ENDPOINTS
from pulumi_runpod.wire.endpoint import UpdateEndpoint
from tests.e2e.both_adapters import both_adapters_exhaustive

pytestmark = pytest.mark.engine

Deploy = Callable[..., Any]
DAY = 24 * 3600
WORKER = Path(__file__).with_name("gate_worker.py")


def endpoint(*, timeout: int = 300_000, env: dict[str, str] | None = None, **changes: Any) -> Callable[[], None]:
    arguments: dict[str, Any] = {
        "type": "QUEUE",
        "scaling": {"type": "QUEUE_DELAY", "queue_delay": 4},
        "gpu": {"pools": ["ADA_24"]},
        "workers": {"max": 5},
        "image": "registry.example.com/team/gate-worker:1",
        "timeout": timeout,
        "env": env or {},
        **changes,
    }
    return lambda: pulumi.export("id", Endpoint("web", **arguments).id)


def maximum(local_runpod: LocalRunPod, endpoint_id: str) -> int:
    return int(local_runpod.call(lambda p: p.store.get("endpoint", endpoint_id).body["workers"]["max"]))


@pytest.mark.parametrize(("days", "lowered_to"), [(3, 2), pytest.param(7, 0, marks=pytest.mark.exhaustive)])
def test_idle_days_are_named_and_healed_by_the_next_up(
    deploy: Deploy, local_runpod: LocalRunPod, days: int, lowered_to: int
) -> None:
    """The refresh says whose doing it was, the preview what it plans, and one PATCH sets it back."""
    stack = deploy(endpoint())
    endpoint_id = stack.up().outputs["id"]
    local_runpod.advance(days * DAY + 60)
    assert maximum(local_runpod, endpoint_id) == lowered_to

    drifted = stack.preview(refresh=True, expect_no_changes=True)
    refreshed = stack.refresh()
    preview = stack.preview()
    healed = stack.up()

    text = f"RunPod has lowered workers.max from 5 to {lowered_to}, as after {days} days without requests"
    assert drifted.failed
    assert any(text in notice for notice in refreshed.notices), refreshed.notices
    assert any(text in notice for notice in preview.notices), preview.notices
    assert healed.steps == [("update", "web")]
    assert maximum(local_runpod, endpoint_id) == 5
    assert not stack.preview(refresh=True, expect_no_changes=True).failed


@both_adapters_exhaustive
def test_accepted_it_is_shown_and_left_also_by_other_edits(deploy: Deploy, local_runpod: LocalRunPod) -> None:
    """No drift, and no silent raise; a new number in the program is still a wish of the program."""
    stack = deploy(endpoint(platform_scale_down="accept"))
    endpoint_id = stack.up().outputs["id"]
    local_runpod.advance(3 * DAY + 60)
    refreshed = stack.refresh()
    clean = stack.preview(refresh=True, expect_no_changes=True)
    edited = stack.up(endpoint(platform_scale_down="accept", timeout=60_000))
    after_edit = maximum(local_runpod, endpoint_id)
    still_clean = stack.preview(refresh=True, expect_no_changes=True)
    stack.up(endpoint(platform_scale_down="accept", timeout=60_000, workers={"max": 4}))

    assert any("It is left so" in notice for notice in refreshed.notices), refreshed.notices
    assert not clean.failed, clean.text
    assert edited.steps == [("update", "web")]
    assert after_edit == 2
    assert not still_clean.failed, still_clean.text
    assert maximum(local_runpod, endpoint_id) == 4


def test_a_crash_loop_is_named_with_what_the_worker_said(engine: Any) -> None:
    """The platform lowers the number because workers do not come up: the reason is in their logs."""
    command = shlex.join([sys.executable, str(WORKER)])
    with LocalRunPod(workers={"*/gate-worker*": command}) as local:
        local.turn(crash_loop_limit=2)
        stack = engine.stack(endpoint(workers={"min": 1, "max": 5}, env={"MODE": "broken"}), local.environment)
        endpoint_id = stack.up().outputs["id"]
        deadline = time.monotonic() + 60
        while maximum(local, endpoint_id) == 5:
            assert time.monotonic() < deadline
            time.sleep(0.1)  # real processes have to end twice
        refreshed = stack.refresh()

    text = " ".join(refreshed.notices)
    assert "RunPod has lowered workers.max from 5 to 1, because its workers do not come up" in text
    assert "ImportError: no module named torch" in text


def test_what_a_person_lowers_is_plain_drift(deploy: Deploy, outsider: RunPodClient) -> None:
    """Another number than the platform's own is nobody's habit: it is shown, and blamed on none."""
    stack = deploy(endpoint(platform_scale_down="accept"))
    body = UpdateEndpoint.model_validate({"workers": {"min": 0, "max": 1, "idleTimeout": 10}})
    outsider.update(ENDPOINTS, stack.up().outputs["id"], body)
    drifted = stack.preview(refresh=True, expect_no_changes=True)

    assert drifted.failed
    assert "RunPod has lowered" not in drifted.text
