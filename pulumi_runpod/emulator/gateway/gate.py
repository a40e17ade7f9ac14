"""The outermost layer: keys, quota, faults and the request log, for every call, before any route is looked at.

Plain ASGI, since every request passes it. Job URLs, load balancers, worker URLs and the S3 API check their own
keys; here they only meet faults and the log.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pulumi_runpod.emulator.platform.early_answer import closing_unread
from pulumi_runpod.emulator.platform.faulty_answer import cut, faulty_send
from pulumi_runpod.emulator.platform.problem import problem_response
from pulumi_runpod.emulator.platform.rate_limit import Verdict
from pulumi_runpod.emulator.platform.state import Platform

CONTROL_PLANE = frozenset(
    {
        "serverless", "templates", "network-volumes", "registries", "account", "catalog", "billing", "pods", "clusters",
        "global-volumes", "sandboxes", "tags", "openapi.json",
    }
)  # fmt: skip
"""First parts below `/v2` that belong to the control plane, served here or not."""
OPEN_PATHS = frozenset({"/_emulator/ready"})
OWN_PREFIX = "/_emulator"
S3_PREFIX = "/s3/"
BALANCER_PREFIX = "/lb/"
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_WORKER_PARTS = ("job-", "ping")


class Gate:
    def __init__(self, app: ASGIApp, platform: Platform) -> None:
        self.app = app
        self.platform = platform

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path: str = scope["path"]
        if path.startswith(OWN_PREFIX):
            await self._own(scope, receive, send, path)
            return
        if path.startswith(S3_PREFIX):
            receive, send = closing_unread(scope, receive, send)
            await self._through(scope, receive, send, (), logged=True)
            return
        if path.startswith(BALANCER_PREFIX):
            await self._through(scope, receive, send, (), logged=True)
            return
        parts = path.split("/", 4)
        if len(parts) > 3 and parts[1] == "v2" and parts[2] not in CONTROL_PLANE:
            logged = not parts[3].startswith(_WORKER_PARTS)
            await self._through(scope, receive, send, (), logged=logged)
            return
        await self._control(scope, receive, send)

    async def _own(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        """The control API of the local RunPod itself: the key, and nothing else."""
        key = self.platform.keys.of_header(_authorization(scope))
        if path in OPEN_PATHS or (key is not None and key.level == "all"):
            await self.app(scope, receive, send)
        else:
            await problem_response(401, "missing or invalid API key")(scope, receive, send)

    async def _control(self, scope: Scope, receive: Receive, send: Send) -> None:
        platform, method = self.platform, scope["method"]
        header = _authorization(scope)
        key = platform.keys.of_header(header)
        if key is None:
            detail = "missing bearer token" if header is None else "invalid bearer token"
            await self._refuse(scope, receive, send, Verdict(()), 401, detail)
            return
        verdict = platform.rate_limit.take()
        if verdict.exceeded is not None:
            detail = f"rate limit exceeded for the {verdict.exceeded} window"
            await self._refuse(scope, receive, send, verdict, 429, detail)
        elif not key.may_control(write=method in _WRITES):
            await self._refuse(scope, receive, send, verdict, 403, "access denied")
        else:
            await self._through(scope, receive, send, verdict.headers, logged=True)

    async def _refuse(
        self, scope: Scope, receive: Receive, send: Send, verdict: Verdict, status: int, detail: str
    ) -> None:
        headers = {"Retry-After": str(verdict.retry_after)} if status == 429 else None
        response = problem_response(status, detail, headers=headers)
        await response(scope, receive, self._logging(scope, send, verdict.headers))

    async def _through(
        self, scope: Scope, receive: Receive, send: Send, headers: tuple[tuple[bytes, bytes], ...], *, logged: bool
    ) -> None:
        fault = self.platform.faults.take_http(scope["method"], scope["path"])
        if logged:
            send = self._logging(scope, send, headers)
        if fault is None:
            await self.app(scope, receive, send)
            return
        if fault.kind == "http.delay":
            await self.platform.clock.sleep(fault.delay)
            await self.app(scope, receive, send)
        elif fault.kind in ("http.status", "http.rate_limit"):
            limited = fault.kind == "http.rate_limit"
            status = 429 if limited else fault.status
            detail = fault.detail or ("rate limit exceeded for the minute window" if limited else "injected fault")
            extra = {"Retry-After": str(fault.retry_after)} if limited else None
            await problem_response(status, detail, headers=extra)(scope, receive, send)
        elif fault.kind == "http.cut_before":
            self._log(scope, 0)
            await cut(receive)
        else:
            await faulty_send(fault.kind, self.app, scope, receive, send, on_cut=lambda: self._log(scope, 0))

    def _logging(self, scope: Scope, send: Send, headers: tuple[tuple[bytes, bytes], ...]) -> Send:
        """`send` that notes the status and adds the quota's headers as the answer begins."""

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._log(scope, message["status"])
                message["headers"].extend(headers)
            await send(message)

        return noting

    def _log(self, scope: Scope, status: int) -> None:
        self.platform.request_log.add(scope["method"], scope["path"], status, self.platform.clock.now())


def _authorization(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"authorization":
            text: str = value.decode("latin-1")
            return text
    return None
