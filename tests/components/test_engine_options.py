"""Components under Pulumi's own options, on the real engine: transforms, aliases, explicit providers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

from pulumi_runpod import LocalDirectory, Provider
from pulumi_runpod.components import SdxlService, SdxlServiceArgs, ServerlessService, ServerlessServiceArgs
from pulumi_runpod.emulator.local import LocalRunPod
from tests.e2e.conftest import RealStack

pytestmark = pytest.mark.engine
ARGS = ServerlessServiceArgs(image="registry.example.com/team/worker:1", gpu_pools=["ADA_24"])
WRITES = ("POST", "PATCH", "DELETE")


def writes(runpod: LocalRunPod) -> list[str]:
    return [f"{call.method} {call.path}" for method in WRITES for call in runpod.calls(method, "/v2/*")]


def ids(stack: RealStack) -> list[str]:
    return sorted(r["id"] for r in stack.state()["resources"] if "dynamic/runpod:" in r["type"])


def service(name: str, **options: Any) -> Callable[[], None]:
    def program() -> None:
        made = ServerlessService(name, ARGS, pulumi.ResourceOptions(**options))
        pulumi.export("endpoint_id", made.endpoint_id)

    return program


def test_a_renamed_component_keeps_its_endpoint(
    deploy: Callable[[Callable[[], None]], RealStack], local_runpod: LocalRunPod
) -> None:
    """With the old name as an alias of the component, nothing is written: same id, same URL."""
    stack = deploy(service("web"))
    first = stack.up()
    local_runpod.forget_calls()
    renamed = stack.up(service("images", aliases=[pulumi.Alias(name="web")]))

    assert not first.failed, first.text
    assert not renamed.failed, renamed.text
    assert renamed.outputs["endpoint_id"] == first.outputs["endpoint_id"]
    assert writes(local_runpod) == []


def test_a_renamed_sdxl_service_keeps_its_volumes_and_their_weights(
    deploy: Callable[[Callable[[], None]], RealStack], local_runpod: LocalRunPod, tmp_path: Path
) -> None:
    """All its children go along, the gate as well: nothing is written anywhere."""
    (tmp_path / "unet.safetensors").write_bytes(b"weights")
    args = SdxlServiceArgs(
        image=ARGS.image,
        gpu_pools=["ADA_24"],
        data_centers=["EU-RO-1", "US-KS-2"],
        weights=LocalDirectory(str(tmp_path)),
        protect_volume=True,
        rollout={},
    )
    old = pulumi.ResourceOptions(aliases=[pulumi.Alias(name="sdxl")])

    def declared(name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        SdxlService(name, args, opts)

    stack = deploy(lambda: declared("sdxl"))
    first = stack.up()
    before = ids(stack)
    local_runpod.forget_calls()
    renamed = stack.up(lambda: declared("images", old))

    assert not first.failed, first.text
    assert not renamed.failed, renamed.text
    assert ids(stack) == before
    assert writes(local_runpod) == []
    assert not local_runpod.calls("PUT", "/s3/*")


def test_a_component_that_moves_under_another_keeps_its_endpoint(
    deploy: Callable[[Callable[[], None]], RealStack], local_runpod: LocalRunPod
) -> None:
    """With its former place as an alias, the move is a matter of the state alone."""

    def moved() -> None:
        group = pulumi.ComponentResource("team:index:Group", "group")
        service("web", parent=group, aliases=[pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)])()

    stack = deploy(service("web"))
    first = stack.up()
    local_runpod.forget_calls()
    after = stack.up(moved)

    assert not first.failed, first.text
    assert not after.failed, after.text
    assert after.outputs["endpoint_id"] == first.outputs["endpoint_id"]
    assert writes(local_runpod) == []


def test_a_transform_of_the_component_reaches_its_children(
    deploy: Callable[[Callable[[], None]], RealStack], local_runpod: LocalRunPod
) -> None:
    """A rule of an organisation, given once to the component, is what RunPod gets."""

    def smaller(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        if args.type_ != "pulumi-python:dynamic/runpod:Endpoint":
            return None
        workers = {**args.props["workers"], "max": 1}
        return pulumi.ResourceTransformResult(props={**args.props, "workers": workers}, opts=args.opts)

    done = deploy(service("web", transforms=[smaller])).up()

    assert not done.failed, done.text
    stored = local_runpod.call(lambda p: p.store.get("endpoint", done.outputs["endpoint_id"]).body)
    assert stored["workers"]["max"] == 1


def test_explicit_providers_reach_the_children(
    deploy: Callable[[Callable[[], None]], RealStack], local_runpod: LocalRunPod
) -> None:
    """Two accounts in one program: each component's objects are all in the account of its provider."""
    with LocalRunPod() as other:

        def program() -> None:
            for name, runpod in (("one", local_runpod), ("two", other)):
                account = Provider(f"account-{name}", api_key=runpod.api_key, api_base_url=runpod.api)
                args = SdxlServiceArgs(image=ARGS.image, gpu_pools=["ADA_24"], data_centers=["EU-RO-1"])
                SdxlService(name, args, pulumi.ResourceOptions(providers=[account]))

        done = deploy(program).up()
        made = [
            sorted(call.path for call in runpod.calls("POST", "/v2/*") if call.status == 201)
            for runpod in (local_runpod, other)
        ]

    assert not done.failed, done.text
    assert made == [["/v2/network-volumes", "/v2/serverless", "/v2/templates"]] * 2
