"""What a person can get wrong: one clear line with what to do, no traceback, and nothing created."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pulumi_runpod import Endpoint, NetworkVolume
from pulumi_runpod.emulator.local import LocalRunPod
from tests.e2e.both_adapters import both_adapters, both_adapters_exhaustive, worded

pytestmark = pytest.mark.engine

Deploy = Callable[..., Any]
Calls = Callable[[], list[str]]


def volume(size: int = 10, data_center: str = "EU-RO-1") -> Callable[[], None]:
    return lambda: (NetworkVolume("weights", size=size, data_center=data_center), None)[1]


def endpoint(**changes: Any) -> Callable[[], None]:
    arguments: dict[str, Any] = {
        "type": "QUEUE",
        "scaling": {"type": "QUEUE_DELAY", "queue_delay": 4},
        "gpu": {"pools": ["ADA_24"]},
        "image": "registry.example.com/team/worker:1",
        **changes,
    }
    return lambda: (Endpoint("sdxl", **arguments), None)[1]


def said(outcome: Any) -> str:
    """The one error of a failed command that is about a resource."""
    assert outcome.failed
    assert "Traceback" not in outcome.text, outcome.text
    assert 'File "' not in outcome.text, outcome.text
    found = [error for error in outcome.errors if error not in ("update failed", "preview failed")]
    assert len(found) == 1, found
    assert len(found[0].splitlines()) == 1, found
    return str(found[0])


def test_a_volume_of_five_gb_is_refused_before_any_call(deploy: Deploy, local_runpod: LocalRunPod) -> None:
    """The preview says it already."""
    stack = deploy(volume(size=5))

    assert "size: must be at least 10 GB, got 5" in said(stack.preview())
    assert local_runpod.calls() == []


@both_adapters
def test_all_mistakes_of_a_resource_are_reported_at_once(
    adapter: str, deploy: Deploy, local_runpod: LocalRunPod
) -> None:
    """Bounds, rules across fields and a missing field in one go, each with its path."""
    stack = deploy(
        endpoint(
            type="LOAD_BALANCER",
            gpu={"pools": [], "min_cuda_version": "twelve"},
            cpu=[{"id": "cpu3c", "vcpu_count": 3}],
            timeout=300,
            workers={"min": 4, "max": 2, "idle_timeout": 4000},
            env={"STEPS": 4},
            ports=["8000"],
            image=None,
        )
    )
    failed = stack.preview()

    assert failed.failed
    paths = sorted(error.split("has a problem: ")[1].split(": ")[0] for error in failed.errors if "problem" in error)
    assert paths == [
        "cpu",
        worded(adapter, "cpu[0].vcpu_count"),
        "env.STEPS",
        worded(adapter, "gpu.min_cuda_version"),
        "gpu.pools",
        "image",
        "ports[0]",
        "scaling.type",
        "timeout",
        worded(adapter, "workers.idle_timeout"),
        "workers.max",
    ]
    assert local_runpod.calls() == []


def test_an_unknown_gpu_pool_is_refused_before_any_call_unless_it_may_be_newer(
    engine: Any, local_runpod: LocalRunPod
) -> None:
    """The shipped catalog judges in the preview. With RUNPOD_NEWER_CATALOG it warns, and the service judges."""
    program = endpoint(gpu={"pools": ["ADA_23"]})
    stack = engine.stack(program, local_runpod.environment)
    message = said(stack.preview())
    newer = engine.stack(program, {**local_runpod.environment, "RUNPOD_NEWER_CATALOG": "1"}, name="newer")
    preview, judged = newer.preview(), said(newer.up())

    assert "'ADA_23' is no GPU pool of the catalog of" in message
    assert "did you mean ADA_24?" in message
    assert not preview.failed, preview.text
    assert any("ADA_23" in notice for notice in preview.notices), preview.notices
    assert "POST /v2/serverless -> 400" in judged


def test_a_missing_key_names_both_places_where_it_can_be_set(engine: Any, local_runpod: LocalRunPod) -> None:
    """Neither config nor environment: the preview stops, and nothing is sent."""
    environment = {**local_runpod.environment, "RUNPOD_API_KEY": ""}
    message = said(engine.stack(volume(), environment).preview())

    assert "RUNPOD_API_KEY" in message
    assert "pulumi config set --secret runpod:apiKey" in message
    assert local_runpod.calls() == []


@both_adapters_exhaustive
def test_a_wrong_key_is_reported_without_showing_it(engine: Any, local_runpod: LocalRunPod) -> None:
    """401, and what to set."""
    outcome = engine.stack(volume(), {**local_runpod.environment, "RUNPOD_API_KEY": "wrong-key-1234"}).up()

    assert "401" in said(outcome)
    assert "wrong-key-1234" not in outcome.text


def test_a_malformed_url_is_one_line(engine: Any, local_runpod: LocalRunPod) -> None:
    """A base URL with /v2 at its end is the mistake of everyone who copies it from the job API."""
    environment = {**local_runpod.environment, "RUNPOD_API_BASE_URL": f"{local_runpod.api}/v2"}

    assert "without /v2" in said(engine.stack(volume(), environment).preview())


def test_an_unreachable_api_names_the_url(engine: Any, local_runpod: LocalRunPod) -> None:
    """A port on which nobody listens."""
    environment = {**local_runpod.environment, "RUNPOD_API_BASE_URL": "http://127.0.0.1:9"}
    message = said(engine.stack(volume(), environment).up())

    assert "http://127.0.0.1:9" in message
    assert "RUNPOD_API_BASE_URL" in message


@both_adapters_exhaustive
def test_shrinking_and_moving_a_volume_are_refused_with_the_way_out(
    adapter: str, deploy: Deploy, resource_calls: Calls
) -> None:
    """In the preview already, and whatever the refresh says."""
    stack = deploy(volume(size=20))
    stack.up()
    before = resource_calls()

    assert "cannot shrink" in (shrunk := said(stack.preview(volume(size=10))))
    assert worded(adapter, "allow_data_loss=True") in shrunk
    assert "cannot move" in said(stack.up(volume(size=20, data_center="EU-CZ-1")))
    assert resource_calls() == before


def test_the_traceback_is_there_for_whoever_asks(engine: Any, local_runpod: LocalRunPod) -> None:
    """`PULUMI_RUNPOD_DEBUG=1` shows where an error came from."""
    environment = {**local_runpod.environment, "PULUMI_RUNPOD_DEBUG": "1", "RUNPOD_API_KEY": "wrong-key-1234"}
    outcome = engine.stack(volume(), environment).up()

    assert "Traceback" in outcome.text
    assert "wrong-key-1234" not in outcome.text
