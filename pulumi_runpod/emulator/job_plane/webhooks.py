"""Tells a job's webhook of its end: at most as many attempts as the service makes, and never once it has answered 2xx.

What is due survives a restart. A failure is nobody's business but the webhook's: the job stays as it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import secrets
import threading
import urllib.error
import urllib.request
from collections.abc import Callable

from pulumi_runpod.emulator.job_plane.job import Job, describe, splice
from pulumi_runpod.emulator.job_plane.jobs import Jobs
from pulumi_runpod.emulator.platform.clock import Clock

_TIMEOUT_S = 10.0
"""Real seconds for one attempt."""
_PARALLEL = 8
_SCHEMES = ("http://", "https://")


def url_mistake(url: str) -> str | None:
    """What is wrong with a webhook, or None."""
    return None if url.startswith(_SCHEMES) else "webhook: must be an http or https URL"


class Webhooks:
    def __init__(self, jobs: Jobs, clock: Clock) -> None:
        self._jobs, self._clock = jobs, clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(_PARALLEL)

    def owe(self, job: Job, delays: tuple[float, ...]) -> None:
        """Deliver a job that has ended, `delays` apart; `job.webhook_left` attempts are left."""
        request = self._jobs.request_of(job)
        url = json.loads(request)["webhook"]
        # The job's own members; the request brings `input` and `webhook`.
        body = splice(describe(job, self._jobs.output_of(job))[1:-1], request).encode()
        task = asyncio.get_running_loop().create_task(self._deliver(job, url, body, delays))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Leave what is due to the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _deliver(self, job: Job, url: str, body: bytes, delays: tuple[float, ...]) -> None:
        while job.webhook_left > 0:
            async with self._slots:
                delivered = await _in_thread(lambda: _post(url, body))
            self._jobs.webhook_tried(job, 0 if delivered else job.webhook_left - 1)
            if job.webhook_left > 0:
                made = len(delays) - job.webhook_left
                await self._clock.sleep(delays[made] if 0 <= made < len(delays) else 0.0)


async def _in_thread(call: Callable[[], bool]) -> bool:
    """Run a blocking call in a thread that does not keep the process from ending, as the loop's own would."""
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[bool] = loop.create_future()

    def settle(result: bool) -> None:
        if not outcome.done():
            outcome.set_result(result)

    def run() -> None:
        result = call()
        # The loop may be gone by now, with its waiters.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, result)

    threading.Thread(target=run, name="webhook", daemon=True).start()
    return await outcome


def _post(url: str, body: bytes) -> bool:
    """Whether the other side answered 2xx."""
    request = urllib.request.Request(  # noqa: S310 - the scheme was checked when the job was accepted
        url,
        data=body,
        method="POST",
        headers={
            "Content-Type": "application/json",
            "User-Agent": "Go-http-client/2.0",
            "traceparent": f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - as above
            return 200 <= int(answer.status) < 300
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError):
        return False
