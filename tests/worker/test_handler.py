"""The handler around an engine that does not compute: answers, errors and stops, with the waits that a GPU would take.

The engine is replaced because these cases need exact failures and exact moments; the real one is in test_engine.py.
"""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from sdxl_worker.engine import Result
from sdxl_worker.failure import Code, JobError
from sdxl_worker.handler import Handler
from sdxl_worker.request import Request
from sdxl_worker.settings import read_settings
from sdxl_worker.watch import Watch
from sdxl_worker.weights import ModelDefaults

pytest.importorskip("torch", reason="the answer states the versions of torch and diffusers")


@dataclass
class Recorder:
    """The log, the progress and the recycling that the SDK would see."""

    lines: list[str] = field(default_factory=list)
    recycled: int = 0

    def info(self, message: str, request_id: str | None = None) -> None:
        self.lines.append(message)

    warn = error = info

    def recycle(self) -> None:
        self.recycled += 1


@dataclass
class StillEngine:
    """Gives what it was asked to give."""

    outcome: Any = None
    inference_seconds: float = 0.5
    entered: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)
    defaults: ModelDefaults = field(default_factory=ModelDefaults)
    loads: int = 1
    warmup_seconds: float = 0.1
    ready_seconds: float = 9.0
    libraries: Any = field(default_factory=lambda: SimpleNamespace(seconds=4.0))
    model: Any = field(
        default_factory=lambda: SimpleNamespace(
            weights=SimpleNamespace(name="still"),
            load_seconds=1.0,
            device_name="cpu",
            dtype="torch.float32",
            scheduler_class="EulerDiscreteScheduler",
        )
    )

    def generate(self, request: Request, *, size: tuple[int, int], watch: Watch, image: Any = None) -> Result:
        self.entered.set()
        try:
            if isinstance(self.outcome, BaseException):
                raise self.outcome
            if self.outcome == "runs until stopped":
                watch.cancel.wait(30)
                watch.check()
            return Result(
                images=[Image.new("RGB", size, (1, 2, 3)) for _ in request.seeds],
                prepare_seconds=0.0,
                inference_seconds=self.inference_seconds,
                peak_vram_bytes=None,
                warnings=[],
            )
        finally:
            self.left.set()


def handler(engine: StillEngine, recorder: Recorder) -> Handler:
    return Handler(
        settings=read_settings({}),
        engine=engine,  # type: ignore[arg-type]  # replaces the engine
        send_progress=lambda job, update: None,
        recycle=recorder.recycle,
        log=recorder,
    )


def run(engine: StillEngine, recorder: Recorder, job_input: object = None) -> dict[str, Any]:
    job = {"id": "job-1", "input": job_input if job_input is not None else {"prompt": "x", "width": 256, "height": 256}}
    return asyncio.run(handler(engine, recorder).handle(job))


def test_the_answer_is_plain_json_with_every_part() -> None:
    """What is returned survives strict JSON, and says how long each phase took."""
    answer = run(StillEngine(), Recorder())

    assert json.loads(json.dumps(answer, allow_nan=False)) == answer
    assert answer["timings"].keys() == {
        "imports_seconds",
        "load_seconds",
        "warmup_seconds",
        "ready_seconds",
        "prepare_seconds",
        "inference_seconds",
        "encode_seconds",
        "total_seconds",
    }
    assert (answer["timings"]["imports_seconds"], answer["timings"]["inference_seconds"]) == (4.0, 0.5)
    assert answer["memory"]["peak_rss_bytes"] > 1_000_000


def test_an_answer_that_json_can_not_carry_is_an_error_and_not_silence() -> None:
    """The SDK would drop it, and the job would hang until its timeout."""
    answer = run(StillEngine(inference_seconds=float("nan")), Recorder())

    assert json.loads(answer["error"])["code"] == "INTERNAL"


def test_a_crash_is_reported_by_a_number_and_written_to_the_log() -> None:
    """The caller gets no traceback and no path; the log has it under the number that the caller got."""
    recorder = Recorder()
    error = json.loads(run(StillEngine(KeyError("/srv/secret/path")), recorder)["error"])

    assert (error["code"], error["retryable"]) == ("INTERNAL", True)
    assert "secret" not in json.dumps(error)
    incident = error["message"].split()[-1]
    assert any(incident in line and "KeyError" in line for line in recorder.lines)
    assert recorder.recycled == 0


@pytest.mark.parametrize("recycle", [False, True])
def test_only_a_failure_that_asks_for_it_recycles(recycle: bool) -> None:
    """The platform is asked for a new process once."""
    recorder = Recorder()
    answer = run(StillEngine(JobError(Code.GPU_FAILED, "gone", recycle=recycle)), recorder)

    assert json.loads(answer["error"])["code"] == "GPU_FAILED"
    assert recorder.recycled == int(recycle)


def test_bad_input_never_reaches_the_engine() -> None:
    """And its text is not logged."""
    engine, recorder = StillEngine(), Recorder()
    answer = run(engine, recorder, {"prompt": "private", "width": 1})

    assert json.loads(answer["error"])["code"] == "INVALID_INPUT"
    assert not engine.entered.is_set()
    assert "private" not in "".join(recorder.lines)


def test_a_stop_waits_until_the_gpu_is_free_and_answers_nothing() -> None:
    """The next job must not start while the stopped one still computes."""
    engine, recorder = StillEngine("runs until stopped"), Recorder()

    async def stopped() -> None:
        job = {"id": "job-1", "input": {"prompt": "x"}}
        task = asyncio.create_task(handler(engine, recorder).handle(job))
        await asyncio.to_thread(engine.entered.wait, 30)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert engine.left.is_set()

    asyncio.run(stopped())

    assert any("CANCELLED" in line for line in recorder.lines)


def test_the_loop_stays_free_while_a_job_runs() -> None:
    """Only so can a stop signal be heard: a blocking handler would read it when the job is over."""
    engine = StillEngine("runs until stopped")

    async def other_work() -> int:
        task = asyncio.create_task(handler(engine, Recorder()).handle({"id": "j", "input": {"prompt": "x"}}))
        await asyncio.to_thread(engine.entered.wait, 30)
        turns = 0
        for _ in range(100):
            await asyncio.sleep(0)
            turns += not engine.left.is_set()
        task.cancel()
        await asyncio.wait([task])
        return turns

    assert asyncio.run(other_work()) == 100


def test_only_the_first_job_of_a_process_is_a_cold_start() -> None:
    """Also when it is the only one that fails."""

    async def three() -> list[dict[str, Any]]:
        one = handler(StillEngine(), Recorder())
        return [await one.handle({"id": str(n), "input": {"prompt": "x"}}) for n in range(3)]

    answers = asyncio.run(three())

    assert [answer["cold_start"] for answer in answers] == [True, False, False]
    assert [answer["worker"]["jobs"] for answer in answers] == [1, 2, 3]
