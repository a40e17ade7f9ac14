"""A server that misbehaves in ways that no well-made server can be asked to."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

Script = Callable[[socket.socket], None]


class RawServer:
    """A listening socket whose every connection is handed to the next script; the last one serves all that follow.

    For what no HTTP server does on purpose: bytes that are no answer, a close in the middle, silence.
    """

    def __init__(self, scripts: Sequence[Script]) -> None:
        self._scripts = list(scripts)
        self.connections = 0
        self.requests: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._tls: ssl.SSLContext | None = None
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def use_tls(self, context: ssl.SSLContext) -> None:
        """From the next connection on. One whose handshake fails is closed and counts for nothing."""
        self._tls = context

    def close(self) -> None:
        # shutdown wakes the accept that waits.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if self._tls is not None:
                try:
                    connection = self._tls.wrap_socket(connection, server_side=True)
                except OSError:
                    connection.close()
                    continue
            script = self._scripts[min(self.connections, len(self._scripts) - 1)]
            self.connections += 1
            with connection:
                connection.settimeout(10)
                self.requests.append(read_request(connection))
                script(connection)


def read_request(connection: socket.socket) -> bytes:
    content = b""
    while b"\r\n\r\n" not in content:
        part = connection.recv(65536)
        if not part:
            return content
        content += part
    head, _, body = content.partition(b"\r\n\r\n")
    lengths = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while lengths and len(body) < lengths[0]:
        body += connection.recv(65536)
    return content


def saying(answer: bytes) -> Script:
    """Write these bytes and close."""
    return lambda connection: connection.sendall(answer)


def http(
    status: str,
    body: str,
    *,
    content_type: str = "application/json",
    length: int | None = None,
    keeps_open: bool = False,
) -> Script:
    """A whole answer, or one that promises `length` bytes of body; one that `keeps_open` hides that a close follows."""
    result = body.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length or len(result)}\r\n"
    return saying(f"{head}{'' if keeps_open else 'Connection: close'}".rstrip().encode() + b"\r\n\r\n" + result)


@contextmanager
def served(*scripts: Script) -> Iterator[RawServer]:
    server = RawServer(scripts)
    try:
        yield server
    finally:
        server.close()
