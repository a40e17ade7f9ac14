"""Answers that come before the body was read. A client that waits for `100 Continue` then never sends it, so that the
server would take the next request on the connection for that body: such a connection is closed."""

from __future__ import annotations

from starlette.types import Message, Receive, Scope, Send


class WatchedBody:
    """`receive` that knows how far the body has been read."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.begun = False
        self.ended = False

    async def __call__(self) -> Message:
        self.begun = True
        message = await self._receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            self.ended = True
        return message


def has_body(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    return headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers


def closing_unread(scope: Scope, receive: Receive, send: Send) -> tuple[Receive, Send]:
    """`receive` and `send` for an application: an answer that leaves the body unread says that the connection ends."""
    if not has_body(scope):
        return receive, send
    body = WatchedBody(receive)

    async def closing(message: Message) -> None:
        if message["type"] == "http.response.start" and not body.ended:
            message["headers"] = [*message.get("headers", []), (b"connection", b"close")]
        await send(message)

    return body, closing
