"""The job API of queue endpoints, as clients see it. Errors are `{"error": ...}`: their shape is not documented, but it
is not the control plane's.

`status-sync` and POST on reading calls are undocumented, and what RunPod's JavaScript and Go clients use.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Literal

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pulumi_runpod.emulator.job_plane.fleet import Fleet
from pulumi_runpod.emulator.job_plane.job import RETRYABLE, Job, describe
from pulumi_runpod.emulator.job_plane.job_rates import JobRates
from pulumi_runpod.emulator.job_plane.scheduler import Scheduler
from pulumi_runpod.emulator.job_plane.webhooks import url_mistake
from pulumi_runpod.wire.job import MAX_RUN_BYTES, MAX_RUNSYNC_BYTES, WEEK_MS, JobRequest

MIN_WAIT_MS, MAX_WAIT_MS, DEFAULT_WAIT_MS = 1_000, 300_000, 90_000
STREAM_WAIT_MS = 5_000
"""How long `/stream` waits for a part when the caller names no `wait`: below the 10 s of RunPod's Python client."""
MIN_TTL_MS = 10_000

Access = Literal["read", "write"]
Handler = Callable[[Request, Fleet], Awaitable[Response]]


class JobError(Exception):
    """A refusal on a job URL."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


def routes(scheduler: Scheduler) -> list[Route]:
    api = _JobApi(scheduler)
    base, reads, writes = "/v2/{endpoint_id}", ["GET", "POST"], ["POST"]
    return [
        Route(f"{base}/run", api.door(api.run, "write"), methods=writes),
        Route(f"{base}/runsync", api.door(api.runsync, "write"), methods=writes),
        Route(f"{base}/status/{{job_id}}", api.door(api.status, "read"), methods=reads),
        Route(f"{base}/status-sync/{{job_id}}", api.door(api.status_sync, "read"), methods=reads),
        Route(f"{base}/stream/{{job_id}}", api.door(api.stream, "read"), methods=reads),
        Route(f"{base}/cancel/{{job_id}}", api.door(api.cancel, "write"), methods=writes),
        Route(f"{base}/retry/{{job_id}}", api.door(api.retry, "write"), methods=writes),
        Route(f"{base}/purge-queue", api.door(api.purge_queue, "write"), methods=writes),
        Route(f"{base}/health", api.door(api.health, "read"), methods=reads),
        Route(f"{base}/openai/{{rest:path}}", api.door(api.openai, "write"), methods=[*reads, "DELETE"]),
    ]


class _JobApi:
    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._platform, self._jobs, self._clock = scheduler.platform, scheduler.jobs, scheduler.clock
        self._rates = JobRates(scheduler.clock)

    def door(self, handler: Handler, access: Access) -> Callable[[Request], Awaitable[Response]]:
        """Key, endpoint, quota; then the handler. Refusals become answers here."""

        async def call(request: Request) -> Response:
            try:
                fleet = self._admit(request, access)
                if self._platform.switches.job_rate_limits:
                    operation = request.url.path.split("/")[3]
                    if (wait := self._rates.take(fleet.endpoint_id, operation)) is not None:
                        return _refusal(429, "rate limit exceeded", {"Retry-After": str(wait)})
                return await handler(request, fleet)
            except JobError as error:
                return _refusal(error.status, str(error))

        return call

    def _admit(self, request: Request, access: Access) -> Fleet:
        endpoint_id: str = request.path_params["endpoint_id"]
        key = self._platform.keys.of_job_header(request.headers.get("authorization"))
        if key is None:
            raise JobError(401, "missing or invalid API key")
        if not key.may_run(endpoint_id, write=access == "write"):
            raise JobError(403, "this API key has no access to the endpoint")
        fleet = self._scheduler.fleet(endpoint_id)
        if fleet is None:
            raise JobError(404, f"endpoint {endpoint_id} not found")
        if fleet.body["type"] != "QUEUE":
            base = f"{self._platform.base_url}/lb/{endpoint_id}"
            raise JobError(400, f"a LOAD_BALANCER endpoint has no queue: send requests to its base URL, {base}")
        return fleet

    async def run(self, request: Request, fleet: Fleet) -> Response:
        job = await self._accept(request, fleet, sync=False)
        return _json(json.dumps({"id": job.id, "status": job.status}))

    async def runsync(self, request: Request, fleet: Fleet) -> Response:
        wait_ms = _milliseconds(request, "wait", DEFAULT_WAIT_MS, MIN_WAIT_MS, MAX_WAIT_MS)
        job = await self._accept(request, fleet, sync=True)
        await self._until(job, wait_ms, lambda: job.is_final)
        return self._answer(job)

    async def status(self, request: Request, fleet: Fleet) -> Response:
        job = self._job(request, fleet)
        if "ttl" in request.query_params:
            ttl_ms = _milliseconds(request, "ttl", 0, MIN_TTL_MS, WEEK_MS)
            if not job.is_final:
                self._jobs.set_ttl(job, ttl_ms)
        return self._answer(job)

    async def status_sync(self, request: Request, fleet: Fleet) -> Response:
        job = self._job(request, fleet)
        wait_ms = _milliseconds(request, "wait", DEFAULT_WAIT_MS, MIN_WAIT_MS, MAX_WAIT_MS)
        await self._until(job, wait_ms, lambda: job.is_final)
        return self._answer(job)

    async def stream(self, request: Request, fleet: Fleet) -> Response:
        job = self._job(request, fleet)
        wait_ms = _milliseconds(request, "wait", STREAM_WAIT_MS, MIN_WAIT_MS, MAX_WAIT_MS)
        parts: list[str] = []

        def has_part() -> bool:
            parts.extend(self._jobs.drain_chunks(job))
            return bool(parts) or job.is_final

        await self._until(job, wait_ms, has_part)
        error = f'"error":{json.dumps(job.error)},' if job.error is not None else ""
        return _json(f'{{{error}"id":{json.dumps(job.id)},"status":"{job.status}","stream":[{",".join(parts)}]}}')

    async def cancel(self, request: Request, fleet: Fleet) -> Response:
        job = self._job(request, fleet)
        fleet.dispatch.cancel(job)
        return _json(json.dumps({"id": job.id, "status": job.status}))

    async def retry(self, request: Request, fleet: Fleet) -> Response:
        job = self._job(request, fleet)
        if job.status not in RETRYABLE:
            raise JobError(400, f"job is {job.status}: only FAILED and TIMED_OUT jobs can be retried")
        self._revive(job)
        fleet.dispatch.submit(job)
        return _json(json.dumps({"id": job.id, "status": "IN_QUEUE"}))

    async def purge_queue(self, _: Request, fleet: Fleet) -> Response:
        return _json(json.dumps({"removed": fleet.dispatch.purge(), "status": "completed"}))

    async def health(self, _: Request, fleet: Fleet) -> Response:
        tally = self._jobs.activity.tally(fleet.endpoint_id)
        statuses = [w.status for w in fleet.workers.values()]
        workers = {
            "idle": statuses.count("IDLE"),
            "initializing": statuses.count("INITIALIZING"),
            "ready": statuses.count("IDLE") + statuses.count("RUNNING"),
            "running": statuses.count("RUNNING"),
            "throttled": statuses.count("THROTTLED"),
            "unhealthy": statuses.count("UNHEALTHY"),
        }
        jobs = {
            "completed": tally.completed,
            "failed": tally.failed,
            "inProgress": fleet.dispatch.running,
            "inQueue": len(fleet.dispatch.queue),
            "retried": tally.retried,
        }
        return _json(json.dumps({"jobs": jobs, "workers": workers}))

    async def openai(self, _: Request, __: Fleet) -> Response:
        raise JobError(400, "the local RunPod has no OpenAI passthrough: send the request to /run or /runsync as input")

    async def _accept(self, request: Request, fleet: Fleet, *, sync: bool) -> Job:
        raw = await _body(request, MAX_RUNSYNC_BYTES if sync else MAX_RUN_BYTES)
        try:
            wanted = JobRequest.model_validate_json(raw)
        except ValidationError as error:
            raise JobError(400, _reason(error)) from None
        if wanted.webhook is not None and (mistake := url_mistake(wanted.webhook)) is not None:
            raise JobError(400, mistake)
        switches = self._platform.switches
        if fleet.body["workers"]["max"] == 0 and not switches.accept_without_workers:
            raise JobError(400, "the endpoint has workers.max 0")
        job = self._jobs.accept(
            fleet.endpoint_id,
            wanted,
            sync=sync,
            ttl_ms=self._ttl_ms(wanted),
            webhook_attempts=1 + len(switches.webhook_delays),
        )
        fleet.dispatch.submit(job)
        return job

    def _revive(self, job: Job) -> None:
        """A job that has ended gets all of its time again, and its webhook."""
        request = JobRequest.model_validate_json(self._jobs.request_of(job))
        with self._jobs.together():
            self._jobs.try_again(job)
            self._jobs.set_ttl(job, round((self._clock.now() - job.created_at) * 1000) + self._ttl_ms(request))
        job.obey(request.policy)
        if request.webhook is not None:
            self._jobs.webhook_tried(job, 1 + len(self._platform.switches.webhook_delays))

    def _ttl_ms(self, request: JobRequest) -> int:
        result = request.policy.ttl if request.policy is not None else None
        return result or self._platform.switches.default_ttl_ms

    def _job(self, request: Request, fleet: Fleet) -> Job:
        job = self._jobs.find(fleet.endpoint_id, request.path_params["job_id"])
        if job is None:
            raise JobError(404, "job not found: unknown, or expired")
        return job

    def _answer(self, job: Job) -> Response:
        return _json(describe(job, self._jobs.output_of(job)))

    async def _until(self, job: Job, wait_ms: int, holds: Callable[[], bool]) -> None:
        """Return once the condition holds, the wait is over, or the server goes away."""
        deadline = self._clock.now() + wait_ms / 1000
        loop = asyncio.get_running_loop()
        while not holds() and self._clock.now() < deadline and not self._scheduler.stopping:
            changed = loop.create_future()
            job.watchers.append(changed)
            timer = self._clock.call_at(deadline, lambda f=changed: f.done() or f.set_result(None))  # type: ignore[misc]
            try:
                await changed
            finally:
                timer.cancel()
                if changed in job.watchers:
                    job.watchers.remove(changed)


async def _body(request: Request, limit: int) -> bytes:
    """The raw body. Raises JobError 413."""
    header = request.headers.get("content-length", "")
    parts, size = [], int(header) if header.isdigit() and len(header) < 16 else 0
    if size <= limit:
        size = 0
        async for part in request.stream():
            size += len(part)
            if size > limit:
                break
            parts.append(part)
    if size > limit:
        raise JobError(413, f"payload is larger than {limit // 1024 // 1024} MB: pass a URL instead of the data")
    return b"".join(parts)


def _milliseconds(request: Request, name: str, default: int, least: int, most: int) -> int:
    """A query parameter, brought within its range as the service's clients expect. Raises JobError 400."""
    value = request.query_params.get(name)
    if value is None:
        return default
    if not (value.isascii() and value.isdigit() and len(value) < 16):
        raise JobError(400, f"{name}: must be a number of milliseconds")
    return min(max(int(value), least), most)


def _reason(error: ValidationError) -> str:
    """Where and what, without the payload."""
    items = [
        f"{'.'.join(str(part) for part in e['loc']) or 'body'}: {e['msg']}"
        for e in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    return "; ".join(items[:5])


def _json(text: str) -> Response:
    return Response(text.encode(), media_type="application/json")


def _refusal(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    body = json.dumps({"error": detail or HTTPStatus(status).phrase})
    return Response(body.encode(), status_code=status, headers=headers, media_type="application/json")
