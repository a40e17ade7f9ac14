"""What a component declares, as a tree of types and names. These stand in users' states, so that a change is seen here.

Services are deployed by the real engine, and the tree is read out of its state. An image is declared under mocks, since
building one takes a builder and a registry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pytest
from pulumi.runtime.settings import SETTINGS

from pulumi_runpod import LocalDirectory
from pulumi_runpod.components import (
    SdxlService,
    SdxlServiceArgs,
    ServerlessService,
    ServerlessServiceArgs,
    WorkerImage,
    WorkerImageArgs,
)
from tests.components.test_tree import Recorder, settled
from tests.e2e.conftest import RealStack

GOLDEN = Path(__file__).with_name("golden")
IMAGE = "registry.example.com/team/worker:1"


@dataclass(frozen=True)
class Node:
    urn: str
    parent: str | None

    @property
    def label(self) -> str:
        """Type and name."""
        return f"{self.urn.split('::')[2].rpartition('$')[2]}  {self.urn.rpartition('::')[2]}"


def drawn(nodes: Iterable[Node], root: Node) -> str:
    """A line for each resource, indented below its parent; children in the order of their types and names."""
    result = list(nodes)

    def lines(node: Node, depth: int) -> Iterable[str]:
        yield f"{'  ' * depth}{node.label}\n"
        for child in sorted((n for n in result if n.parent == node.urn), key=lambda n: n.label):
            yield from lines(child, depth + 1)

    return "".join(lines(root, 0))


def golden(component: str) -> str:
    return (GOLDEN / f"{component}.txt").read_text()


@pytest.mark.engine
def test_the_trees_of_services_are_as_users_have_them_in_their_states(
    deploy: Callable[[Callable[[], None]], RealStack], tmp_path: Path
) -> None:
    """A service on any image with a gate; SDXL with a volume and weights in each of two data centers, and a gate."""
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "unet.safetensors").write_bytes(b"weights")

    def program() -> None:
        ServerlessService("web", ServerlessServiceArgs(image=IMAGE, gpu_pools=["ADA_24"], rollout={}))
        args = SdxlServiceArgs(
            image=IMAGE,
            gpu_pools=["ADA_24"],
            data_centers=["EU-RO-1", "US-KS-2"],
            weights=LocalDirectory(str(weights)),
            rollout={},
        )
        SdxlService("sdxl", args)

    stack = deploy(program)
    done = stack.up()
    nodes = [Node(r["urn"], r.get("parent")) for r in stack.state()["resources"]]
    trees = {
        node.label.partition("  ")[0].rpartition(":")[2]: drawn(nodes, node)
        for node in nodes
        if node.label.startswith("runpod:components:")
    }

    assert not done.failed, done.text
    assert trees == {component: golden(component) for component in ("ServerlessService", "SdxlService")}


@pytest.fixture
def _mocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNPOD_OFFLINE_CATALOG", "1")
    monkeypatch.setattr(SETTINGS, "monitor", None)  # put back afterwards: it is the process's
    pulumi.runtime.set_mocks(Recorder(), project="shop", stack="dev", preview=False)


def declared(root: pulumi.Resource) -> str:
    """The tree below a resource, once all of it is registered."""

    def nodes(of: pulumi.Resource, parent: str | None) -> Iterable[Node]:
        node = Node(settled(of.urn), parent)
        yield node
        for child in of._childResources:
            yield from nodes(child, node.urn)

    top, *below = nodes(root, None)
    return drawn(below, top)


@pytest.mark.usefixtures("_mocks")
def test_the_tree_of_a_service_that_builds_its_image_has_it_below() -> None:
    """The worker that the package brings along, with a login: image and credential are the service's own."""
    image = WorkerImageArgs(repository="registry.example.com/team/sdxl", username="team", password="s3cret")
    made = SdxlService("sdxl", SdxlServiceArgs(image=image, gpu_pools=["ADA_24"], data_centers=["EU-RO-1"]))
    settled(made.endpoint_id)
    assert made.worker_image is not None
    assert made.worker_image.registry_credential is not None

    assert declared(made) == golden("SdxlService-built")
    assert settled(made.template.registry) == settled(made.worker_image.registry_credential.id)
    assert settled(made.template.image) == settled(made.worker_image.ref)


@pytest.mark.usefixtures("_mocks")
def test_the_tree_of_a_worker_image_is_as_users_have_it_in_their_states() -> None:
    """The image of the packages beside that of the code, and what RunPod pulls them with."""
    args = WorkerImageArgs(repository="registry.example.com/team/worker", username="team", password="s3cret")
    made = WorkerImage("worker", args)

    assert declared(made) == golden("WorkerImage")
