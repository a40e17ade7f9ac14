"""`/console`: the page's files for everybody, and what it shows for holders of a full key. It comes before the gate, so
that faults and quotas strike clients and not the page, and looking leaves no trace in the log of calls.

| Call | Answer |
|---|---|
| GET /console, /console/{file} | the page: holds no data |
| GET /console/feed?endpoint=&worker= | server-sent events (`feed.py`) |
| GET /console/endpoints/{id}/jobs/{job} | `{"job", "request", "images"}`: long values cut, images counted |
| GET /console/endpoints/{id}/jobs/{job}/images/{n} | the n-th image of its output, from 0 |
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from pulumi_runpod.emulator.console import outputs, same_site
from pulumi_runpod.emulator.console.feed import MAX_PAGES, Feed
from pulumi_runpod.emulator.job_plane.job import Job, describe
from pulumi_runpod.emulator.job_plane.scheduler import Scheduler
from pulumi_runpod.emulator.platform.defaults import DEFAULT_KEY
from pulumi_runpod.emulator.platform.problem import ProblemError, answer_problem, problem_response
from pulumi_runpod.emulator.platform.state import Platform

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_STATIC = Path(__file__).parent / "static"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class _File:
    content: bytes
    media_type: str
    etag: str


class Console:
    """The application in front of the gate. `feed` is None where no scheduler runs."""

    def __init__(self, app: ASGIApp, platform: Platform, inside: ASGIApp, feed: Feed | None) -> None:
        self._app, self._inside, self.feed = app, inside, feed
        self._default_key = platform.keys.owner_digest == hashlib.sha256(DEFAULT_KEY.encode()).digest()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path: str = scope["path"]
            own = path.startswith(same_site.OWN_PREFIXES)
            refused = same_site.refusal(scope, own=own, default_key=self._default_key)
            if refused is not None:
                await problem_response(403, refused)(scope, receive, send)
                return
            if own and (path == "/console" or path.startswith("/console/")):
                await self._inside(scope, receive, send)
                return
        await self._app(scope, receive, send)


def with_console(app: ASGIApp, platform: Platform) -> Console:
    """`app` with the console beside it, and closed to pages of other sites."""
    scheduler = platform.scheduler
    routes = [Route("/console", _page), Route("/console/{name}", _file)]
    feed = None
    if isinstance(scheduler, Scheduler):
        feed = Feed(scheduler)
        data = _Data(platform, scheduler, feed)
        job = "/console/endpoints/{id}/jobs/{job}"
        routes = [
            Route("/console/feed", data.feed),
            Route(job, data.job),
            Route(job + "/images/{number:int}", data.image),
            *routes,
        ]
    inside = Starlette(routes=routes, exception_handlers={ProblemError: answer_problem})
    inside.router.redirect_slashes = False
    return Console(app, platform, inside, feed)


class _Data:
    def __init__(self, platform: Platform, scheduler: Scheduler, feed: Feed) -> None:
        self._keys, self._scheduler, self._feed = platform.keys, scheduler, feed
        self.feed = self._with_key(self._stream)
        self.job = self._with_key(self._job)
        self.image = self._with_key(self._image)

    def _with_key(self, handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def checked(request: Request) -> Response:
            key = self._keys.of_header(request.headers.get("authorization"))
            if key is None or key.level != "all":
                raise ProblemError(401, "the console needs a key with full access")
            return await handler(request)

        return checked

    async def _stream(self, request: Request) -> Response:
        if self._feed.pages >= MAX_PAGES:
            raise ProblemError(503, f"{MAX_PAGES} pages are open: close one")
        query = request.query_params
        return StreamingResponse(
            self._feed.stream(endpoint_id=query.get("endpoint", ""), worker_id=query.get("worker", "")),
            media_type="text/event-stream",
            headers={**HEADERS, "Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    async def _job(self, request: Request) -> Response:
        job = self._found(request)
        output, asked = self._scheduler.jobs.output_of(job), self._scheduler.jobs.request_of(job)
        # Outputs may be megabytes: none of it on the thread that hands out jobs.
        text = await asyncio.to_thread(_job_text, job, output, asked)
        return Response(text, media_type="application/json", headers={**HEADERS, "Cache-Control": "no-store"})

    async def _image(self, request: Request) -> Response:
        output = self._scheduler.jobs.output_of(self._found(request)) or "null"
        images = await asyncio.to_thread(outputs.images, output)
        number: int = request.path_params["number"]
        if number >= len(images):
            raise ProblemError(404, "the output has no such image")
        media_type, content = images[number]
        return Response(content, media_type=media_type, headers={**HEADERS, "Cache-Control": "no-store"})

    def _found(self, request: Request) -> Job:
        job = self._scheduler.jobs.find(request.path_params["id"], request.path_params["job"])
        if job is None:
            raise ProblemError(404, "job not found: its result is kept for a while only")
        return job


async def _page(_: Request) -> Response:
    return _answer(_files()["index.html"])


async def _file(request: Request) -> Response:
    found = _files().get(request.path_params["name"])
    if found is None:
        raise ProblemError(404, "the console has no such file")
    if request.headers.get("if-none-match") == found.etag:
        return Response(status_code=304, headers={**HEADERS, "ETag": found.etag})
    return _answer(found)


def _answer(found: _File) -> Response:
    headers = {**HEADERS, "Cache-Control": "no-cache", "ETag": found.etag}
    return Response(found.content, media_type=found.media_type, headers=headers)


@cache
def _files() -> dict[str, _File]:
    """The page's files by name. A name is looked up here and never on disk."""
    found = {}
    for path in sorted(_STATIC.iterdir()):
        if path.suffix in _TYPES:
            content = path.read_bytes()
            etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
            found[path.name] = _File(content, _TYPES[path.suffix], etag)
    return found


def _job_text(job: Job, output: str | None, asked: str) -> str:
    document = json.loads(describe(job, None))
    return json.dumps(
        {
            "job": {**document, "createdAt": job.created_at, "expiresAt": job.expires_at},
            "request": outputs.shortened(asked),
            "output": outputs.shortened(output) if output is not None else None,
            "images": len(outputs.images(output)) if output is not None else 0,
        }
    )
