"""Workers as processes: what they are given, what they say, and that nothing of them is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import psutil
import pytest

from pulumi_runpod.emulator.job_plane.workers.environment import fill_secrets, machine_environment, worker_environment
from pulumi_runpod.emulator.job_plane.workers.process import Command, ProcessRuntime
from pulumi_runpod.emulator.job_plane.workers.runtime import RunningWorker, WorkerSpec, WorkerStartError

ENV = {"PATH": os.environ["PATH"]}


async def start(*argv: str, log: list[tuple[str, str]] | None = None) -> RunningWorker:
    runtime = ProcessRuntime([Command("image:*", argv)])
    lines = log if log is not None else []
    return await runtime.start(
        WorkerSpec("w1", "image:1", ENV, None), lambda source, text: lines.append((source, text))
    )


def outcome(*argv: str) -> tuple[int, list[tuple[str, str]]]:
    """Exit code and log of a worker that ends by itself."""

    async def run() -> tuple[int, list[tuple[str, str]]]:
        log: list[tuple[str, str]] = []
        running = await start(*argv, log=log)
        return await asyncio.wait_for(running.exited, 30), log

    return asyncio.run(run())


def alive(marker: str) -> list[int]:
    """Processes with `marker` on their command line, zombies not counted."""
    return [
        process.pid
        for process in psutil.process_iter(["cmdline", "status"])
        if marker in (process.info["cmdline"] or ()) and process.info["status"] != psutil.STATUS_ZOMBIE
    ]


def wait_until(result: object, seconds: float = 60.0) -> bool:
    """Whether the condition becomes true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result():  # type: ignore[operator]
            return True
        time.sleep(0.02)
    return False


def test_the_exit_code_and_all_output_reach_the_log() -> None:
    """stdout and stderr in their order, a last line without an end included."""
    code, log = outcome("sh", "-c", "echo one; echo two >&2; printf three; exit 7")
    assert code == 7
    assert log == [("container", "one"), ("container", "two"), ("container", "three")]


def test_a_signal_is_reported_as_128_and_its_number() -> None:
    """As a shell and a container engine tell it."""
    code, _ = outcome("sh", "-c", "kill -SEGV $$")
    assert code == 128 + signal.SIGSEGV


def test_a_line_without_end_does_not_fill_the_memory() -> None:
    """It is handed on in pieces."""
    code, log = outcome("sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x")
    assert code == 0
    assert sum(len(text) for _, text in log) == 1_000_000
    assert len(log) > 1


def test_a_command_that_does_not_exist_says_so() -> None:
    """In the worker's own log, with the code of a shell."""
    code, log = outcome("/no/such/program")
    assert code == 127
    assert log == [("container", "cannot start /no/such/program: No such file or directory")]


def test_sigterm_goes_to_the_worker_alone_which_may_finish() -> None:
    """Its handler runs; its children are not signalled, and are gone when it is."""
    marker = f"marker-{uuid.uuid4()}"

    async def run() -> tuple[int, list[tuple[str, str]]]:
        log: list[tuple[str, str]] = []
        script = f"trap 'echo bye; exit 3' TERM; sh -c 'sleep 1000' {marker} & echo ready; wait"
        running = await start("sh", "-c", script, log=log)
        while ("container", "ready") not in log:
            await asyncio.sleep(0.01)
        running.terminate()
        return await asyncio.wait_for(running.exited, 30), log

    code, log = asyncio.run(run())
    assert (code, log[-1]) == (3, ("container", "bye"))
    assert alive(marker) == []


@pytest.mark.parametrize("wrapper", [[], ["setsid"]])
def test_a_kill_takes_every_descendant_along(wrapper: list[str]) -> None:
    """Children in sessions of their own, and orphans, too."""
    marker = f"marker-{uuid.uuid4()}"

    async def run() -> int:
        log: list[tuple[str, str]] = []
        leave = " ".join([*wrapper, "sh", "-c", "'sleep 1000'", marker])
        running = await start("sh", "-c", f"({leave} & ) ; {leave} & echo ready; sleep 1000", log=log)
        while ("container", "ready") not in log or len(alive(marker)) < 2:
            await asyncio.sleep(0.01)
        running.kill()
        return await asyncio.wait_for(running.exited, 30)

    assert asyncio.run(run()) == 137
    assert alive(marker) == []


def test_what_a_worker_leaves_behind_ends_with_it() -> None:
    """The end of the main process is the end of all, as in a container."""
    marker = f"marker-{uuid.uuid4()}"
    code, _ = outcome("sh", "-c", f"(setsid sh -c 'sleep 1000' {marker} &) ; sleep 0.2")
    assert code == 0
    assert alive(marker) == []


def test_a_hanging_worker_can_still_be_killed() -> None:
    """A stopped process hears no SIGTERM, but SIGKILL."""

    async def run() -> int:
        log: list[tuple[str, str]] = []
        running = await start("sh", "-c", "echo ready; sleep 1000", log=log)
        while not log:
            await asyncio.sleep(0.01)
        running.pause()
        running.terminate()
        running.kill()
        return await asyncio.wait_for(running.exited, 30)

    assert asyncio.run(run()) == 137


OWNER = """
import asyncio, sys
from pulumi_runpod.emulator.job_plane.workers.process import Command, ProcessRuntime
from pulumi_runpod.emulator.job_plane.workers.runtime import WorkerSpec
async def main():
    marker = sys.argv[1]
    script = f"(setsid sh -c 'sleep 1000' {marker} &); sh -c 'sleep 1000' {marker} & sleep 1000"
    runtime = ProcessRuntime([Command('*', ('sh', '-c', script, marker))])
    held = [await runtime.start(WorkerSpec('w', 'i', {'PATH': '/bin:/usr/bin'}, None), print) for _ in range(2)]
    await asyncio.gather(*(h.exited for h in held))
asyncio.run(main())
"""


def test_nothing_outlives_a_killed_owner() -> None:
    """kill -9 of the process that started workers: each supervisor sees its pipe end, and takes its worker along."""
    marker = f"marker-{uuid.uuid4()}"
    owner = subprocess.Popen(
        [
            sys.executable,
            "-c",
            OWNER,
            marker,
        ],
        stdout=subprocess.DEVNULL,
    )
    try:
        assert wait_until(lambda: len(alive(marker)) >= 1 + 2 * 3, 30)
    finally:
        owner.kill()
        owner.wait()
    assert wait_until(lambda: not alive(marker))


def test_a_killed_supervisor_takes_its_worker_along() -> None:
    """The worker asked the kernel for it."""
    marker = f"marker-{uuid.uuid4()}"

    async def run() -> int:
        running = await start("sh", "-c", "sleep 1000; true", marker)
        while not (found := alive(marker)):
            await asyncio.sleep(0.01)
        supervisors = [p for p in found if "supervisor.py" in " ".join(psutil.Process(p).cmdline())]
        for pid in supervisors:
            os.kill(pid, signal.SIGKILL)
        return await asyncio.wait_for(running.exited, 30)

    assert asyncio.run(run()) == -signal.SIGKILL
    assert wait_until(lambda: not alive(marker))


def test_images_are_matched_by_the_first_glob() -> None:
    """In the order in which the commands were given; nobody else's image is run."""
    runtime = ProcessRuntime([Command("a:*", ("true",)), Command("*", ("false",))])
    assert runtime.refusal("a:1") is None
    only = ProcessRuntime([Command("registry.example.com/team/*", ("true",))])
    assert only.refusal("registry.example.com/team/worker:1") is None
    assert "--worker 'GLOB=COMMAND'" in (only.refusal("other:1") or "")
    with pytest.raises(WorkerStartError):
        asyncio.run(only.start(WorkerSpec("w", "other:1", {}, None), lambda *_: None))


@pytest.mark.parametrize(("glob", "line"), [("", "true"), ("a", ""), ("a", "'unbalanced")])
def test_a_worker_command_that_cannot_be_run_is_refused(glob: str, line: str) -> None:
    """When it is given, not when the first worker starts."""
    with pytest.raises(ValueError, match=r"GLOB=COMMAND|quotation"):
        Command.parse(glob, line)


def test_secrets_are_filled_in_and_unknown_ones_stay_as_written() -> None:
    """`{{ RUNPOD_SECRET_name }}`, with or without blanks, anywhere in a value."""
    env = {"A": "x{{ RUNPOD_SECRET_token }}y{{RUNPOD_SECRET_token}}", "B": "{{ RUNPOD_SECRET_gone }}", "C": "plain"}
    filled = fill_secrets(env, {"token": "s3"}.get)
    assert filled == {"A": "xs3ys3", "B": "{{ RUNPOD_SECRET_gone }}", "C": "plain"}


def test_a_worker_sees_its_endpoints_variables_and_nothing_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The platform's variables win; a key in our own environment stays ours."""
    monkeypatch.setenv("RUNPOD_API_KEY", "ours")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "ours")
    env = worker_environment(
        base_url="http://127.0.0.1:1",
        endpoint_id="ep",
        worker_id="w",
        worker_key="k",
        endpoint_env={"MODEL": "m", "RUNPOD_POD_ID": "forged", "PATH": "/opt/bin"},
        gpu_type_id="NVIDIA L40S",
        gpu_count=2,
        data_center_id="EU-RO-1",
        volume_id="vol",
    )
    env = {**machine_environment(tmp_path, tmp_path / "vol"), **env}
    assert "ours" not in env.values()
    assert (env["MODEL"], env["PATH"], env["RUNPOD_POD_ID"]) == ("m", "/opt/bin", "w")
    assert env["RUNPOD_WEBHOOK_GET_JOB"] == "http://127.0.0.1:1/v2/ep/job-take/$ID?gpu=NVIDIA+L40S"
    assert env["RUNPOD_WEBHOOK_POST_OUTPUT"] == "http://127.0.0.1:1/v2/ep/job-done/$RUNPOD_POD_ID/$ID?gpu=NVIDIA+L40S"
    assert int(env["RUNPOD_PING_INTERVAL"]) >= 1000
    # Otherwise the SDK dials a public address and looks for a GPU, and the worker ends.
    assert env["RUNPOD_SKIP_AUTO_SYSTEM_CHECKS"] == env["RUNPOD_SKIP_GPU_CHECK"] == "true"
    assert (env["RUNPOD_VOLUME_ID"], env["RUNPOD_VOLUME_PATH"]) == ("vol", str(tmp_path / "vol"))
    assert env["HOME"] == str(tmp_path)
