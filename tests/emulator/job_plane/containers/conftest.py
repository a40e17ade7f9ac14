"""Real containers of a real engine: images of one small program, pushed to registries of our own on loopback.

`tools/setup.py --only engine` starts the engine where it may; where none answers, these tests skip and say why.
"""

from __future__ import annotations

import io
import json
import selectors
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pulumi_runpod.emulator.job_plane.workers.docker_engine import DockerEngine
from pulumi_runpod.emulator.local import LocalRunPod

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[3]
sys.path[:0] = [str(ROOT / "tools"), str(HERE / "harness")]

from container_account import ContainerAccount, Json  # noqa: E402 - found through the path set above
from image_registry import LABEL, ImageRegistry  # noqa: E402 - as above

from bootstrap.console import Console  # noqa: E402 - as above
from bootstrap.go import find_go  # noqa: E402 - as above
from bootstrap.image_toolchain import find_registry  # noqa: E402 - as above
from bootstrap.places import this_clone  # noqa: E402 - as above


@pytest.fixture(scope="session")
def engine() -> Iterator[DockerEngine]:
    engine = DockerEngine()
    if (refusal := engine.refusal()) is not None:
        pytest.skip(f"{refusal}; `python3 tools/setup.py --only engine` starts one, as root")
    yield engine
    ours = subprocess.run(
        ["docker", "images", "--quiet", "--filter", f"label={LABEL}"], capture_output=True, text=True, check=True
    )
    if ours.stdout.split():
        subprocess.run(["docker", "rmi", "--force", *set(ours.stdout.split())], capture_output=True, check=False)


@pytest.fixture(scope="session")
def docker(engine: DockerEngine) -> Callable[..., str]:
    """What a `docker` command says; it must succeed, and soon."""

    def run(*arguments: str) -> str:
        done = subprocess.run(
            ["docker", *arguments], capture_output=True, text=True, check=False, timeout=60, env=engine.environment()
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


@pytest.fixture
def gone(engine: DockerEngine) -> Iterator[Callable[[Json], Callable[[], None]]]:
    """`wait = gone(worker)`, before the end; `wait()` returns when the engine says that the container is no more."""
    listeners = []

    def listen(worker: Json) -> Callable[[], None]:
        name = f"pulumi-runpod-{worker['id']}"
        listener = subprocess.Popen(
            ["docker", "events", "--since", "0", "--filter", f"container={name}", "--filter", "event=destroy"],
            stdout=subprocess.PIPE,
            text=True,
            env=engine.environment(),
        )
        listeners.append(listener)

        def wait() -> None:
            assert listener.stdout is not None
            with selectors.DefaultSelector() as selector:
                selector.register(listener.stdout, selectors.EVENT_READ)
                assert selector.select(timeout=60), f"{name} is still there"
            assert name in listener.stdout.readline()

        return wait

    yield listen
    for listener in listeners:
        listener.kill()
        listener.communicate()


@pytest.fixture(scope="session")
def inspect(docker: Callable[..., str]) -> Callable[[Json], Json]:
    """A worker's container, as the engine sees it."""
    return lambda worker: dict(json.loads(docker("inspect", f"pulumi-runpod-{worker['id']}"))[0])


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The program of all images, which needs no file but its own."""
    console = Console(io.StringIO())
    built = tmp_path_factory.mktemp("program") / "worker"
    with console.step("Building the echo worker") as step:
        find_go(this_clone(), cgo=False, console=console).run(
            ["build", "-trimpath", "-ldflags", "-s -w", "-o", built, "."],
            cwd=HERE / "harness" / "echo_worker",
            purpose="build the echo worker",
            step=step,
        )
    return built.read_bytes()


def _registry(directory: Path, *, private: bool) -> ImageRegistry:
    found = find_registry(this_clone())
    if found is None:
        pytest.skip("there is no registry; `python3 tools/setup.py --only engine` gets one")
    return ImageRegistry(str(found), directory, private=private)


@pytest.fixture(scope="session")
def registry(engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImageRegistry]:
    with _registry(tmp_path_factory.mktemp("registry") / "open", private=False) as registry:
        yield registry


@pytest.fixture(scope="session")
def private_registry(engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImageRegistry]:
    with _registry(tmp_path_factory.mktemp("registry") / "private", private=True) as registry:
        yield registry


@pytest.fixture(scope="module")
def runpod(engine: DockerEngine) -> Iterator[LocalRunPod]:
    with LocalRunPod(containers=True, quota="") as server:
        yield server


@pytest.fixture
def account(runpod: LocalRunPod) -> Iterator[ContainerAccount]:
    """Empty."""
    runpod.reset()
    account = ContainerAccount(runpod.api, runpod.api_key)
    yield account
    account.close()
