"""What the job API is asked and what its answers mean, without I/O: shared by the sync and the asyncio client.

An operation is a generator. It yields what it wants done (`Call`: answer it; `Pause`: sleep) and receives the answer;
it returns its result. URLs come from the endpoint's `requestUrls` and are never built.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote

import httpx
from pydantic import ValidationError

from pulumi_runpod.client import answer
from pulumi_runpod.errors import (
    AmbiguousCreate,
    Failure,
    InvalidInput,
    JobCancelled,
    JobFailed,
    JobGone,
    JobNotFinished,
    JobTimedOut,
    RunPodError,
    ServerError,
)
from pulumi_runpod.wire.endpoint import RequestUrls
from pulumi_runpod.wire.job import (
    FINAL,
    MAX_RUN_BYTES,
    MAX_RUNSYNC_BYTES,
    Health,
    Job,
    JobRequest,
    JobStream,
    PurgedQueue,
)

LONGEST_SYNC_WAIT = 90.0
"""Seconds that `runsync` may be asked to wait: proxies in front of the service cut a request at about 100."""
_SHORTEST_SYNC_WAIT = 1.0
_FIRST_POLL, _SLOWEST_POLL, _POLL_GROWTH = 0.1, 2.0, 1.3
_SUBMIT_ADVICE = "It may be running, and billed: look at the endpoint's queue before you submit it again"

T = TypeVar("T")


@dataclass(frozen=True)
class Call:
    """A request to make. `patience`: seconds to wait for the answer beyond the client's own timeout."""

    method: str
    url: str
    body: bytes | None = None
    params: dict[str, str] = field(default_factory=dict)
    repeatable: bool = True
    patience: float = 0.0


@dataclass(frozen=True)
class Pause:
    seconds: float


@dataclass(frozen=True)
class Chunk:
    """A piece of a job's output, while it is iterated."""

    output: Any


Outcome = httpx.Response | httpx.TransportError
Operation = Generator[Call | Pause, Outcome | None, T]
Streaming = Generator[Call | Pause | Chunk, Outcome | None, None]


class JobCalls:
    """The operations of one queue endpoint. Raises `InvalidInput` for an endpoint without a queue."""

    def __init__(self, urls: RequestUrls, *, monotonic: Callable[[], float]) -> None:
        self._urls = urls
        self._monotonic = monotonic
        if urls.run is None:
            text = "has no `run`: jobs need an endpoint of type QUEUE"
            if urls.base is not None:
                text += f". This one is a LOAD_BALANCER: send HTTP requests with the API key to {urls.base}"
            raise InvalidInput("the endpoint", [Failure("requestUrls", text)])

    def run(self, request: JobRequest) -> Operation[Job]:
        return self._submit(self._url("run"), request, limit=MAX_RUN_BYTES)

    def run_sync(self, request: JobRequest, wait: float) -> Operation[Job]:
        if not _SHORTEST_SYNC_WAIT <= wait <= LONGEST_SYNC_WAIT:
            raise InvalidInput(
                "the job",
                [Failure("wait", f"must be from {_SHORTEST_SYNC_WAIT:.0f} to {LONGEST_SYNC_WAIT:.0f} seconds")],
            )
        return self._submit(self._url("run_sync"), request, limit=MAX_RUNSYNC_BYTES, wait=wait)

    def status(self, job_id: str) -> Operation[Job]:
        return self._on_job("GET", "status", job_id)

    def cancel(self, job_id: str) -> Operation[Job]:
        return self._on_job("POST", "cancel", job_id)

    def retry(self, job_id: str) -> Operation[Job]:
        return self._on_job("POST", "retry", job_id, repeatable=False)

    def purge_queue(self) -> Operation[PurgedQueue]:
        response = self._answered(call := Call("POST", self._url("purge_queue")), (yield call))
        return answer.parsed(PurgedQueue, answer.json_object(response), response)

    def health(self) -> Operation[Health]:
        response = self._answered(call := Call("GET", self._url("health")), (yield call))
        return answer.parsed(Health, answer.json_object(response), response)

    def wait(self, job_id: str, timeout: float, on_change: Callable[[Job], None] | None = None) -> Operation[Job]:
        """Poll until the job is final: at first ten times a second, then less and less, down to every two seconds."""
        started = self._monotonic()
        pause = _FIRST_POLL
        last: str | None = None
        while True:
            job = yield from self.status(job_id)
            if on_change and job.status != last:
                on_change(job)
            last = job.status
            if job.is_final:
                return job
            waited = self._monotonic() - started
            if waited >= timeout:
                raise JobNotFinished(job_id, waited, job.status)
            yield Pause(min(pause, timeout - waited))
            pause = min(pause * _POLL_GROWTH, _SLOWEST_POLL)

    def stream(self, job_id: str, timeout: float) -> Streaming:
        """Yield chunks as the worker yields them, until the job is final and nothing is left. Raises as `completed`."""
        started = self._monotonic()
        pause = _FIRST_POLL
        while True:
            call = Call("GET", self._url("stream", job_id))
            result = self._read_stream(self._answered(call, (yield call), job_id))
            for chunk in result.stream:
                yield Chunk(chunk.output)
            status = result.status
            if not result.stream and (not status or (status in FINAL and status != "COMPLETED")):
                job = yield from self.status(job_id)
                if job.is_final:
                    completed(job)
                status = job.status
            if status in FINAL and not result.stream:
                return
            waited = self._monotonic() - started
            if waited >= timeout:
                raise JobNotFinished(job_id, waited, status or "IN_PROGRESS")
            if result.stream:
                pause = _FIRST_POLL
            else:
                yield Pause(min(pause, timeout - waited))
                pause = min(pause * _POLL_GROWTH, _SLOWEST_POLL)

    def _submit(self, url: str, request: JobRequest, *, limit: int, wait: float | None = None) -> Operation[Job]:
        body = request.model_dump_json(by_alias=True, exclude_unset=True).encode()
        if len(body) > limit:
            raise InvalidInput(
                "the job",
                [Failure("", f"has {len(body)} bytes, and the service takes {limit}: pass large data by URL")],
            )
        params = {} if wait is None else {"wait": str(int(wait * 1000))}
        call = Call("POST", url, body, params, repeatable=False, patience=wait or 0.0)
        response = self._answered(call, (yield call))
        return answer.parsed(Job, answer.json_object(response), response)

    def _on_job(self, method: str, operation: str, job_id: str, *, repeatable: bool = True) -> Operation[Job]:
        call = Call(method, self._url(operation, job_id), repeatable=repeatable)
        response = self._answered(call, (yield call), job_id)
        return answer.parsed(Job, answer.json_object(response), response)

    def _read_stream(self, response: httpx.Response) -> JobStream:
        try:
            body = response.json()
        except ValueError:
            raise answer.unexpected(response, "the body is not JSON: cut on the way?") from None
        if isinstance(body, list):  # the documentation's sample shows the bare list, which tells no status
            body = {"status": "", "stream": body}
        return answer.parsed(JobStream, body, response)

    def _answered(self, call: Call, outcome: Outcome | None, job_id: str | None = None) -> httpx.Response:
        path = httpx.URL(call.url).path
        if isinstance(outcome, httpx.TransportError):
            failure = answer.failure(
                outcome, call.method, path, url=call.url, kind="job", name=job_id, creates=not call.repeatable
            )
            raise _about_job(failure)
        assert outcome is not None
        if outcome.is_success:
            return outcome
        if outcome.status_code == 404 and job_id is not None:
            raise JobGone(job_id)
        error = answer.job_api_error(outcome)
        if isinstance(error, ServerError) and not call.repeatable:
            reason = "; ".join([str(error.status), *error.reasons])
            raise _about_job(AmbiguousCreate(call.method, path, reason, kind="job", name=job_id, status=error.status))
        raise error

    def _url(self, operation: str, job_id: str | None = None) -> str:
        url: str | None = getattr(self._urls, operation)
        if url is None:
            raise InvalidInput("the endpoint", [Failure("requestUrls", f"has no `{operation}`")])
        if job_id is None:
            return url
        if not job_id or job_id in (".", ".."):
            raise InvalidInput("the job", [Failure("id", f"{job_id!r} is no job id")])
        return url.replace("{job_id}", quote(job_id, safe=""))


def job_request(result: object) -> JobRequest:
    """A job from what a person wrote: a whole request when it has an `input` member, else the input alone.

    Raises `InvalidInput` with every mistake.
    """
    body = result if isinstance(result, dict) and "input" in result else {"input": result}
    try:
        return JobRequest.model_validate(body)
    except ValidationError as error:
        failures = [
            Failure(".".join(str(part) for part in e["loc"]), e["msg"])
            for e in error.errors(include_input=False, include_url=False, include_context=False)
        ]
    raise InvalidInput("the job", failures)


def completed(job: Job) -> Job:
    """The job, if it ended well. Raises `JobFailed`, `JobTimedOut`, `JobCancelled`, or `JobNotFinished`."""
    match job.status:
        case "COMPLETED":
            return job
        case "FAILED":
            raise JobFailed(job.id, job.error)
        case "TIMED_OUT":
            raise JobTimedOut(job.id, job.error)
        case "CANCELLED":
            raise JobCancelled(job.id)
        case _:
            raise JobNotFinished(job.id, 0.0, job.status)


def _about_job(error: RunPodError) -> NoReturn:
    if isinstance(error, AmbiguousCreate):
        raise AmbiguousCreate(
            error.method,
            error.path,
            error.reason,
            kind=error.kind,
            name=error.name,
            status=error.status,
            advice=_SUBMIT_ADVICE,
        )
    raise error
