"""An image built and pushed inside `pulumi up`, and the endpoint that runs it by digest."""

from __future__ import annotations

from collections.abc import Callable

import pulumi
import pytest

from pulumi_runpod.client import RunPodClient
from pulumi_runpod.components import ServerlessService, ServerlessServiceArgs, WorkerImageArgs
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.wire.endpoint import ENDPOINTS
from tests.e2e.conftest import Engine, Outcome
from tests.e2e.images.conftest import NAME, REPOSITORY, Builder, Deployment, Source, program
from tests.e2e.images.registry import Registry

pytestmark = pytest.mark.engine

CODE_BYTES = 64 * 1024
"""What a change of code may push."""


def served(outsider: RunPodClient, endpoint_id: str) -> str:
    return str(outsider.get(ENDPOINTS, endpoint_id).image)


def sizes(done: Outcome) -> dict[str, str]:
    """What was said of each image's size, by its name."""
    said = [notice.partition(": ") for notice in done.notices if notice.startswith("image ")]
    return {name.removeprefix("image "): size for name, _, size in said}


def test_the_endpoint_runs_the_digest_that_was_pushed(deployment: Deployment, outsider: RunPodClient) -> None:
    """One `up`: two images built and pushed, the endpoint pinned to the digest that the registry holds."""
    done = deployment.stack.up()
    ref = done.outputs["ref"]
    name, _, digest = ref.partition("@")

    assert done.errors == []
    assert name == f"{deployment.registry.address}/{REPOSITORY}:dev"
    assert deployment.registry.manifest(REPOSITORY, digest) is not None
    assert deployment.registry.manifest(REPOSITORY, "dev") == deployment.registry.manifest(REPOSITORY, digest)
    assert served(outsider, done.outputs["endpoint_id"]) == ref


def test_a_service_builds_the_image_that_it_runs(
    engine: Engine, environment: dict[str, str], registry: Registry, source: Source, outsider: RunPodClient
) -> None:
    """`image` of a service may be what to build: one component from sources to an endpoint on their digest."""

    def program() -> None:
        image = WorkerImageArgs(
            repository=f"{registry.address}/{REPOSITORY}", source=source.folder, builder=NAME, cache=False
        )
        args = ServerlessServiceArgs(image=image, gpu_pools=["ADA_24"], workers_max=1, guard="off")
        pulumi.export("endpoint_id", ServerlessService("svc", args).endpoint_id)

    done = engine.stack(program, environment).up()
    _, _, digest = served(outsider, done.outputs["endpoint_id"]).partition("@")

    assert done.errors == []
    assert registry.manifest(REPOSITORY, digest) is not None


def test_unchanged_sources_cost_nothing(
    deployment: Deployment, local_runpod: LocalRunPod, resource_calls: Callable[[], list[str]]
) -> None:
    """No build, no request of the registry, no call of RunPod: neither in a preview nor in an `up`."""
    deployment.stack.up()
    before = deployment.work()
    local_runpod.forget_calls()
    preview = deployment.stack.preview(expect_no_changes=True)
    again = deployment.stack.up(expect_no_changes=True)

    assert (preview.errors, again.errors) == ([], [])
    assert (again.images, again.steps) == ([], [])
    assert deployment.work() == before
    assert resource_calls() == []


def test_a_preview_builds_nothing(deployment: Deployment, source: Source) -> None:
    """Neither the first one nor the one of a change; both say what would be done."""
    first = deployment.stack.preview()
    assert (deployment.work(), first.errors) == ((deployment.builder.builds(), 0), [])
    deployment.stack.up()
    before = deployment.work()
    source.code("second")
    changed = deployment.stack.preview()

    assert changed.images == [("update", "worker")]
    assert changed.names("update") == ["svc", "svc"]
    assert deployment.work() == before


def test_a_change_of_code_is_one_release_and_a_few_kilobytes(
    deployment: Deployment, source: Source, local_runpod: LocalRunPod, outsider: RunPodClient
) -> None:
    """The image below is neither built nor pushed again; template and endpoint get one PATCH each, and one release."""
    first = deployment.stack.up()
    stored = deployment.registry.stored_bytes()
    local_runpod.forget_calls()
    source.code("second")
    second = deployment.stack.up()
    endpoint = second.outputs["endpoint_id"]

    assert second.outputs["ref"] != first.outputs["ref"]
    assert served(outsider, endpoint) == second.outputs["ref"]
    assert second.images == [("update", "worker")]
    assert 0 < deployment.registry.stored_bytes() - stored <= CODE_BYTES
    assert [c.path.split("/")[2] for c in local_runpod.calls(method="PATCH")] == ["templates", "serverless"]


def test_sizes_are_reported_at_each_build(deployment: Deployment, source: Source) -> None:
    """As the registry has them, of each image that was built, and of none where nothing was."""
    first = sizes(deployment.stack.up())
    again = sizes(deployment.stack.up())
    source.code("second")
    second = sizes(deployment.stack.up())

    assert set(first) == {"worker", "worker-dependencies"}
    assert " in 2 layers, the largest " in first["worker"]
    assert " in 1 layer, " in first["worker-dependencies"]
    assert again == {}
    assert set(second) == {"worker"}


def test_a_builder_that_has_nothing_takes_the_packages_from_the_registry(
    engine: Engine, environment: dict[str, str], registry: Registry, builder: Builder, source: Source, base: str
) -> None:
    """One of CI, or a clone's: the step that installs is not run again, and no layer is pushed twice."""
    once = "ARG BASE_IMAGE=nothing\nFROM ${BASE_IMAGE}\nRUN head -c 100000 /dev/urandom > /packages\n"
    source.dockerfile(once, "dependencies.Dockerfile")
    declare = program(source, registry.address, base_image=base, cache=True)
    first = engine.stack(declare, environment).up()
    stored = registry.stored_bytes()
    builder.services.prune(builder.tools)
    other = engine.stack(declare, environment, name="other").up()
    manifests = [registry.manifest(REPOSITORY, done.outputs["ref"].partition("@")[2]) for done in (first, other)]

    assert (first.errors, other.errors) == ([], [])
    assert manifests[0] is not None
    assert manifests[0] == manifests[1]
    # What the image below records of its build may differ, its layers may not.
    assert registry.stored_bytes() - stored < 100_000
