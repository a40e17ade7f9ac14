"""Clients of the job API of one queue endpoint: `JobClient` for threads, `AsyncJobClient` for asyncio, one behaviour.

Both only do what `job_calls.py` asks for. A submission is never sent twice once it may have arrived.
"""

from __future__ import annotations

import asyncio
import random as random_module
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, TypeVar

import httpx

from pulumi_runpod.client.job_calls import Call, Chunk, JobCalls, Operation, Outcome, Pause, completed, job_request
from pulumi_runpod.client.retry import RetryPolicy
from pulumi_runpod.client.transport import AsyncPooledTransport, AsyncRetryTransport, PooledTransport, RetryTransport
from pulumi_runpod.client.version import USER_AGENT
from pulumi_runpod.errors import Failure, InvalidInput, SettingsError
from pulumi_runpod.settings import Settings, plain_http_mistake
from pulumi_runpod.wire.endpoint import Endpoint, RequestUrls
from pulumi_runpod.wire.job import Health, Job, JobRequest, PurgedQueue

DEFAULT_TIMEOUT = 600.0
"""Seconds to wait for a job."""

T = TypeVar("T")


def urls_of(endpoint: Endpoint) -> RequestUrls:
    """Where an endpoint takes jobs. Raises `InvalidInput` when the service has none."""
    if endpoint.request_urls is None:
        raise InvalidInput(f"endpoint {endpoint.id}", [Failure("requestUrls", "is missing in the service's answer")])
    return endpoint.request_urls


class JobClient:
    """Jobs of one endpoint: `JobClient(urls_of(endpoint), settings)`.

    An input is any JSON; a dict with an `input` member is taken as a whole request, `policy` and `webhook` included.
    Raises `JobGone` for a job that the service no longer knows, `AmbiguousCreate` when it is not known whether a
    submission arrived, and else as `RunPodClient` does.
    """

    def __init__(
        self,
        urls: RequestUrls,
        settings: Settings,
        *,
        policy: RetryPolicy | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = random_module.random,
    ) -> None:
        self._calls = JobCalls(urls, monotonic=monotonic)
        self._sleep = sleep
        self._settings = settings
        self._http = httpx.Client(
            headers=_headers(settings),
            timeout=_timeout(settings),
            transport=RetryTransport(
                transport or PooledTransport(), policy or RetryPolicy(), sleep=sleep, random=random
            ),
        )

    def run(self, job: object) -> Job:
        """Submit; the answer has the id and the state."""
        return self._do(self._calls.run(_request(job)))

    def run_sync(self, job: object, *, wait: float = 90.0) -> Job:
        """Submit and wait up to `wait` seconds (1-90) in one request. The job may not be final yet: then `wait` for it.

        The service keeps such a result for one minute only.
        """
        return self._do(self._calls.run_sync(_request(job), wait))

    def wait(
        self, job_id: str, *, timeout: float = DEFAULT_TIMEOUT, on_change: Callable[[Job], None] | None = None
    ) -> Job:
        """The job when it is final, however it ended. `on_change` gets every state that is seen.

        Raises `JobNotFinished` after `timeout` seconds.
        """
        return self._do(self._calls.wait(job_id, timeout, on_change))

    def output(self, job: object, *, timeout: float = DEFAULT_TIMEOUT) -> Any:
        """Submit, wait, and hand over the output. Raises `JobFailed`, `JobTimedOut`, `JobCancelled`,
        `JobNotFinished`.
        """
        return completed(self.wait(self.run(job).id, timeout=timeout)).output

    def status(self, job_id: str) -> Job:
        return self._do(self._calls.status(job_id))

    def stream(self, job_id: str, *, timeout: float = DEFAULT_TIMEOUT) -> Iterator[Any]:
        """What a generator handler yields, as it comes. Raises as `output` when the job does not end well."""
        operation = self._calls.stream(job_id, timeout)
        outcome: Outcome | None = None
        while True:
            try:
                step = operation.send(outcome)
            except StopIteration:
                return
            outcome = None
            if isinstance(step, Chunk):
                yield step.output
            else:
                outcome = self._step(step)

    def cancel(self, job_id: str) -> Job:
        """Stop a job that waits or runs."""
        return self._do(self._calls.cancel(job_id))

    def retry(self, job_id: str) -> Job:
        """Put a job that is FAILED or TIMED_OUT in the queue again, under the same id."""
        return self._do(self._calls.retry(job_id))

    def purge_queue(self) -> PurgedQueue:
        """Drop every job that waits; running ones go on."""
        return self._do(self._calls.purge_queue())

    def health(self) -> Health:
        """Counts of jobs and workers."""
        return self._do(self._calls.health())

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> JobClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _do(self, operation: Operation[T]) -> T:
        outcome: Outcome | None = None
        while True:
            try:
                step = operation.send(outcome)
            except StopIteration as stop:
                result: T = stop.value
                return result
            outcome = self._step(step)

    def _step(self, step: Call | Pause) -> Outcome | None:
        if isinstance(step, Pause):
            self._sleep(step.seconds)
            return None
        try:
            return self._http.send(_build(self._http, step, self._settings))
        except httpx.TransportError as error:
            return error


class AsyncJobClient:
    """`JobClient` for asyncio: same methods, awaited."""

    def __init__(
        self,
        urls: RequestUrls,
        settings: Settings,
        *,
        policy: RetryPolicy | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = random_module.random,
    ) -> None:
        self._calls = JobCalls(urls, monotonic=monotonic)
        self._sleep = sleep
        self._settings = settings
        self._http = httpx.AsyncClient(
            headers=_headers(settings),
            timeout=_timeout(settings),
            transport=AsyncRetryTransport(
                transport or AsyncPooledTransport(), policy or RetryPolicy(), sleep=sleep, random=random
            ),
        )

    async def run(self, job: object) -> Job:
        """As `JobClient.run`."""
        return await self._do(self._calls.run(_request(job)))

    async def run_sync(self, job: object, *, wait: float = 90.0) -> Job:
        """As `JobClient.run_sync`."""
        return await self._do(self._calls.run_sync(_request(job), wait))

    async def wait(self, job_id: str, *, timeout: float = DEFAULT_TIMEOUT) -> Job:
        """As `JobClient.wait`."""
        return await self._do(self._calls.wait(job_id, timeout))

    async def output(self, job: object, *, timeout: float = DEFAULT_TIMEOUT) -> Any:
        """As `JobClient.output`."""
        submitted = await self.run(job)
        return completed(await self.wait(submitted.id, timeout=timeout)).output

    async def status(self, job_id: str) -> Job:
        return await self._do(self._calls.status(job_id))

    async def stream(self, job_id: str, *, timeout: float = DEFAULT_TIMEOUT) -> AsyncIterator[Any]:
        """As `JobClient.stream`."""
        operation = self._calls.stream(job_id, timeout)
        outcome: Outcome | None = None
        while True:
            try:
                step = operation.send(outcome)
            except StopIteration:
                return
            outcome = None
            if isinstance(step, Chunk):
                yield step.output
            else:
                outcome = await self._step(step)

    async def cancel(self, job_id: str) -> Job:
        """As `JobClient.cancel`."""
        return await self._do(self._calls.cancel(job_id))

    async def retry(self, job_id: str) -> Job:
        """As `JobClient.retry`."""
        return await self._do(self._calls.retry(job_id))

    async def purge_queue(self) -> PurgedQueue:
        """As `JobClient.purge_queue`."""
        return await self._do(self._calls.purge_queue())

    async def health(self) -> Health:
        """As `JobClient.health`."""
        return await self._do(self._calls.health())

    async def aclose(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> AsyncJobClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _do(self, operation: Operation[T]) -> T:
        outcome: Outcome | None = None
        while True:
            try:
                step = operation.send(outcome)
            except StopIteration as stop:
                result: T = stop.value
                return result
            outcome = await self._step(step)

    async def _step(self, step: Call | Pause) -> Outcome | None:
        if isinstance(step, Pause):
            await self._sleep(step.seconds)
            return None
        try:
            return await self._http.send(_build(self._http, step, self._settings))
        except httpx.TransportError as error:
            return error


def _request(job: object) -> JobRequest:
    return job if isinstance(job, JobRequest) else job_request(job)


def _headers(settings: Settings) -> dict[str, str]:
    return {"Authorization": f"Bearer {settings.key}", "User-Agent": USER_AGENT, "Accept": "application/json"}


def _timeout(settings: Settings) -> httpx.Timeout:
    return httpx.Timeout(settings.timeout, connect=settings.connect_timeout, pool=None)


def _build(http: httpx.Client | httpx.AsyncClient, call: Call, settings: Settings) -> httpx.Request:
    """Raises `SettingsError` for a URL that the key must not be sent to: the service, not the user, has named it."""
    headers = {"Content-Type": "application/json"} if call.body is not None else None
    request = http.build_request(
        call.method,
        call.url,
        content=call.body,
        params=call.params or None,
        headers=headers,
        extensions={"repeatable": call.repeatable, "timeout": http.timeout.as_dict()},
    )
    if not settings.allow_plain_http and (mistake := plain_http_mistake(str(request.url))):
        raise SettingsError(f"{call.method} {request.url.path} -> not sent, by the endpoint's requestUrls: {mistake}")
    request.extensions["timeout"] = {**request.extensions["timeout"], "read": settings.timeout + call.patience}
    return request
