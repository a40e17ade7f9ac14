"""How a container ends: with its job's time, its endpoint, its program, or the local RunPod, however that ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from container_account import ContainerAccount, Json
from image_registry import ImageRegistry

from pulumi_runpod.emulator.job_plane.workers.docker_engine import DockerEngine
from pulumi_runpod.emulator.local import LocalRunPod
from tests.waiting import eventually

Gone = Callable[[Json], Callable[[], None]]


def test_a_job_that_takes_too_long_takes_its_container_along(
    account: ContainerAccount, registry: ImageRegistry, program: bytes, runpod: LocalRunPod, gone: Gone
) -> None:
    """After its execution timeout the job is TIMED_OUT, its container is gone, and another one serves the next job."""
    endpoint = account.endpoint(registry.push(program, Cmd=["deaf"]), timeout=30_000)
    job = account.submit(endpoint, hang=True)
    worker = account.worker(endpoint, "RUNNING")
    wait = gone(worker)
    runpod.advance(31)
    assert account.ended(endpoint, job)["status"] == "TIMED_OUT"
    wait()
    account.other_worker(endpoint, worker)
    assert account.run(endpoint)["args"] == ["/worker", "deaf"]


def test_a_container_whose_program_ends_is_removed_and_replaced(
    account: ContainerAccount, registry: ImageRegistry, program: bytes, gone: Gone
) -> None:
    """A program that ends in the middle of a job leaves no container; its exit code is in the log, and others go on."""
    endpoint = account.endpoint(registry.push(program))
    worker = account.worker(endpoint, "IDLE")
    wait = gone(worker)
    account.submit(endpoint, exit=7)
    wait()
    line = account.log_line(endpoint, worker, lambda line: "exited with code" in line["line"])
    assert (line["source"], line["line"]) == ("system", "container exited with code 7")


def test_a_program_that_ends_at_once_makes_a_crash_loop(
    account: ContainerAccount, registry: ImageRegistry, program: bytes
) -> None:
    """Its last words and its exit code are in the log, between two starts."""
    endpoint = account.endpoint(registry.push(program, Cmd=["crash"]))
    worker = account.worker(endpoint, "UNHEALTHY")
    said = account.log_line(endpoint, worker, lambda line: line["line"] == "about to crash")
    assert said["source"] == "container"
    account.log_line(endpoint, worker, lambda line: line["line"].startswith("container exited with code 3; next start"))


def test_what_cannot_be_started_is_said(account: ContainerAccount, registry: ImageRegistry, program: bytes) -> None:
    """An image without the program that it names does not start, in the engine's words, and leaves no container."""
    endpoint = account.endpoint(registry.push(program, Entrypoint=["/not/there"]))
    worker = account.worker(endpoint, "UNHEALTHY")
    account.log_line(endpoint, worker, lambda line: "/not/there" in line["line"] and "no such file" in line["line"])
    account.log_line(endpoint, worker, lambda line: "exited with code 127; next start" in line["line"])


def test_a_deleted_endpoint_leaves_no_container(
    account: ContainerAccount, registry: ImageRegistry, program: bytes, gone: Gone
) -> None:
    """Not even of a worker that is at work, and does not care for signals."""
    endpoint = account.endpoint(registry.push(program, Cmd=["deaf"]))
    account.submit(endpoint, hang=True)
    wait = gone(account.worker(endpoint, "RUNNING"))
    account.delete(endpoint)
    wait()


def test_a_local_runpod_that_is_stopped_leaves_no_container(
    engine: DockerEngine, registry: ImageRegistry, program: bytes, docker: Callable[..., str]
) -> None:
    """When it has stopped, its containers are removed already."""
    with LocalRunPod(containers=True) as server:
        account = ContainerAccount(server.api, server.api_key)
        worker = account.worker(account.endpoint(registry.push(program, Cmd=["deaf"])), "IDLE")
        account.close()
        name = f"pulumi-runpod-{worker['id']}"
        assert docker("ps", "--quiet", "--filter", f"name={name}")
    assert docker("ps", "--all", "--quiet", "--filter", f"name={name}") == ""


class Served:
    """`emulator serve` as its own process."""

    def __init__(self, state: Path) -> None:
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "pulumi_runpod.cli", "emulator", "serve"),
                *("--port", "0", "--state", str(state), "--api-key", "local"),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.account = ContainerAccount(json.loads(self.process.stdout.readline())["api"], "local")

    def supervisors(self) -> list[psutil.Process]:
        children = psutil.Process(self.process.pid).children()
        return [child for child in children if any("container_supervisor" in part for part in child.cmdline())]

    def end(self, result: int) -> None:
        self.account.close()
        os.kill(self.process.pid, result)
        self.process.communicate()


@pytest.fixture
def serve(engine: DockerEngine, tmp_path: Path) -> Iterator[Callable[[], Served]]:
    """Start one on a state that is kept from start to start."""
    started: list[Served] = []

    def start() -> Served:
        started.append(Served(tmp_path / "state"))
        return started[-1]

    yield start
    for served in started:
        if served.process.poll() is None:
            served.end(signal.SIGTERM)


def test_a_local_runpod_that_is_killed_leaves_no_container(
    serve: Callable[[], Served], registry: ImageRegistry, program: bytes, gone: Gone
) -> None:
    """After SIGKILL to the server, the container of a worker that is at work is removed, though nobody is notified."""
    served = serve()
    endpoint = served.account.endpoint(registry.push(program, Cmd=["deaf"]))
    served.account.submit(endpoint, hang=True)
    wait = gone(served.account.worker(endpoint, "RUNNING"))
    served.end(signal.SIGKILL)
    wait()


def test_a_restart_removes_what_even_the_supervisors_could_not(
    serve: Callable[[], Served], registry: ImageRegistry, program: bytes, docker: Callable[..., str], gone: Gone
) -> None:
    """Containers that outlive server and supervisors are removed by the next start on the same state, and no others."""
    served = serve()
    mine = served.account.worker(served.account.endpoint(registry.push(program)), "IDLE")
    with LocalRunPod(containers=True) as other:
        account = ContainerAccount(other.api, other.api_key)
        theirs = account.worker(account.endpoint(registry.push(program)), "IDLE")
        wait = gone(mine)
        for supervisor in served.supervisors():
            supervisor.suspend()
        left_over = served.supervisors()
        served.end(signal.SIGKILL)
        for supervisor in left_over:
            supervisor.kill()
        assert docker("inspect", "--format", "{{.State.Running}}", f"pulumi-runpod-{mine['id']}") == "true"
        again = serve()
        wait()
        assert docker("inspect", "--format", "{{.State.Running}}", f"pulumi-runpod-{theirs['id']}") == "true"
        account.close()
    eventually(
        lambda: again.account.http.get("/_emulator/ready").json()["containers"] == {"available": True, "reason": None}
    )
