"""Cost and GPU choice over the life of a deployed service, on the real engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pulumi
import pytest

from pulumi_runpod.components import GpuNeed, SdxlService, SdxlServiceArgs, Traffic
from pulumi_runpod.emulator.local import LocalRunPod

pytestmark = pytest.mark.engine

TRAFFIC = Traffic(requests_per_day=500, seconds_each=4)


def sdxl(**given: Any) -> Callable[[], None]:
    def program() -> None:
        usual: dict[str, Any] = {
            "image": "registry.example.com/team/worker:1",
            "data_centers": ["EU-RO-1"],
            "gpu": GpuNeed(vram_gb=18),
            "traffic": TRAFFIC,
        }
        service = SdxlService("sdxl", SdxlServiceArgs(**{**usual, **given}))
        pulumi.export("monthly_cost", service.monthly_cost)

    return program


@pytest.fixture
def deployed(deploy: Callable[..., Any], local_runpod: LocalRunPod) -> Any:
    """A stack whose program, too, reaches the local RunPod, with one service on it."""
    stack = deploy(sdxl())
    stack.config("runpod:apiBaseUrl", local_runpod.api)
    stack.config("runpod:apiKey", local_runpod.api_key)
    first = stack.up()
    assert not first.failed, first.text
    assert first.outputs["monthly_cost"]["currency"] == "USD"
    return stack


@pytest.fixture
def reprice(local_runpod: LocalRunPod) -> Iterator[Callable[[str, float], None]]:
    """RunPod changes the price of a pool, USD per hour, until the test ends."""
    kept: dict[str, Any] = {}

    def change(pool: str, usd_per_hour: float) -> None:
        def set_price(platform: Any) -> None:
            for name, gpu in platform.catalog.gpus.items():
                if gpu.pool == pool:
                    kept.setdefault(name, gpu)
                    price = gpu.price.model_copy(update={"serverless": usd_per_hour})
                    platform.catalog.gpus[name] = gpu.model_copy(update={"price": price})

        local_runpod.call(set_price)

    yield change
    # The catalog of the local RunPod is the copy of the package, which all of this process shares.
    local_runpod.call(lambda platform: platform.catalog.gpus.update(kept))


def pools(stack: Any) -> list[str]:
    found: list[str] = next(
        r["outputs"]["gpu"]["pools"] for r in stack.state()["resources"] if r["type"].endswith("runpod:Endpoint")
    )
    return found


def test_a_preview_says_the_change_to_what_is_deployed(deployed: Any) -> None:
    """The same costs as deployed; a warm worker so much more; a need that nothing holds is one error, with reasons."""
    same = deployed.preview()
    warm = deployed.preview(sdxl(workers_min=1))
    impossible = deployed.preview(sdxl(gpu=GpuNeed(vram_gb=500)))

    assert any("expected (USD), as deployed; prices: catalog of RunPod" in notice for notice in same.notices)
    assert same.steps == []
    assert any("expected (USD), +$" in n and "against what is deployed" in n for n in warm.notices), warm.text
    assert impossible.failed
    assert any("sdxl: no serverless pool has 600 GB with a known price. " in error for error in impossible.errors)
    assert "Traceback" not in impossible.text


def test_a_new_price_moves_nothing_and_a_new_need_does(deployed: Any, reprice: Callable[[str, float], None]) -> None:
    """Another pool became cheaper: it is named, and the endpoint stays. A larger model moves it, in place."""
    assert pools(deployed) == ["AMPERE_24"]
    reprice("ADA_24", 0.3)

    after = deployed.up()

    assert after.steps == []
    assert pools(deployed) == ["AMPERE_24"]
    text = "\n".join(after.notices)
    assert "RP015 a cheaper pool fits: ADA_24 holds the need at $0.30/h" in text
    assert "AMPERE_24: 24 GB at $0.68/h for a need of 21.6 GB with headroom, deployed and kept" in text

    larger = deployed.up(sdxl(gpu=GpuNeed(vram_gb=30)))

    assert larger.steps == [("update", "sdxl")]
    assert pools(deployed) == ["AMPERE_48"]


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"workers_min": -1}, "SdxlService 'sdxl': workers_min: must be at least 0 workers, got -1"),
        ({"container_disk_gb": 0}, "SdxlService 'sdxl': container_disk_gb: must be at least 1"),
        ({"gpu": None}, "sdxl: say which GPUs: gpu_pools=['ADA_24'], or gpu=GpuNeed(vram_gb=12)"),
        ({"silenced": {"RP999": "why"}}, "silenced.RP999: there is no such rule; known are RP001 to RP017"),
    ],
)
def test_a_bad_argument_is_one_line(deploy: Callable[..., Any], given: dict[str, Any], line: str) -> None:
    """What no plan can be made of stops before anything is declared."""
    after = deploy(sdxl(**given)).preview()

    assert after.failed
    assert any(line in error for error in after.errors), after.text
    assert "Traceback" not in after.text


def test_a_bad_number_in_the_program_is_one_line_without_a_traceback(deploy: Callable[..., Any]) -> None:
    """Values are judged where they are written, and Pulumi shows what was wrong with them, not where the code broke."""

    def program() -> None:
        SdxlService("sdxl", SdxlServiceArgs(image="x", gpu=GpuNeed(vram_gb=float("nan"))))

    after = deploy(program).preview()

    assert after.failed
    assert any("vram_gb is nan: must be a number above 0 and at most 10,000" in error for error in after.errors), (
        after.text
    )
    assert "Traceback" not in after.text


def test_advice_that_stops_comes_before_any_resource(deploy: Callable[..., Any], local_runpod: LocalRunPod) -> None:
    """An update without a preview makes nothing, not even the service's volume."""
    after = deploy(sdxl(execution_timeout_seconds=400)).up()

    assert after.failed
    assert any("sdxl is not deployed because of RP002" in error for error in after.errors), after.text
    assert local_runpod.calls(method="POST") == []
