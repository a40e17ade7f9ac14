"""The worker as RunPod runs it: the real SDK's loop in a process, real diffusers on tiny weights, jobs over HTTP."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from conftest import LORA, MODEL
from PIL import Image
from worker_process import WORKER, WorkerProcess

from sdxl_worker.answer import Answer

# 100 steps at 512x512 take tens of seconds on two cores: time to be stopped in.
LONG_JOB = {"prompt": "a long walk", "width": 512, "height": 512, "num_inference_steps": 100}


def run(worker: WorkerProcess, job_id: str, job_input: object) -> dict[str, Any]:
    worker.plane.submit(job_id, job_input)
    return worker.plane.result(job_id)


def pixels(body: dict[str, Any], index: int = 0) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(body["output"]["images"][index]["image"])))


def failure(body: dict[str, Any]) -> dict[str, Any]:
    assert set(body) <= {"error", "stopPod"}
    error: dict[str, Any] = json.loads(body["error"])
    return error


def test_a_job_goes_in_and_an_image_comes_out(worker: WorkerProcess) -> None:
    """The first job is a cold start; the second has one load behind it, the same process, and another image."""
    first = run(worker, "first", {"prompt": "a red fox", "seed": 7})
    second = run(worker, "second", {"prompt": "a red fox", "seed": 8, "width": 64, "height": 128})

    answers = [Answer.model_validate(body["output"]) for body in (first, second)]
    assert (pixels(first).format, pixels(first).size) == ("PNG", (256, 256))
    assert pixels(second).size == (64, 128)
    assert [answer.images[0].seed for answer in answers] == [7, 8]
    assert [answer.cold_start for answer in answers] == [True, False]
    assert [answer.worker.loads for answer in answers] == [1, 1]
    assert [answer.worker.jobs for answer in answers] == [1, 2]
    assert answers[0].worker.pid == answers[1].worker.pid == worker.process.pid
    assert answers[0].worker.id == "worker-1"
    assert answers[0].model == MODEL
    assert answers[0].parameters.num_inference_steps == 4


def test_the_result_is_posted_as_the_platform_reads_it(worker: WorkerProcess) -> None:
    """The body is JSON with nothing but the output, under the job's id and the worker's key."""
    body = run(worker, "posted", {"prompt": "a red fox", "width": 64, "height": 64})
    call = worker.plane.of("done", "posted")[0]

    assert set(body) == {"output"}
    assert call.headers["authorization"] == "key-of-the-tests"
    assert call.headers["x-request-id"] == "posted"
    assert call.query["isStream"] == ["false"]


def test_one_seed_gives_one_image(worker: WorkerProcess) -> None:
    """The same job gives the same bytes; another seed gives others."""
    job = {"prompt": "a red fox", "width": 64, "height": 64, "seed": 11}
    first, again = run(worker, "seed-a", job), run(worker, "seed-b", job)
    other = run(worker, "seed-c", {**job, "seed": 12})

    assert first["output"]["images"] == again["output"]["images"]
    assert pixels(first).tobytes() != pixels(other).tobytes()


def test_bad_input_fails_the_job_and_not_the_worker(worker: WorkerProcess) -> None:
    """The error is a JSON string that names the field; no traceback, no recycling; the next job works."""
    blank = run(worker, "blank", {"prompt": "  "})
    null = run(worker, "null", None)
    good = run(worker, "good", {"prompt": "x", "width": 64, "height": 64})

    assert [failure(bad)["code"] for bad in (blank, null)] == ["INVALID_INPUT", "INVALID_INPUT"]
    assert [failure(bad)["details"][0]["field"] for bad in (blank, null)] == ["prompt", "input"]
    assert "Traceback" not in blank["error"] + null["error"]
    assert "output" in good


def test_a_stopped_job_ends_within_a_step_and_posts_nothing(worker: WorkerProcess) -> None:
    """After the stop signal the next job runs at once, and the stopped one never answers."""
    worker.plane.submit("stopped", LONG_JOB)
    worker.plane.wait_for(lambda call: call.kind == "progress" and call.job_id == "stopped")
    worker.plane.stop_job("stopped")
    after = run(worker, "after-stop", {"prompt": "x", "width": 64, "height": 64})

    assert "output" in after
    assert worker.plane.of("done", "stopped") == []
    assert "CANCELLED" in worker.output


def test_progress_grows_and_comes_before_the_result(worker: WorkerProcess) -> None:
    """Updates are about a second apart, rise, stay below 100 per cent, and none arrives after the result."""
    worker.plane.submit("slow", {**LONG_JOB, "num_inference_steps": 20})
    worker.plane.result("slow")

    calls = [call for call in worker.plane.calls if call.job_id == "slow"]
    updates = [call.body["output"] for call in calls if call.kind == "progress"]
    assert calls[-1].kind == "done"
    assert updates
    assert [update["step"] for update in updates] == sorted(update["step"] for update in updates)
    assert all(update["progress"] < 100 and update["steps"] == 20 for update in updates)


def test_formats_loras_and_batches_reach_the_caller(worker: WorkerProcess) -> None:
    """What a job asks for is what it gets, in one answer."""
    body = run(
        worker,
        "webp",
        {
            "prompt": "x",
            "width": 64,
            "height": 64,
            "num_images": 2,
            "seed": 5,
            "scheduler": "ddim",
            "loras": [{"name": LORA, "scale": 0.5}],
            "output": {"format": "webp", "quality": 80},
        },
    )

    assert [pixels(body, index).format for index in (0, 1)] == ["WEBP", "WEBP"]
    assert [image["seed"] for image in body["output"]["images"]] == [5, 6]
    assert body["output"]["parameters"]["scheduler"] == "ddim"
    assert body["output"]["parameters"]["loras"] == [LORA]


def test_the_heartbeat_names_the_running_job(worker: WorkerProcess) -> None:
    """Pings go on while the pipeline runs, and carry the job's id."""
    worker.plane.submit("beating", LONG_JOB)
    ping = worker.plane.wait_for(lambda call: call.kind == "ping" and call.query.get("job_id") == ["beating"])
    worker.plane.stop_job("beating")

    assert ping.headers["authorization"] == "key-of-the-tests"


def test_the_log_holds_no_prompt_and_no_image(worker: WorkerProcess) -> None:
    """At the default level neither the input nor the answer is written to the log."""
    body = run(worker, "quiet", {"prompt": "a very private wish", "width": 64, "height": 64})

    assert "private wish" not in worker.output
    assert body["output"]["images"][0]["image"][:60] not in worker.output


def test_sigterm_lets_the_job_finish(volume: Path, tmp_path: Path) -> None:
    """A worker that is asked to end posts the result of its job, takes no other, and exits with 0."""
    with WorkerProcess(volume=volume, home=tmp_path, model=MODEL) as worker:
        worker.wait_until_ready()
        worker.plane.submit("last", {**LONG_JOB, "num_inference_steps": 15})
        worker.plane.wait_for(lambda call: call.kind == "progress")
        worker.plane.submit("too-late", {"prompt": "x"})
        worker.plane.drain()
        code = worker.terminate()

        assert "output" in worker.plane.result("last")
        assert worker.plane.of("done", "too-late") == []
        assert code == 0


def test_a_job_can_be_tried_without_the_platform(volume: Path, tmp_path: Path) -> None:
    """The SDK's local mode answers one job from the command line; a refused start is one line and no traceback."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": str(WORKER),
        "OMP_NUM_THREADS": "1",
        "ALLOW_CPU": "1",
        "RUNPOD_VOLUME_PATH": str(volume),
    }
    job = json.dumps({"id": "local", "input": {"prompt": "x"}})
    command = [sys.executable, "-m", "sdxl_worker", "--test_input", job]
    good = subprocess.run(
        command, cwd=tmp_path, env={**environment, "MODEL_NAME": MODEL}, capture_output=True, text=True
    )
    bad = subprocess.run(
        command, cwd=tmp_path, env={**environment, "MODEL_NAME": "absent"}, capture_output=True, text=True
    )

    assert good.returncode == 0
    assert "'delivery': 'base64'" in good.stdout
    assert bad.returncode == 1
    assert bad.stderr.startswith("error: weights_present: no weights found")
    assert len(bad.stderr.splitlines()) == 1
