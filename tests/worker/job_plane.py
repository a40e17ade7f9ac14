"""RunPod's side of the worker protocol, for one worker: the little of it that these tests need.

It replaces the service, which is not available here; the worker and its SDK are real. It answers as
``runpod`` 1.12.0 expects, and records every request in order of arrival.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TAKE_HOLD_SECONDS = 0.2
STOP_HOLD_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request of the worker. ``kind``: take, stop, ping, progress or done."""

    kind: str
    job_id: str | None
    query: dict[str, list[str]]
    body: Any
    headers: dict[str, str]


class JobPlane:
    """Hands out jobs, sends stop signals and remembers what came back."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._changed = threading.Condition()
        self._jobs: deque[dict[str, Any]] = deque()
        self._stops: deque[str] = deque()
        self._draining = False
        plane = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                kind, _ = _kind_of(self.path)
                if kind == "take":
                    plane._record(self, kind, None)
                    self._answer(plane._next_job())
                elif kind == "stop":
                    plane._record(self, kind, None)
                    self._answer(plane._next_stop())
                else:
                    plane._record(self, kind, None)
                    self._answer({})

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"])) if "Content-Length" in self.headers else b""
                body = json.loads(raw)
                progress = isinstance(body, dict) and body.get("status") == "IN_PROGRESS"
                plane._record(self, "progress" if progress else "done", body)
                self._answer({})

            def _answer(self, body: dict[str, Any] | None) -> None:
                content = b"" if body is None else json.dumps(body).encode()
                self.send_response(204 if body is None else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def environment(self) -> dict[str, str]:
        """What RunPod sets in a worker's environment."""
        base = f"http://127.0.0.1:{self._server.server_address[1]}/v2/ep1"
        return {
            "RUNPOD_WEBHOOK_GET_JOB": f"{base}/job-take/$ID?gpu=CPU",
            "RUNPOD_WEBHOOK_POST_OUTPUT": f"{base}/job-done/$RUNPOD_POD_ID/$ID?gpu=CPU",
            "RUNPOD_WEBHOOK_POST_STREAM": f"{base}/job-stream/$RUNPOD_POD_ID/$ID?gpu=CPU",
            "RUNPOD_WEBHOOK_PING": f"{base}/ping/$RUNPOD_POD_ID?gpu=CPU",
            "RUNPOD_PING_INTERVAL": "1000",
            "RUNPOD_POD_ID": "worker-1",
            "RUNPOD_ENDPOINT_ID": "ep1",
            "RUNPOD_AI_API_KEY": "key-of-the-tests",
            "RUNPOD_SKIP_AUTO_SYSTEM_CHECKS": "true",
            "RUNPOD_SKIP_GPU_CHECK": "true",
        }

    def submit(self, job_id: str, job_input: object) -> None:
        """Queues a job."""
        with self._changed:
            self._jobs.append({"id": job_id, "input": job_input})
            self._changed.notify_all()

    def stop_job(self, job_id: str) -> None:
        """Sends the stop signal of a cancelled or timed-out job."""
        with self._changed:
            self._stops.append(job_id)
            self._changed.notify_all()

    def drain(self) -> None:
        """Answers held requests at once from now on, as the service does for a worker that it is ending."""
        with self._changed:
            self._draining = True
            self._changed.notify_all()

    def wait_for(self, wanted: Callable[[Call], bool], *, seconds: float = 60) -> Call:
        """The first recorded call that is wanted, now or within ``seconds``."""
        deadline = time.monotonic() + seconds
        seen = 0
        with self._changed:
            while True:
                for call in self.calls[seen:]:
                    if wanted(call):
                        return call
                seen = len(self.calls)
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    raise AssertionError(f"not within {seconds} s; last calls: {[c.kind for c in self.calls[-20:]]}")

    def result(self, job_id: str, *, seconds: float = 60) -> dict[str, Any]:
        """The posted result of a job."""
        body = self.wait_for(lambda call: call.kind == "done" and call.job_id == job_id, seconds=seconds).body
        assert isinstance(body, dict)
        return body

    def of(self, kind: str, job_id: str | None = None) -> list[Call]:
        """The recorded calls of a kind, of one job or of all."""
        with self._changed:
            return [call for call in self.calls if call.kind == kind and job_id in (None, call.job_id)]

    def close(self) -> None:
        """Stops the server."""
        self.drain()
        self._server.shutdown()
        self._server.server_close()

    def _record(self, request: BaseHTTPRequestHandler, kind: str, body: Any) -> None:
        call = Call(
            kind=kind,
            job_id=_kind_of(request.path)[1],
            query=parse_qs(urlsplit(request.path).query),
            body=body,
            headers={name.lower(): value for name, value in request.headers.items()},
        )
        with self._changed:
            self.calls.append(call)
            self._changed.notify_all()

    def _next_job(self) -> dict[str, Any] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._draining, TAKE_HOLD_SECONDS)
            return self._jobs.popleft() if self._jobs else None

    def _next_stop(self) -> dict[str, Any] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._stops or self._draining, STOP_HOLD_SECONDS)
            if not self._stops:
                return None
            signals = {"jobsToStop": list(self._stops)}
            self._stops.clear()
            return signals


def _kind_of(path: str) -> tuple[str, str | None]:
    parts = urlsplit(path).path.strip("/").split("/")
    kinds = {"job-take": "take", "job-take-batch": "take", "job-stop": "stop", "job-done": "done", "ping": "ping"}
    return kinds.get(parts[2], parts[2]), parts[4] if len(parts) > 4 else None
