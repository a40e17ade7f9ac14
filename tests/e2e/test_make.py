"""A newcomer's first hour: a fresh copy of the project, `make up`, a job, `make up` again, `make down`.

Everything is real: set-up, engine, local RunPod, and a worker process that runs `diffusers` on the tiny model.
"""

from __future__ import annotations

import base64
import json
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pulumi_runpod.client.jobs import JobClient
from pulumi_runpod.wire.job import Job
from tests.e2e.clone import Clone, cloned, readme_blocks

PNG = b"\x89PNG\r\n\x1a\n"
LONG = {"prompt": "a long one", "width": 1024, "height": 1024, "num_inference_steps": 100}
"""Minutes of work on a CPU."""

pytestmark = [pytest.mark.engine, pytest.mark.worker, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory, copy_project: Callable[[Path], None]) -> Iterator[Clone]:
    """The files that a clone would hold, and what was deployed there is destroyed again."""
    copy = cloned(tmp_path_factory.mktemp("newcomer") / "project", copy_project)
    yield copy
    copy.run("make down")


@pytest.fixture(scope="module")
def deployed(clone: Clone) -> Clone:
    clone.done("make up")
    return clone


@pytest.fixture(scope="module")
def jobs(deployed: Clone) -> Iterator[JobClient]:
    with deployed.job_client() as client:
        yield client


def image(job: Job) -> bytes:
    assert job.status == "COMPLETED", job
    return base64.b64decode(job.output["images"][0]["image"])


def ask(jobs: JobClient, **request: Any) -> Job:
    return jobs.wait(jobs.run({"prompt": "a red fox", **request}).id, timeout=240)


def test_the_commands_of_the_readme_work(clone: Clone) -> None:
    """The README's commands on one stack, in their order, end well in a fresh copy; the job leaves a PNG."""
    for block in readme_blocks(about=lambda block: "STACK=" not in block):
        clone.done(f"set -e\n{block}")

    (saved,) = (clone.path / "out").glob("*.png")
    assert saved.read_bytes().startswith(PNG)


def test_make_up_again_changes_nothing_and_calls_no_resource_route(deployed: Clone) -> None:
    """With an unchanged stack, everything is unchanged, and no call reaches a resource."""
    before = deployed.calls()
    text = deployed.done("make up")

    assert "unchanged" in text
    assert not re.search(r"created|updated|replaced|deleted", text.split("Resources:")[1])
    assert deployed.calls() == before


def test_an_image_has_the_size_and_seed_that_was_asked_for(jobs: JobClient) -> None:
    """The PNG has the size asked for; equal seeds give equal bytes, two seeds two images."""
    first, again, other = (image(ask(jobs, seed=seed, width=320, height=256)) for seed in (1, 1, 2))

    assert first.startswith(PNG)
    assert (int.from_bytes(first[16:20], "big"), int.from_bytes(first[20:24], "big")) == (320, 256)
    assert first == again
    assert first != other


def test_the_image_comes_from_a_process_of_the_worker(deployed: Clone, jobs: JobClient) -> None:
    """The process that the answer names runs the worker's module, and is not the local RunPod."""
    pid = ask(jobs).output["worker"]["pid"]

    assert "sdxl_worker" in Path(f"/proc/{pid}/cmdline").read_text()


def test_a_bad_request_is_refused_and_the_next_job_works(jobs: JobClient) -> None:
    """A prompt that is not a text fails the job with a code and the field's name; the worker goes on."""
    refused = jobs.wait(jobs.run({"prompt": 7}).id, timeout=240)

    assert refused.status == "FAILED"
    assert json.loads(refused.error or "")["code"] == "INVALID_INPUT"
    assert "prompt" in (refused.error or "")
    assert image(ask(jobs)).startswith(PNG)


def test_a_running_job_can_be_cancelled(jobs: JobClient) -> None:
    """A job that has begun ends CANCELLED, and the worker takes the next one."""
    job = jobs.run(LONG)
    for status in iter(lambda: jobs.status(job.id).status, "IN_PROGRESS"):
        assert status == "IN_QUEUE"
    jobs.cancel(job.id)

    assert jobs.status(job.id).status == "CANCELLED"
    assert image(ask(jobs)).startswith(PNG)


def test_a_job_beyond_its_execution_timeout_ends_timed_out(jobs: JobClient) -> None:
    """The limit that the job brings with it is kept."""
    job = jobs.run({"input": LONG, "policy": {"executionTimeout": 5000}})

    assert jobs.wait(job.id, timeout=240).status == "TIMED_OUT"


def test_mistakes_in_the_settings_are_reported_in_one_line_each(deployed: Clone) -> None:
    """Two wrong keys: two lines with what to do, no traceback, and no call."""
    before = deployed.calls()
    file = deployed.path / "stacks" / "Pulumi.dev.yaml"
    good = file.read_text()
    file.write_text(
        good.replace("config:\n", "config:\n  runpod-sdxl:workersMax: many\n  runpod-sdxl:volumeSizeGb: 5\n")
    )
    failed = deployed.run("PULUMI_CONFIG_PASSPHRASE= .venv/bin/pulumi preview --stack dev")
    file.write_text(good)

    assert failed.returncode != 0
    errors = {line.strip() for line in failed.stdout.splitlines() if line.strip().startswith("error:")}
    assert len(errors) == 2
    assert all("pulumi config set" in line for line in errors)
    assert "Traceback" not in failed.stdout + failed.stderr
    assert deployed.calls() == before


def test_make_down_leaves_nothing(clone: Clone) -> None:
    """After `make down` the stack is empty and nothing listens; a second one has nothing to do."""
    clone.done("make up")
    clone.done("make down")

    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", clone.port)) != 0
    clone.done("make down")
    clone.done("make up")
    created = [call.split("/")[2] for call in clone.calls()]
    assert sorted(created[:-1]) == ["network-volumes", "templates"]  # side by side: neither needs the other
    assert created[-1] == "serverless"
