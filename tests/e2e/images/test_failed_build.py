"""Dockerfiles that do not build: what a person sees, and that the running release stays."""

from __future__ import annotations

import pytest

from pulumi_runpod.client import RunPodClient
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.wire.endpoint import ENDPOINTS
from tests.e2e.conftest import Engine
from tests.e2e.images.conftest import Deployment, Source, program
from tests.e2e.images.registry import Registry

pytestmark = pytest.mark.engine

BROKEN = (
    "ARG BASE_IMAGE=nothing\nFROM ${BASE_IMAGE}\nCOPY packages /packages\n"
    "RUN for n in $(seq 40); do echo installing package $n; done; echo no frobnicator for package 40; exit 7\n"
)


def test_the_last_lines_of_the_failing_step_are_shown(
    engine: Engine, environment: dict[str, str], registry: Registry, source: Source, base: str
) -> None:
    """The step, then what it said last, in one error; no traceback, and nothing is pushed."""
    source.dockerfile(BROKEN, "dependencies.Dockerfile")
    failed = engine.stack(program(source, registry.address, base_image=base), environment).up()
    [result] = [error for error in failed.errors if "the step that failed said last" in error]
    lines = result.splitlines()

    assert lines[0].startswith("worker-dependencies: ")
    assert lines[1].startswith(" > [3/3] RUN for n in")
    assert lines[-2:] == ["installing package 40", "no frobnicator for package 40"]
    assert len(lines) <= 31
    assert "exit code: 7" in "".join(failed.errors)
    assert "Traceback" not in failed.text
    assert registry.uploads() == []


def test_a_build_that_fails_leaves_what_runs(
    deployment: Deployment, source: Source, local_runpod: LocalRunPod, outsider: RunPodClient
) -> None:
    """The endpoint keeps its image, without a call; the Dockerfile mended, the next `up` is as usual."""
    first = deployment.stack.up()
    local_runpod.forget_calls()
    source.dockerfile("ARG DEPENDENCIES=x\nFROM ${DEPENDENCIES}\nCOPY nowhere.py /app/\n")
    failed = deployment.stack.up()
    patches = local_runpod.calls(method="PATCH")
    served = outsider.get(ENDPOINTS, first.outputs["endpoint_id"]).image
    source.dockerfile("ARG DEPENDENCIES=x\nFROM ${DEPENDENCIES}\nCOPY handler.py /elsewhere/\n")
    mended = deployment.stack.up()

    assert failed.failed
    assert "nowhere.py" in "".join(failed.errors)
    assert (list(patches), served) == ([], first.outputs["ref"])
    assert mended.errors == []
    assert outsider.get(ENDPOINTS, first.outputs["endpoint_id"]).image == mended.outputs["ref"] != first.outputs["ref"]


def test_a_misspelt_instruction_is_reported_before_anything_is_built(deployment: Deployment, source: Source) -> None:
    """By its line, in a preview as well."""
    source.dockerfile("ARG DEPENDENCIES=x\nFROM ${DEPENDENCIES}\nCOPPY handler.py /app/\n")
    before = deployment.work()
    failed = deployment.stack.preview()

    assert [e for e in failed.errors if "line 3: unknown instruction: COPPY" in e]
    assert deployment.work() == before
