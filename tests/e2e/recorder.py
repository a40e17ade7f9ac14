"""Sits between clients and a local RunPod, and keeps the bodies that the local RunPod's own log never keeps."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

_SECONDS = 60
_HOP_BY_HOP = {"connection", "content-length", "host", "transfer-encoding"}


@dataclass(frozen=True)
class Write:
    """A call that changes something."""

    method: str
    kind: str
    """First part of the path after `/v2`, such as `serverless`."""
    object_id: str
    """Out of the path, or out of the answer to a POST."""
    body: dict[str, Any]


class Recorder(ThreadingHTTPServer):
    """Use `recording`."""

    daemon_threads = True

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._lock = threading.Lock()
        self._writes: list[Write] = []
        self.upstream = httpx.Client(base_url=target, timeout=_SECONDS)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def note(self, write: Write) -> None:
        with self._lock:
            self._writes.append(write)

    def taken(self) -> list[Write]:
        """What was written since the last look."""
        with self._lock:
            taken, self._writes = self._writes, []
        return taken


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Recorder

    def _pass(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = [(name, value) for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP]
        answer = self.server.upstream.request(self.command, self.path, headers=headers, content=sent)
        if self.command != "GET":
            _, _, kind, *rest = self.path.partition("?")[0].split("/")
            object_id = rest[0] if rest else str(answer.json().get("id"))
            self.server.note(Write(self.command, kind, object_id, json.loads(sent) if sent else {}))
        self.send_response(answer.status_code)
        for name, value in answer.headers.items():
            if name.lower() not in _HOP_BY_HOP | {"content-encoding"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _pass  # noqa: N815 - the names that the server looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's word
        """Says nothing."""


@contextmanager
def recording(target: str) -> Iterator[Recorder]:
    """A recorder in front of the service at the base URL `target`."""
    with Recorder(target) as recorder:
        server = threading.Thread(target=recorder.serve_forever)
        server.start()
        try:
            yield recorder
        finally:
            recorder.shutdown()
            server.join()
            recorder.upstream.close()
