"""The one place that sends, waits and sends again. Nothing above it knows of retries; nothing below it of rules.

Answers are read to their end here, so that a cut body counts as a failed attempt (except for streams, which are marked
by the request extension `streaming`).
"""

from __future__ import annotations

import asyncio
import json
import random as random_module
import threading
import time
import urllib.request
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import httpx

from pulumi_runpod.client.pacing import Pacer, QuotaSpentError
from pulumi_runpod.client.ratelimit import quotas, retry_after
from pulumi_runpod.client.retry import Attempts, RetryPolicy
from pulumi_runpod.errors import RateLimited
from pulumi_runpod.settings import is_loopback
from pulumi_runpod.wire.model import Problem

NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)
"""Failures before a byte of the request was written. Every other one may have reached the service."""

_HOPELESS = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
_READ_AGAIN = frozenset({"GET", "PATCH"})
_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"})

# Servers close idle connections after 5 s or more: giving them up earlier keeps a POST from being written into one that
# is closing, whose fate nobody could tell.
_LIMITS = httpx.Limits(max_connections=64, max_keepalive_connections=32, keepalive_expiry=4.0)


def never_sent(error: httpx.TransportError) -> bool:
    """Whether the service cannot have seen the request."""
    return isinstance(error, NEVER_SENT)


def sends_of(response: httpx.Response) -> int:
    """How often the request of this answer was sent."""
    sends = response.extensions.get("sends", 1)
    return sends if isinstance(sends, int) else 1


class PooledTransport(httpx.BaseTransport):
    """A pool of connections for each host, opened as requests need it. TLS and proxy are decided by each request's URL:
    where one host is reached over http, certificates of others are still checked.
    """

    def __init__(self) -> None:
        self._pools: dict[tuple[str, str], httpx.HTTPTransport] = {}
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._pool(request.url).handle_request(request)

    def _pool(self, url: httpx.URL) -> httpx.HTTPTransport:
        with self._lock:
            pool = self._pools.get((url.scheme, url.host))
            if pool is None:
                proxy = proxy_for(str(url))
                pool = httpx.HTTPTransport(verify=_verified(url, proxy), limits=_LIMITS, proxy=proxy)
                self._pools[url.scheme, url.host] = pool
            return pool

    def close(self) -> None:
        with self._lock:
            pools = [*self._pools.values()]
            self._pools.clear()
        for pool in pools:
            pool.close()


class AsyncPooledTransport(httpx.AsyncBaseTransport):
    """`PooledTransport` for asyncio."""

    def __init__(self) -> None:
        self._pools: dict[tuple[str, str], httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        pool = self._pools.get((url.scheme, url.host))
        if pool is None:
            proxy = proxy_for(str(url))
            pool = httpx.AsyncHTTPTransport(verify=_verified(url, proxy), limits=_LIMITS, proxy=proxy)
            self._pools[url.scheme, url.host] = pool
        return await pool.handle_async_request(request)

    async def aclose(self) -> None:
        pools = [*self._pools.values()]
        self._pools.clear()
        for pool in pools:
            await pool.aclose()


def _verified(url: httpx.URL, proxy: str | None) -> bool:
    """Whether certificates are loaded, which takes time: not for http alone, where none is ever looked at."""
    return url.scheme != "http" or (proxy is not None and not proxy.startswith("http://"))


def proxy_for(url: str) -> str | None:
    """The proxy that HTTP(S)_PROXY and NO_PROXY ask for; none for this machine itself, where the local RunPod lives."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(host) or urllib.request.proxy_bypass(host):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


class RetryTransport(httpx.BaseTransport):
    """`pacer` None: no quota is shared (the job API tells none)."""

    def __init__(
        self,
        inner: httpx.BaseTransport,
        policy: RetryPolicy,
        *,
        pacer: Pacer | None = None,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = random_module.random,
    ) -> None:
        self._inner = inner
        self._policy = policy
        self._pacer = pacer
        self._sleep = sleep
        self._random = random

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        attempts = _attempts(request, self._policy, self._random)
        while True:
            try:
                response = self._send(request, attempts)
            except httpx.TransportError as error:
                wait = _wait_after(error, attempts)
                if wait is None:
                    raise
            else:
                wait = _wait_after_answer(request, response, attempts)
                self._release(response, wait)
                if wait is None:
                    return response
                response.close()
            self._sleep(wait)

    def _send(self, request: httpx.Request, attempts: Attempts) -> httpx.Response:
        if self._pacer:
            longest = min(self._policy.longest_wait, self._policy.total_wait - attempts.waited)
            try:
                attempts.waited += self._pacer.acquire(longest)
            except QuotaSpentError as spent:
                problem = Problem(
                    title="not sent", detail=f"the quota of the {spent.window} window is used up for {spent.wait:.0f} s"
                )
                raise RateLimited(request.method, request.url.path, problem, retry_after=spent.wait) from None
        try:
            response = self._inner.handle_request(request)
            if "streaming" not in request.extensions or response.is_error:
                response.read()
        except BaseException:
            if self._pacer:
                self._pacer.release(answered=False)
            raise
        return response

    def _release(self, response: httpx.Response, wait: float | None) -> None:
        if self._pacer:
            blocked = wait or 0.0 if response.status_code == 429 else 0.0
            self._pacer.release(quotas(response.headers), answered=True, blocked_for=blocked)

    def close(self) -> None:
        self._inner.close()


class AsyncRetryTransport(httpx.AsyncBaseTransport):
    """`RetryTransport` for asyncio, without a quota to share: the job API tells none."""

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        policy: RetryPolicy,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = random_module.random,
    ) -> None:
        self._inner = inner
        self._policy = policy
        self._sleep = sleep
        self._random = random

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        attempts = _attempts(request, self._policy, self._random)
        while True:
            try:
                response = await self._inner.handle_async_request(request)
                await response.aread()
            except httpx.TransportError as error:
                wait = _wait_after(error, attempts)
                if wait is None:
                    raise
            else:
                wait = _wait_after_answer(request, response, attempts)
                if wait is None:
                    return response
            await self._sleep(wait)

    async def aclose(self) -> None:
        await self._inner.aclose()


def _attempts(request: httpx.Request, policy: RetryPolicy, random: Callable[[], float]) -> Attempts:
    repeatable = bool(request.extensions.get("repeatable", request.method in _IDEMPOTENT))
    return Attempts(policy, method=request.method, repeatable=repeatable, random=random)


def _wait_after_answer(request: httpx.Request, response: httpx.Response, attempts: Attempts) -> float | None:
    """Seconds to wait before the request is sent again; None: the answer is final."""
    response.extensions["sends"] = attempts.sent + 1
    response.extensions["waited"] = attempts.waited
    wait = attempts.after_status(response.status_code, retry_after(response.headers))
    if wait is None and _is_cut(request, response):
        return attempts.after_failure(sent=True)
    return wait


def _is_cut(request: httpx.Request, response: httpx.Response) -> bool:
    """Whether an answer that promises JSON holds only a part of it: cut on the way, by something that hid it."""
    if not response.is_success or request.method not in _READ_AGAIN or "streaming" in request.extensions:
        return False
    if "json" not in response.headers.get("content-type", "") or not response.content:
        return False
    try:
        json.loads(response.content)
    except ValueError:
        return True
    except RecursionError:
        return False
    return False


def _wait_after(error: httpx.TransportError, attempts: Attempts) -> float | None:
    if isinstance(error, _HOPELESS):
        return None
    return attempts.after_failure(sent=not never_sent(error))
