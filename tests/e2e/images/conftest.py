"""The real builder (BuildKit) and real registries, of these tests' own: nothing is mocked, and nothing is shared with
the images of this machine. Where they cannot be had, the tests skip and say how to get them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pytest

from pulumi_runpod.components import ServerlessService, ServerlessServiceArgs, WorkerImage, WorkerImageArgs
from pulumi_runpod.emulator.local import LocalRunPod
from tests.e2e.conftest import ROOT, Engine, RealStack
from tests.e2e.images.registry import Registry

sys.path.insert(0, str(ROOT / "tools"))

from bootstrap import base_image, image_toolchain
from bootstrap.console import Console
from bootstrap.image_services import NAME, ImageServices
from bootstrap.image_toolchain import ImageTools
from bootstrap.places import this_clone


@dataclass(frozen=True)
class Builder:
    """A BuildKit that only these tests use, known to buildx in `docker_config`."""

    services: ImageServices
    tools: ImageTools
    docker_config: Path

    def builds(self) -> int:
        """How many it has begun since it runs."""
        assert self.tools.buildctl is not None
        command = [self.tools.buildctl, "--addr", f"unix://{self.services.socket}"]
        asked = [*command, "debug", "histories", "--format", "{{json .}}"]
        return len(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.splitlines())


@pytest.fixture(scope="session")
def image_tools() -> ImageTools:
    tools = image_toolchain.find_tools(this_clone())
    plugin = image_toolchain.plugin_folder()
    if tools is None or not plugin.is_dir():
        pytest.skip("no builder, registry or plugin for images here; as root: python3 tools/setup.py --only images")
    return tools


@pytest.fixture(scope="session")
def builder(image_tools: ImageTools, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builder]:
    directory = tmp_path_factory.mktemp("builder")
    services = ImageServices(directory)
    with pytest.MonkeyPatch.context() as environ, warnings.catch_warnings():
        # It outlives the process that starts it, and is ended by its pid.
        warnings.simplefilter("ignore", ResourceWarning)
        environ.setenv("DOCKER_CONFIG", str(directory / "docker"))
        services.start_builder(image_tools)
    yield Builder(services, image_tools, directory / "docker")
    services.builder.stop()
    shutil.rmtree(directory)  # hundreds of megabytes, which pytest would keep


@pytest.fixture(autouse=True)
def _docker_of_the_tests(builder: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    """No login and no builder of the user's."""
    monkeypatch.setenv("DOCKER_CONFIG", str(builder.docker_config))
    assert builder.tools.buildctl is not None
    monkeypatch.setenv("PATH", f"{builder.tools.buildctl.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("BUILDX_CONFIG", raising=False)


@pytest.fixture(scope="session")
def pulumi_home(pulumi_home: Path, image_tools: ImageTools) -> Path:
    """With the plugin that builds."""
    installed = image_toolchain.plugin_folder()
    folder = pulumi_home / "plugins" / installed.name
    folder.mkdir(parents=True)
    for file in installed.iterdir():
        (folder / file.name).symlink_to(file)
    return pulumi_home


@pytest.fixture(scope="session")
def base(builder: Builder, image_tools: ImageTools, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Reference of an image with a shell and Python, as the set-up makes it, in a registry of this machine."""
    with Registry(image_tools.registry, tmp_path_factory.mktemp("base") / "registry") as registry:
        note = {"port": int(registry.address.partition(":")[2]), "generation": "tests"}
        (builder.services.directory / "registry.json").write_text(json.dumps(note))
        reference = base_image.ensure(this_clone(), builder.services, image_tools, console=Console())
        if not reference:
            pytest.skip("no base image can be made here: it takes Debian and debootstrap")
        yield reference


@pytest.fixture
def registries(image_tools: ImageTools, tmp_path: Path) -> Iterator[Callable[..., Registry]]:
    """`registries(private=True)`: a fresh one."""
    with ExitStack() as stack:
        count = 0

        def make(*, private: bool = False) -> Registry:
            nonlocal count
            count += 1
            directory = tmp_path / f"registry-{count}"
            return stack.enter_context(Registry(image_tools.registry, directory, private=private))

        yield make


@pytest.fixture
def registry(registries: Callable[..., Registry]) -> Registry:
    """Open to everyone."""
    return registries()


@dataclass(frozen=True)
class Source:
    """Folder of a small worker: packages below, code above, as the SDXL worker's."""

    folder: Path

    def code(self, text: str) -> None:
        (self.folder / "handler.py").write_text(text)

    def dockerfile(self, text: str, name: str = "Dockerfile") -> None:
        (self.folder / name).write_text(text)


PACKAGES = bytes(range(256)) * 800


@pytest.fixture
def source(tmp_path: Path) -> Source:
    folder = tmp_path / "worker"
    folder.mkdir()
    small = Source(folder)
    small.dockerfile("FROM scratch\nCOPY packages /packages\n", "dependencies.Dockerfile")
    small.dockerfile("ARG DEPENDENCIES\nFROM ${DEPENDENCIES}\nCOPY --link handler.py /app/\n")
    (folder / "packages").write_bytes(PACKAGES)
    (folder / ".dockerignore").write_text("*\n!handler.py\n")
    (folder / "dependencies.Dockerfile.dockerignore").write_text("*\n!packages\n")
    small.code("first")
    return small


@dataclass(frozen=True)
class Deployment:
    """A stack that builds `source`, pushes it to `registry` and serves it on this test's local RunPod."""

    stack: RealStack
    registry: Registry
    builder: Builder

    def work(self) -> tuple[int, int]:
        """Builds begun, and requests made of the registry, so far."""
        return self.builder.builds(), len(self.registry.requests())


REPOSITORY = "team/worker"


def program(source: Source, address: str, **options: object) -> Callable[[], None]:
    """A worker's image and a service that runs it; `options` are those of `WorkerImageArgs`."""

    def declare() -> None:
        given = {"repository": f"{address}/{REPOSITORY}", "source": source.folder, "builder": NAME, "cache": False}
        image = WorkerImage("worker", WorkerImageArgs(**{**given, **options}))  # type: ignore[arg-type]
        credential = image.registry_credential
        service = ServerlessService(
            "svc",
            ServerlessServiceArgs(
                image=image.ref,
                gpu_pools=["ADA_24"],
                workers_max=1,
                registry=credential.id if credential is not None else None,
                guard="off",
            ),
        )
        pulumi.export("ref", image.ref)
        pulumi.export("endpoint_id", service.endpoint_id)

    return declare


@pytest.fixture
def environment(local_runpod: LocalRunPod, builder: Builder, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """For the engine's processes; the program runs in this one."""
    for name, value in local_runpod.environment.items():
        monkeypatch.setenv(name, value)
    return {**local_runpod.environment, "DOCKER_CONFIG": str(builder.docker_config)}


@pytest.fixture
def deployment(
    engine: Engine, environment: dict[str, str], registry: Registry, builder: Builder, source: Source
) -> Deployment:
    return Deployment(engine.stack(program(source, registry.address), environment), registry, builder)
