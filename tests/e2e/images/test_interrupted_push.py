"""`pulumi up` killed in the middle of a push: nothing half-written is served, and the next `up` sends what lacks."""

from __future__ import annotations

import hashlib

import pytest

from pulumi_runpod.emulator.local import LocalRunPod
from tests.e2e.conftest import Killable
from tests.e2e.images.conftest import REPOSITORY, Builder, Source
from tests.e2e.images.registry import Registry
from tests.e2e.images.relay import running_relay

pytestmark = pytest.mark.engine

LARGE = b"".join(hashlib.sha256(bytes([n % 256, n // 256])).digest() for n in range(65_536)) * 2
"""4 MB that no compression makes much smaller than one half of it."""

PROGRAM = """
import pulumi
from pulumi_runpod.components import ServerlessService, ServerlessServiceArgs, WorkerImage, WorkerImageArgs
image = WorkerImage("worker", WorkerImageArgs(
    repository={repository!r}, source={source!r}, builder="pulumi-runpod", cache=False, compression="uncompressed"))
ServerlessService("svc", ServerlessServiceArgs(image=image.ref, gpu_pools=["ADA_24"], guard="off"))
pulumi.export("ref", image.ref)
"""


def test_a_push_that_is_killed_goes_on_and_is_never_served_by_half(
    killable: Killable,
    local_runpod: LocalRunPod,
    registry: Registry,
    builder: Builder,
    source: Source,
) -> None:
    """The tag and the large layer are not there until they are whole; blobs that had arrived are not sent again."""
    source.dockerfile("FROM scratch\nCOPY small /small\nCOPY packages /packages\n", "dependencies.Dockerfile")
    (source.folder / "dependencies.Dockerfile.dockerignore").write_text("*\n!packages\n!small\n")
    (source.folder / "small").write_text("small")
    (source.folder / "packages").write_bytes(LARGE)
    killable.environ["DOCKER_CONFIG"] = str(builder.docker_config)
    with running_relay(registry.address) as relay:
        killable.program(PROGRAM.format(repository=f"{relay.address}/{REPOSITORY}", source=str(source.folder)))
        relay.block_after(len(LARGE) // 2)
        killable.kill_during(lambda: relay.blocked.is_set() and bool(registry.uploads()), and_provider=True)
        arrived = registry.uploads()
        tagged = registry.manifest(REPOSITORY, "dependencies")
        deployed = local_runpod.calls(method="POST", path="/v2/templates*")
        relay.unblock()
        recovered = killable.run("pulumi-runpod", "recover", "--stack", "dev", "--unlock")
        done = killable.up()

    assert arrived
    assert (tagged, list(deployed)) == (None, [])
    assert (recovered.returncode, killable.pending()) == (0, []), recovered.stderr
    assert done.returncode == 0, done.stdout + done.stderr
    uploads = registry.uploads()
    assert uploads[: len(arrived)] == arrived
    assert len(set(uploads)) == len(uploads)
    manifest = registry.manifest(REPOSITORY, "dependencies")
    assert manifest is not None
    layers = manifest["layers"]
    assert isinstance(layers, list)
    assert all(registry.has_blob(REPOSITORY, layer["digest"]) for layer in layers)
    assert not {layer["digest"] for layer in layers if layer["size"] > len(LARGE)} & set(arrived)
