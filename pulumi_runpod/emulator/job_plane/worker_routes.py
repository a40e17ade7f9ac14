"""The worker's side of the job plane: take, stop, result, stream, heartbeat, as RunPod's SDK uses it.

The SDK asks again at once after "nothing" and after most errors: empty polls are held open, and refusals are slowed. A
socket's patience is real time, whatever the platform's clock says.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable

from pydantic_core import from_json, to_json
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive

from pulumi_runpod.emulator.job_plane.dispatch import Dispatch
from pulumi_runpod.emulator.job_plane.fleet import Fleet
from pulumi_runpod.emulator.job_plane.job import Job, splice
from pulumi_runpod.emulator.job_plane.jobs import MAX_CHUNK_BYTES
from pulumi_runpod.emulator.job_plane.scheduler import Scheduler
from pulumi_runpod.emulator.job_plane.strikes import strike
from pulumi_runpod.emulator.job_plane.worker import Worker
from pulumi_runpod.wire.job import MAX_RUN_BYTES, MAX_RUNSYNC_BYTES

_SLOW_S = 1.0
"""Before each refusal, and between two stop signals for the same job."""
_ENDING_S = 0.2
"""Before "nothing" to a worker that was asked to end, and asks once more."""
_TURNS = 4
"""Of the event loop, until a connection that was closed together with a hand-over is known to be closed."""
MAX_BATCH = 1000

Handler = Callable[[Request, Fleet, Worker], Awaitable[Response]]


def routes(scheduler: Scheduler) -> list[Route]:
    api = _WorkerApi(scheduler)
    base = "/v2/{endpoint_id}"
    return [
        Route(f"{base}/job-take/{{worker_id}}", api.door(api.take)),
        Route(f"{base}/job-take-batch/{{worker_id}}", api.door(api.take)),
        Route(f"{base}/job-stop/{{worker_id}}", api.door(api.stop)),
        Route(f"{base}/job-done/{{worker_id}}/{{job_id}}", api.door(api.done), methods=["POST"]),
        Route(f"{base}/job-done/{{worker_id}}", api.door(api.done), methods=["POST"]),
        Route(f"{base}/job-stream/{{worker_id}}/{{job_id}}", api.door(api.stream), methods=["POST"]),
        Route(f"{base}/job-stream/{{worker_id}}", api.door(api.stream), methods=["POST"]),
        Route(f"{base}/ping/{{worker_id}}", api.door(api.ping)),
    ]


class _WorkerApi:
    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._jobs, self._platform = scheduler.jobs, scheduler.platform

    def door(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Only a worker that lives, with its own key."""

        async def call(request: Request) -> Response:
            params = request.path_params
            found = self._scheduler.worker(params["endpoint_id"], params["worker_id"])
            key = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
            if found is None or not hmac.compare_digest(key.encode(), found[1].key.encode()):
                await asyncio.sleep(_SLOW_S)
                return Response(status_code=401)
            if found[0].balancer is not None:
                await asyncio.sleep(_SLOW_S)
                return Response(status_code=400)  # a load balancer has no jobs
            return await handler(request, *found)

        return call

    async def take(self, request: Request, fleet: Fleet, worker: Worker) -> Response:
        """`job-take`: one job as an object. `job-take-batch`: up to `batch_size`, as a list. 204: none."""
        if worker.is_ending():
            await asyncio.sleep(_ENDING_S)
            return Response(status_code=204)
        batch = "/job-take-batch/" in request.url.path
        count = _batch_size(request) if batch else 1
        dispatch = fleet.dispatch
        fleet.life.saw(worker)
        if request.query_params.get("job_in_progress") == "0":
            dispatch.has_nothing(worker)
        jobs = dispatch.pull(worker, count) or await self._wait(request.receive, dispatch, worker, count)
        texts = [text for job in jobs if (text := self._job_text(job)) is not None]
        if not texts:
            return Response(status_code=204)
        strike(self._platform.faults, worker)
        body = "[" + ",".join(texts) + "]" if batch else texts[0]
        return Response(body.encode(), media_type="application/json")

    async def _wait(self, receive: Receive, dispatch: Dispatch, worker: Worker, count: int) -> list[Job]:
        poll = dispatch.wait(worker, count)
        gone = asyncio.ensure_future(_disconnect(receive))
        waiting: set[asyncio.Future[list[Job]] | asyncio.Future[None]] = {poll.answer, gone}
        try:
            hold = self._platform.switches.poll_hold
            await asyncio.wait(waiting, timeout=hold, return_when=asyncio.FIRST_COMPLETED)
            jobs = poll.answer.result() if poll.answer.done() else []
            for _ in range(_TURNS if jobs else 0):
                await asyncio.sleep(0)
            if jobs and gone.done():
                # It went away in the same moment: nobody has these jobs.
                dispatch.give_back(worker, jobs)
                return []
            return jobs
        finally:
            gone.cancel()
            poll.answer.cancel()
            if worker.poll is poll:
                worker.poll = None

    def _job_text(self, job: Job) -> str | None:
        try:
            request = self._jobs.request_of(job)
        except LookupError:
            return None  # deleted in the turn of the event loop that handed it over
        return splice(f'"id":{json.dumps(job.id)}', request)

    async def stop(self, request: Request, _: Fleet, worker: Worker) -> Response:
        """`job-stop`: jobs that this worker is to stop.

        A signal is repeated while the worker goes on: the SDK drops one that comes before it has begun the job.
        """
        if worker.is_ending():
            await asyncio.sleep(_ENDING_S)
            return Response(status_code=204)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._platform.switches.poll_hold
        gone = asyncio.ensure_future(_disconnect(request.receive))
        woken = worker.stop_poll = loop.create_future()
        try:
            while True:
                now = loop.time()
                due = [j for j, sent_at in worker.dropped.items() if sent_at is None or now - sent_at >= _SLOW_S]
                if due and not worker.is_ending():
                    worker.dropped.update(dict.fromkeys(due, now))
                    return Response(to_json({"jobsToStop": due}), media_type="application/json")
                if now >= deadline or gone.done() or worker.is_ending() or worker.stop_poll is not woken:
                    return Response(status_code=204)
                if woken.done():
                    woken = worker.stop_poll = loop.create_future()
                left = min(deadline - now, _SLOW_S) if worker.dropped else deadline - now
                await asyncio.wait({woken, gone}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            if worker.stop_poll is woken:
                worker.stop_poll = None

    async def done(self, request: Request, fleet: Fleet, worker: Worker) -> Response:
        """`job-done`: a result, or progress. JSON under a form's content type, as the SDK sends it."""
        job_id = _job_id(request)
        job = worker.jobs.get(job_id)
        limit = MAX_RUNSYNC_BYTES if job is not None and job.sync else MAX_RUN_BYTES
        raw, size = await _body(request, limit)
        dispatch = fleet.dispatch
        if raw is None:
            text = f"output of {size} bytes exceeds the limit of {limit}: upload it and return a URL"
            dispatch.report(worker, job_id, "FAILED", error=text)
            return Response(status_code=413)
        try:
            result = from_json(raw, allow_inf_nan=False)
        except ValueError:
            result = None
        if not isinstance(result, dict):
            dispatch.report(worker, job_id, "FAILED", error="the worker's result is not valid JSON")
            return Response(status_code=400)
        if result.get("status") == "IN_PROGRESS":
            job = worker.jobs.get(job_id)
            if job is not None:
                self._jobs.progress(job, to_json(result.get("output")).decode())
            return Response(status_code=200)
        self._finish(dispatch, fleet, worker, job_id, result)
        return Response(status_code=200)

    def _finish(self, dispatch: Dispatch, fleet: Fleet, worker: Worker, job_id: str, result: dict[str, object]) -> None:
        recycle = result.get("stopPod") is True
        # Before the report, which would give this worker its next job.
        worker.retiring = worker.retiring or recycle
        output = to_json(result["output"]).decode() if "output" in result else None
        error = result.get("error")
        if error is None:
            dispatch.report(worker, job_id, "COMPLETED", output=output)
        else:
            text = error if isinstance(error, str) else to_json(error).decode()
            dispatch.report(worker, job_id, "FAILED", output=output, error=text)
        if recycle:
            fleet.recycle(worker)

    async def stream(self, request: Request, _: Fleet, worker: Worker) -> Response:
        """`job-stream`: one part of a generator's output. Text beyond 1 MB is split, as the service does."""
        raw, _size = await _body(request, MAX_RUNSYNC_BYTES)
        job = worker.jobs.get(_job_id(request))
        if raw is None:
            return Response(status_code=413)
        try:
            part = from_json(raw, allow_inf_nan=False)
        except ValueError:
            return Response(status_code=400)
        if job is None or not isinstance(part, dict):
            return Response(status_code=200)
        output = part.get("output")
        pieces = [output]
        if isinstance(output, str) and len(raw) > MAX_CHUNK_BYTES:
            # A character takes at most four bytes.
            step = MAX_CHUNK_BYTES // 4
            pieces = [output[at : at + step] for at in range(0, len(output), step)]
        for piece in pieces:
            self._jobs.add_chunk(job, to_json({"output": piece}).decode())
        return Response(status_code=200)

    async def ping(self, request: Request, fleet: Fleet, worker: Worker) -> Response:
        query = request.query_params
        fleet.life.heard(worker)
        if query.get("status") == "unhealthy":
            value = f"unhealthy: check {query.get('check', '?')} failed: {query.get('reason', 'no reason given')}"
            worker.log.write("system", value)
            return Response(status_code=200)
        if worker.dropped:
            fleet.dispatch.still_at(worker, frozenset(query.get("job_id", "").split(",")))
        self._scheduler.accrue()
        return Response(status_code=200)


async def _disconnect(receive: Receive) -> None:
    """Return when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _body(request: Request, limit: int) -> tuple[bytes | None, int]:
    """`(raw body, its bytes)`; None instead of a body that is too large, which is read to its end all the same: the SDK
    would take a closed connection for a reason to send it again."""
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size <= limit:
                parts.append(part)
            else:
                parts.clear()
    except ClientDisconnect:
        return b"", 0
    return (b"".join(parts) if size <= limit else None), size


def _job_id(request: Request) -> str:
    """From the path, else from the header that the SDK sets."""
    return str(request.path_params.get("job_id") or request.headers.get("x-request-id", ""))


def _batch_size(request: Request) -> int:
    value = request.query_params.get("batch_size", "1")
    return min(max(int(value), 1), MAX_BATCH) if value.isascii() and value.isdigit() and len(value) < 10 else 1
