"""What the provider's process loads, on the real engine: counted in modules, since those are what its start costs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pulumi_runpod import NetworkVolume
from pulumi_runpod.emulator.local import LocalRunPod
from tests.e2e.every_kind import every_kind

pytestmark = pytest.mark.engine

Engine = Any
IMAGE = "registry.example.com/team/worker:1"
REPORT = """
import atexit, json, os, pathlib, sys

def write_modules():
    report = pathlib.Path(__file__).with_name(f"{os.getpid()}.json")
    report.write_text(json.dumps(sorted(sys.modules)))

if "pulumi.dynamic" in sys.orig_argv:
    atexit.register(write_modules)
"""
"""Python loads `sitecustomize` when it starts, wherever PYTHONPATH finds it: so the shim is the engine's own."""


def volumes() -> None:
    NetworkVolume("weights", size=10, data_center="EU-RO-1")


@pytest.fixture
def deploy(engine: Engine, local_runpod: LocalRunPod, tmp_path: Path) -> Callable[[Callable[[], None]], Any]:
    """`deploy(program)`: a stack whose provider processes leave word of what they loaded."""
    (tmp_path / "sitecustomize.py").write_text(REPORT)

    def make(program: Callable[[], None]) -> Any:
        return engine.stack(program, {**local_runpod.environment, "PYTHONPATH": str(tmp_path)})

    return make


@pytest.fixture
def loaded(tmp_path: Path) -> Callable[[], set[str]]:
    """What the one provider process since the last question has loaded."""

    def modules() -> set[str]:
        (report,) = tmp_path.glob("*.json")
        found = set(json.loads(report.read_text()))
        report.unlink()
        return found

    return modules


def test_an_up_without_changes_loads_neither_models_nor_client(
    deploy: Callable[..., Any], loaded: Callable[[], set[str]]
) -> None:
    """Of every kind, a gate included: inputs are completed and compared as plain dicts."""
    stack = deploy(lambda: every_kind(rollout={"timeout": 60}))
    created = stack.up()
    assert not created.failed, created.text
    assert {"pydantic", "httpx"} <= loaded()

    again = stack.up()
    assert (again.failed, again.steps) == (False, [])
    modules = loaded()
    assert "pulumi_runpod.resources.adapter" in modules
    assert not {"pydantic", "httpx", "typer", "starlette", "boto3"} & modules
    assert {m for m in modules if m.startswith("pulumi_runpod.wire.")} == {"pulumi_runpod.wire.endpoint_defaults"}
    assert not {m for m in modules if m.startswith(("pulumi_runpod.client", "pulumi_runpod.resources.kinds"))}


def test_a_refresh_loads_the_kinds_that_it_reads_and_no_other(
    deploy: Callable[..., Any], loaded: Callable[[], set[str]]
) -> None:
    """A volume is read without the models of endpoints, jobs and logs, and without the gate of roll-outs."""
    stack = deploy(volumes)
    assert not stack.up().failed
    loaded()

    refreshed = stack.refresh()
    assert not refreshed.failed, refreshed.text
    modules = loaded()
    assert {"httpx", "pulumi_runpod.wire.network_volume"} <= modules
    rooms = {m for m in modules if m.startswith(("pulumi_runpod.wire.", "pulumi_runpod.resources.kinds."))}
    assert rooms == {
        "pulumi_runpod.resources.kinds.network_volume",
        "pulumi_runpod.wire.endpoint_defaults",
        "pulumi_runpod.wire.model",
        "pulumi_runpod.wire.network_volume",
    }
    assert not {"pulumi_runpod.resources.rollout_gate", "pulumi_runpod.client.jobs", "boto3", "typer"} & modules
