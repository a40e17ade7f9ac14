"""A LOAD_BALANCER endpoint on the real engine: deployed, called at the URL that it exports, changed, and destroyed."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pulumi
import pytest

from pulumi_runpod import Endpoint
from pulumi_runpod.emulator.local import LocalRunPod

pytestmark = pytest.mark.engine

WORKER = Path(__file__).with_name("page_worker.py")


@pytest.fixture
def running() -> Iterator[LocalRunPod]:
    with LocalRunPod(workers={"*/pages:*": shlex.join([sys.executable, str(WORKER)])}) as local:
        yield local


def pages(*, tag: str = "1", mode: str = "first", **changes: Any) -> Callable[[], None]:
    def declare() -> None:
        endpoint = Endpoint(
            "pages",
            **{
                "type": "LOAD_BALANCER",
                "image": f"registry.example.com/team/pages:{tag}",
                "gpu": {"pools": ["ADA_24"]},
                "scaling": {"type": "REQUEST_COUNT", "request_count": 2},
                "workers": {"min": 1, "max": 2, "idle_timeout": 30},
                "env": {"MODE": mode},
                "rollout": {"timeout": 60},
                **changes,
            },
        )
        pulumi.export("id", endpoint.id)
        pulumi.export("base", endpoint.request_urls["base"])
        pulumi.export("health", endpoint.request_urls["health"])

    return declare


def test_an_answer_comes_through_a_deployed_load_balancer(engine: Any, running: LocalRunPod) -> None:
    """At the exported URL, which a new release keeps; `up` ends once a worker is ready."""
    stack = engine.stack(pages(), running.environment)
    first = stack.up()
    assert not first.failed, first.text
    base = first.outputs["base"]

    with httpx.Client(headers={"Authorization": f"Bearer {running.api_key}"}, timeout=60) as client:
        assert client.get(first.outputs["health"]).json() == {"healthy": True}
        assert client.get(f"{base}/a/page?n=1").json() == {"page": "/a/page?n=1", "mode": "first"}
        assert client.post(f"{base}/shout", content="hello").json() == {"text": "HELLO"}

        second = stack.up(pages(tag="2", mode="second"))
        assert not second.failed, second.text
        assert second.steps == [("update", "pages")]
        assert second.outputs == first.outputs
        assert client.get(f"{base}/").json() == {"page": "/", "mode": "second"}
        assert stack.up().steps == []

        assert not stack.destroy().failed
        assert client.get(f"{base}/").status_code == 404


def test_a_smoke_job_for_a_load_balancer_is_refused_before_anything_is_made(engine: Any, running: LocalRunPod) -> None:
    """It takes no jobs; the message names the field."""
    outcome = engine.stack(pages(rollout={"smoke_input": {"a": 1}}), running.environment).preview()

    assert outcome.failed
    assert "rollout.smoke_input" in outcome.text
    assert "LOAD_BALANCER" in outcome.text
    assert "Traceback" not in outcome.text
    assert running.calls("POST") == []
