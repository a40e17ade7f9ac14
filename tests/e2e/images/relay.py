"""A way to a registry that can be blocked in the middle of an upload: what was sent until then has arrived."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_READ_BYTES = 16 * 1024


class Relay:
    """Use `running_relay`."""

    def __init__(self, target: str) -> None:
        host, _, port = target.partition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._limit: int | None = None
        self.blocked = threading.Event()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def block_after(self, sent: int) -> None:
        """A connection that has sent so much hangs; others go on."""
        self._limit = sent

    def unblock(self) -> None:
        """For new connections. Those that hang are cut."""
        self._limit = None
        self.blocked.clear()
        self._cut()

    def serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            try:
                registry = socket.create_connection(self._target)
            except OSError:
                client.close()
                continue
            self._open += [client, registry]
            for run, source, sink in ((self._send, client, registry), (self._answer, registry, client)):
                threading.Thread(target=run, args=(source, sink), daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._cut()

    def _send(self, client: socket.socket, registry: socket.socket) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while data := client.recv(_READ_BYTES):
                passed += len(data)
                if self._limit is not None and passed > self._limit:
                    self.blocked.set()
                    return
                registry.sendall(data)
            registry.shutdown(socket.SHUT_WR)

    def _answer(self, registry: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := registry.recv(_READ_BYTES):
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)

    def _cut(self) -> None:
        while self._open:
            cut = self._open.pop()
            with contextlib.suppress(OSError):
                cut.shutdown(socket.SHUT_RDWR)
            cut.close()


@contextmanager
def running_relay(target: str) -> Iterator[Relay]:
    relay = Relay(target)
    server = threading.Thread(target=relay.serve)
    server.start()
    try:
        yield relay
    finally:
        relay.close()
        server.join()
