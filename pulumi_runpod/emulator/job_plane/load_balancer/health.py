"""Asks a worker's `/ping` for as long as its program runs: 200 healthy, 204 initialising, anything else unhealthy.

A program's own pace is real time, so are pauses and patience here. How long a worker may stay unhealthy is the
platform's business, and its clock's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import h11

from pulumi_runpod.emulator.job_plane.load_balancer.address import Address
from pulumi_runpod.emulator.job_plane.load_balancer.upstream import Upstream, UpstreamError
from pulumi_runpod.emulator.job_plane.worker import Health

_FIRST_PAUSE_S = 0.05
_GROWTH = 1.5


async def ping(address: Address, timeout_s: float) -> tuple[Health, str]:
    """What the worker says of itself, and how it said so."""
    try:
        async with asyncio.timeout(timeout_s):
            status = await _status(address)
    except TimeoutError:
        return "unhealthy", f"no answer within {timeout_s:g} s"
    except UpstreamError as error:
        return "unhealthy", str(error)
    return "healthy" if status == 200 else "initializing" if status == 204 else "unhealthy", f"status {status}"


async def watch(
    address: Address,
    ended: asyncio.Future[int],
    holds: Callable[[Health, str], bool],
    *,
    interval: float,
    timeout_s: float,
) -> None:
    """Report each answer until `ended`. Pauses are short until the callback returns that the worker is ready."""
    pause = _FIRST_PAUSE_S
    while not ended.done():
        ready = holds(*await ping(address, timeout_s))
        pause = interval if ready else min(pause * _GROWTH, interval)
        await asyncio.wait({ended}, timeout=pause)


async def _status(address: Address) -> int:
    async with await Upstream.connect(address.health_port) as upstream:
        host = f"127.0.0.1:{address.health_port}".encode()
        await upstream.ask(b"GET", address.health_path.encode(), [(b"host", host), (b"user-agent", b"runpod-health")])
        await upstream.end()
        while not isinstance(answer := await upstream.receive(), h11.Response):
            pass
        return answer.status_code
