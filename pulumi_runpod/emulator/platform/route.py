"""One path, several methods: a method that a path does not know is answered 405 with `Allow`, as the service does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from pulumi_runpod.emulator.platform.problem import ProblemError

Handler = Callable[[Request], Awaitable[Response]]
MAX_BODY_BYTES = 32 * 1024 * 1024


class _Methods:
    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = dict(handlers)
        self._allow = ", ".join(sorted(self._handlers))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        handler = self._handlers.get(scope["method"])
        if handler is None:
            raise ProblemError(
                405, "The requested method is not allowed for this path.", headers={"Allow": self._allow}
            )
        response = await handler(Request(scope, receive))
        await response(scope, receive, send)


def methods(path: str, handlers: Mapping[str, Handler]) -> Route:
    """A route whose `handlers` are named by HTTP method, in capitals."""
    return Route(path, _Methods(handlers))


async def body_of(request: Request) -> bytes:
    """The raw body. Raises ProblemError 413 beyond 32 MiB, before it is read where the length is declared, and
    Starlette's ClientDisconnect.
    """
    header = request.headers.get("content-length", "")
    if header.isdigit() and int(header) > MAX_BODY_BYTES:
        raise _too_large()
    chunks, size = [], 0
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > MAX_BODY_BYTES:
            raise _too_large()
        if not message.get("more_body", False):
            return b"".join(chunks)


def _too_large() -> ProblemError:
    return ProblemError(413, f"request body is larger than {MAX_BODY_BYTES} bytes")


def json_response(text: str, *, status: int = 200) -> Response:
    return Response(text.encode(), status_code=status, media_type="application/json")
