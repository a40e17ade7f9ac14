"""An engine that is absent, dies, comes back, or has no space: what workers do, and what is said of it."""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from container_account import ContainerAccount
from image_registry import ImageRegistry

from bootstrap import docker_engine
from bootstrap.console import Console
from pulumi_runpod.emulator.local import LocalRunPod
from tests.waiting import eventually

NOWHERE = "unix:///nowhere/docker.sock"


def account_of(server: LocalRunPod) -> ContainerAccount:
    return ContainerAccount(server.api, server.api_key)


@pytest.fixture
def without_engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalRunPod]:
    """A local RunPod that may run containers, on a machine whose engine does not answer."""
    monkeypatch.setenv("DOCKER_HOST", NOWHERE)
    worker = f"{sys.executable} -c 'import time; print(\"a process\", flush=True); time.sleep(1000)'"
    with LocalRunPod(containers=True, workers={"*/known:*": worker}) as server:
        yield server


def test_without_an_engine_workers_are_processes_and_the_api_says_so(without_engine: LocalRunPod) -> None:
    """An image that --worker names runs as a process; the API, open to all, says why none is a container."""
    account = account_of(without_engine)
    result = account.http.get("/_emulator/ready").json()["containers"]
    assert result["available"] is False
    assert result["reason"] in ("no Docker engine answers at /nowhere/docker.sock", "there is no docker command")
    endpoint = account.endpoint("registry.example.com/team/known:1")
    line = account.log_line(
        endpoint, eventually(lambda: account.workers(endpoint) or None)[0], lambda line: line["source"] == "container"
    )
    assert line["line"] == "a process"
    account.close()


def test_without_an_engine_other_images_are_unhealthy_and_say_why(without_engine: LocalRunPod) -> None:
    """Their log names the engine that was looked for, and what else would run them."""
    account = account_of(without_engine)
    endpoint = account.endpoint("registry.example.com/team/unknown:1")
    worker = account.worker(endpoint, "UNHEALTHY")
    line = account.log_line(endpoint, worker, lambda line: "cannot be run as a container" in line["line"])
    assert "give a command for it with --worker" in line["line"]
    account.close()


def test_a_worker_command_wins_over_a_container(
    account: ContainerAccount, registry: ImageRegistry, program: bytes, docker: Callable[..., str]
) -> None:
    """With an engine at hand, an image that a command is given for is not even pulled."""
    image = registry.push(program, name="commanded")
    worker = f"{sys.executable} -c 'import time; print(\"a process\", flush=True); time.sleep(1000)'"
    with LocalRunPod(containers=True, workers={"*/commanded@*": worker}) as server:
        mine = account_of(server)
        endpoint = mine.endpoint(image)
        running = eventually(lambda: mine.workers(endpoint) or None)[0]
        mine.log_line(endpoint, running, lambda line: line["line"] == "a process")
        mine.close()
    assert registry.manifests_read("commanded") == 0


def test_serve_and_status_say_that_there_is_no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In its log when it starts, and in the output of `start` and `status`."""
    environ = os.environ | {"DOCKER_HOST": NOWHERE}

    def emulator(*arguments: str) -> str:
        command = [sys.executable, "-m", "pulumi_runpod.cli", "emulator", *arguments, "--state", str(tmp_path)]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=environ).stdout

    said = "Workers run as processes alone, where --worker names one: "
    try:
        assert said in emulator("start", "--port", "0")
        assert said in emulator("status")
        assert said in (tmp_path / "server.log").read_text()
    finally:
        emulator("stop")


class OwnEngine:
    """An engine that a test may kill, beside the one that others use."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.address = directory, directory / "docker.sock"

    def start(self) -> None:
        docker_engine.start(self.directory, console=Console(io.StringIO()), address=self.address)

    def kill(self) -> None:
        pid = docker_engine.daemon(self.directory).pid()
        assert pid is not None
        watched = os.pidfd_open(pid)
        signal.pidfd_send_signal(watched, signal.SIGKILL)
        os.close(watched)
        docker_engine.daemon(self.directory).stop()
        self.address.unlink()


@pytest.fixture
def own_engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnEngine]:
    """In a short directory, since it holds a socket; `docker`, and so the local RunPod, uses it."""
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        pytest.skip("an engine of our own needs root and dockerd")
    directory = Path(tempfile.mkdtemp(prefix="pr-engine-"))
    engine = OwnEngine(directory)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{engine.address}")
    yield engine
    docker_engine.daemon(directory).stop()
    docker_engine.unmount(directory)
    shutil.rmtree(directory)


def test_an_engine_that_dies_is_said_and_one_that_comes_back_is_used(
    own_engine: OwnEngine, registry: ImageRegistry, program: bytes
) -> None:
    """A worker that lost its engine is replaced by one that is UNHEALTHY and says why, and serves when there is one."""
    own_engine.start()
    with LocalRunPod(containers=True) as server:
        account = account_of(server)
        endpoint = account.endpoint(registry.push(program))
        before = account.worker(endpoint, "IDLE")
        own_engine.kill()
        worker = account.worker(endpoint, "UNHEALTHY")
        account.log_line(
            endpoint, worker, lambda line: f"no Docker engine answers at {own_engine.address}" in line["line"]
        )
        own_engine.start()
        server.advance(11)
        assert account.run(endpoint)["args"] == ["/worker"]
        left = subprocess.run(
            ["docker", "ps", "--all", "--quiet", "--filter", f"name={before['id']}"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert left.stdout == ""
        account.close()


def test_an_engine_without_space_is_said(own_engine: OwnEngine, registry: ImageRegistry, program: bytes) -> None:
    """An image that does not fit on the disk makes its worker UNHEALTHY, with the reason."""
    full = own_engine.directory / "docker"
    full.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(full)], check=False).returncode:
        pytest.skip("no small file system can be mounted here")
    own_engine.start()
    with LocalRunPod(containers=True) as server:
        account = account_of(server)
        endpoint = account.endpoint(registry.push(program, padding=64_000_000))
        worker = account.worker(endpoint, "UNHEALTHY")
        line = account.log_line(endpoint, worker, lambda line: "no space left on device" in line["line"])
        assert line["source"] == "system"
        account.close()
