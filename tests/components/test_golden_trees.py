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
from pulumi_runpod.emulator.local import LocalRunPod
from tests.components.test_tree import Recorder, settled
from tests.e2e.conftest import (  # noqa: F401 - the engine's fixtures
    Engine,
    RealStack,
    _nothing_left_behind,
    _quiet_failed_programs,
    engine,
    pulumi_command,
    pulumi_home,
)

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
    told = list(nodes)

    def lines(node: Node, depth: int) -> Iterable[str]:
        yield f"{'  ' * depth}{node.label}\n"
        for child in sorted((n for n in told if n.parent == node.urn), key=lambda n: n.label):
            yield from lines(child, depth + 1)

    return "".join(lines(root, 0))


def golden(component: str) -> str:
    return (GOLDEN / f"{component}.txt").read_text()


@pytest.fixture
def deploy(engine: Engine, local_runpod: LocalRunPod) -> Callable[[Callable[[], None]], RealStack]:  # noqa: F811
    return lambda program: engine.stack(program, local_runpod.environment)


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


def test_the_tree_of_a_worker_image_is_as_users_have_it_in_their_states(monkeypatch: pytest.MonkeyPatch) -> None:
    """The image of the packages beside that of the code, and what RunPod pulls them with."""
    monkeypatch.setattr(SETTINGS, "monitor", None)  # put back afterwards: it is the process's
    pulumi.runtime.set_mocks(Recorder(), project="shop", stack="dev", preview=False)
    args = WorkerImageArgs(repository="registry.example.com/team/worker", username="team", password="s3cret")
    made = WorkerImage("worker", args)
    root = Node(settled(made.urn), None)
    assert made.registry_credential is not None
    settled(pulumi.Output.all(made.ref, made.registry_credential.id))
    children = [Node(settled(child.urn), root.urn) for child in made._childResources]

    assert drawn(children, root) == golden("WorkerImage")
