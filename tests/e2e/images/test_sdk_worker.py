"""An image of RunPod's SDK and a small handler: built, pushed and pulled with one login, and run as a container."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pulumi
import pytest

from pulumi_runpod.client.jobs import JobClient
from pulumi_runpod.components import ServerlessService, ServerlessServiceArgs, WorkerImage, WorkerImageArgs
from pulumi_runpod.emulator.job_plane.workers.docker_engine import DockerEngine
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire.endpoint import RequestUrls
from tests.e2e.conftest import ROOT, Engine
from tests.e2e.images.conftest import REPOSITORY, Builder, Source
from tests.e2e.images.registry import Registry
from tests.registry_server import LOGIN

pytestmark = pytest.mark.engine

SDK = "runpod==1.12.0"
HANDLER = """
import runpod

def handler(job):
    return {{"heard": job["input"], "release": {release}}}

if __name__ == "__main__":
    runpod.serverless.start({{"handler": handler}})
"""


@pytest.fixture
def containers() -> Iterator[Callable[[], list[str]]]:
    """References that running containers were made from. The images of the test's registry are deleted afterwards."""
    engine = DockerEngine()
    if (refusal := engine.refusal()) is not None:
        pytest.skip(f"{refusal}; `python3 tools/setup.py --only engine` starts one, as root")

    def docker(*arguments: str) -> list[str]:
        done = subprocess.run(
            ["docker", *arguments], capture_output=True, text=True, check=True, env=engine.environment()
        )
        return done.stdout.split()

    before = set(docker("image", "ls", "--quiet", "--no-trunc"))
    yield lambda: docker("ps", "--no-trunc", "--format", "{{.Image}}")
    if made := set(docker("image", "ls", "--quiet", "--no-trunc", "--filter", "label=runpod.test=sdk")) - before:
        docker("image", "rm", "--force", *made)


@pytest.fixture
def sdk_source(source: Source, tmp_path: Path) -> Source:
    """The SDK and what it needs in the layer below, installed here: in the build, that would take half a minute."""
    packages = source.folder / "site"
    command = [
        ROOT / ".venv/bin/uv",
        "pip",
        "install",
        "--quiet",
        "--target",
        packages,
        "--python-version",
        "3.11",
        SDK,
    ]
    subprocess.run(command, check=True, cwd=tmp_path)
    source.dockerfile(
        "ARG BASE_IMAGE=nothing\nFROM ${BASE_IMAGE}\nCOPY --link site /site\nENV PYTHONPATH=/site\n",
        "dependencies.Dockerfile",
    )
    (source.folder / "dependencies.Dockerfile.dockerignore").write_text("*\n!site\n**/__pycache__\n")
    source.dockerfile(
        "ARG DEPENDENCIES=nothing\nFROM ${DEPENDENCIES}\nCOPY --link handler.py /app/\n"
        'CMD ["python3", "-u", "/app/handler.py"]\n'
    )
    source.code(HANDLER.format(release=1))
    return source


def program(source: Source, registry: Registry, base: str) -> Callable[[], None]:
    def declare() -> None:
        image = WorkerImage(
            "worker",
            WorkerImageArgs(
                repository=f"{registry.address}/{REPOSITORY}",
                source=source.folder,
                base_image=base,
                builder="pulumi-runpod",
                username=LOGIN.username,
                password=pulumi.Output.secret(LOGIN.password),
                compression="uncompressed",
                labels={"runpod.test": "sdk"},
            ),
        )
        assert image.registry_credential is not None
        service = ServerlessService(
            "svc",
            ServerlessServiceArgs(
                image=image.ref,
                registry=image.registry_credential.id,
                gpu_pools=["ADA_24"],
                workers_max=1,
                rollout={"timeout": 120, "smoke_input": {"say": "smoke"}},
                guard="off",
            ),
        )
        pulumi.export("image", image.ref)
        pulumi.export("urls", service.endpoint.request_urls)

    return declare


def test_a_handler_of_the_sdk_is_live_when_its_up_ends_and_so_is_the_next(
    engine: Engine,
    builder: Builder,
    registries: Callable[..., Registry],
    sdk_source: Source,
    base: str,
    containers: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One login for the push and for RunPod's pull; each `up` ends once a container of its digest has done a job."""
    registry = registries(private=True)
    with LocalRunPod(containers=True) as runpod:
        for name, value in runpod.environment.items():
            monkeypatch.setenv(name, value)
        environment = {**runpod.environment, "DOCKER_CONFIG": str(builder.docker_config)}
        stack = engine.stack(program(sdk_source, registry, base), environment)

        for release in (1, 2):
            sdk_source.code(HANDLER.format(release=release))
            done = stack.up()
            assert done.errors == [], done.text
            urls = RequestUrls.model_validate(done.outputs["urls"])
            with JobClient(urls, Settings.load(environ=runpod.environment)) as jobs:
                job = jobs.wait(jobs.run({"say": "hello"}).id, timeout=120)
            assert job.output == {"heard": {"say": "hello"}, "release": release}
            assert done.outputs["image"] in containers()

        stack.destroy()
