"""Data sources in programs on the real engine: known in a preview, unknown where they must be, one line on failure."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

import pulumi_runpod as runpod
from pulumi_runpod.components import GpuNeed, SdxlService, SdxlServiceArgs
from pulumi_runpod.emulator.local import LocalRunPod

pytestmark = pytest.mark.engine

DOC = Path(__file__).parents[2] / "docs" / "data-sources.md"
MAIN_EXAMPLE, ACCOUNT_EXAMPLE = re.findall(r"```python\n(.*?)```", DOC.read_text(), re.DOTALL)


def nothing() -> None:
    """Declares nothing."""


def running(text: str) -> Callable[[], None]:
    """The program that is in the docs."""
    code = compile(text, str(DOC), "exec")
    return lambda: exec(code, {})


def doing(*steps: Callable[[], object]) -> Callable[[], None]:
    """A program of these steps."""

    def program() -> None:
        for step in steps:
            step()

    return program


@pytest.fixture
def stack(deploy: Callable[..., Any], local_runpod: LocalRunPod) -> Any:
    """A stack whose program, too, reaches the local RunPod."""
    made = deploy(nothing)
    made.config("runpod:apiBaseUrl", local_runpod.api)
    made.config("runpod:apiKey", local_runpod.api_key, secret=True)
    return made


def test_a_preview_picks_a_pool_and_waits_for_the_id_of_the_endpoint(stack: Any, local_runpod: LocalRunPod) -> None:
    """The example of the docs: the catalog answers in the preview, the workers only once the endpoint is there."""
    preview = stack.preview(running(MAIN_EXAMPLE))
    assert not preview.failed, preview.text
    assert [call.path for call in local_runpod.calls()] == ["/v2/catalog/gpus"]
    assert re.search(r"pool\s*: \"\w+_24\"", preview.text), preview.text
    assert "running" not in preview.outputs

    local_runpod.forget_calls()
    up = stack.up()
    assert not up.failed, up.text
    [made] = stack.resources().values()
    assert made["outputs"]["gpu"]["pools"] == [up.outputs["pool"]]
    assert isinstance(up.outputs["price"], float)
    assert up.outputs["running"] == 0
    workers = local_runpod.calls(method="GET", path="/v2/serverless/*/workers")
    assert [call.path for call in workers] == [f"/v2/serverless/{made['id']}/workers"]
    assert local_runpod.api_key not in stack.state_text()


def test_the_stock_of_the_moment_decides(stack: Any, local_runpod: LocalRunPod) -> None:
    """A pool that has run out is passed over in the next preview."""
    first = stack.up(running(MAIN_EXAMPLE)).outputs["pool"]
    local_runpod.call(lambda platform: platform.stock.set(f"{first}@EU-RO-1", 0))
    preview = stack.preview()

    assert preview.steps == [("update", "draw")]
    assert re.search(rf"pool\s*: \"{first}\" => \"\w+\"", preview.text), preview.text


def test_another_account_is_asked_with_its_own_key(stack: Any, local_runpod: LocalRunPod) -> None:
    """Its key is secret in the config, and what is read with it is not."""
    with LocalRunPod(api_key="rpa_of-the-second-account") as second:
        stack.config("e2e:secondKey", second.api_key, secret=True)
        # The account's URL is the environment's, which in this process is nobody's yet.
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("RUNPOD_API_BASE_URL", second.api)
            up = stack.up(running(ACCOUNT_EXAMPLE))

        assert not up.failed, up.text
        assert up.outputs["cheapest"] == "AMPERE_80"
        assert {call.path for call in second.calls()} == {"/v2/catalog/gpus"}
        assert local_runpod.calls() == []
        assert second.api_key not in stack.state_text() + up.text
        assert '"cheapest": "AMPERE_80"' in stack.state_text()


def test_program_and_component_share_one_call_of_the_catalog(stack: Any, local_runpod: LocalRunPod) -> None:
    """Whichever asks first."""

    def component() -> None:
        image = "registry.example.com/team/worker:1"
        SdxlService("sdxl", SdxlServiceArgs(image=image, data_centers=["EU-RO-1"], gpu=GpuNeed(vram_gb=18)))

    for steps in ((component, runpod.get_gpu_pools), (runpod.get_gpu_pools, component)):
        local_runpod.forget_calls()
        preview = stack.preview(doing(*steps))
        assert not preview.failed, preview.text
        assert [call.path for call in local_runpod.calls()] == ["/v2/catalog/gpus"]


def one_line(outcome: Any, line: str) -> None:
    """The program failed with this line and without a traceback."""
    assert outcome.failed
    assert any(line in error and "\n" not in error for error in outcome.errors), outcome.text
    assert "Traceback" not in outcome.text


@pytest.mark.parametrize("ask", [runpod.get_gpu_pools, runpod.get_gpu_pools_output])
def test_an_api_that_is_down_is_one_line(stack: Any, ask: Any) -> None:
    """At once or in an output: what was tried, and which setting to look at."""
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        stack.config("runpod:apiBaseUrl", f"http://127.0.0.1:{unheard.getsockname()[1]}")
        after = stack.preview(doing(ask))

    one_line(after, "get_gpu_pools: GET http://127.0.0.1:")
    assert "check the network, and the base URL (`runpod:apiBaseUrl`" in after.text


def test_bad_arguments_are_one_line_even_where_they_come_late(stack: Any, local_runpod: LocalRunPod) -> None:
    """Judged in an output as in the program; nothing is asked."""
    late = stack.preview(doing(lambda: runpod.get_gpu_pools_output(min_memory_gb=pulumi.Output.from_input(0))))
    soon = stack.preview(doing(lambda: runpod.get_gpu_pools(min_memory_gb=0)))

    for outcome in (late, soon):
        one_line(outcome, "get_gpu_pools is not valid: min_memory_gb: must be at least 1, got 0")
    assert local_runpod.calls() == []
