"""Log lines of a worker, as `GET /v2/serverless/{id}/workers/{workerId}/logs` streams them."""

from __future__ import annotations

from typing import Literal

from pulumi_runpod.wire.model import Response

LogSource = Literal["container", "system"]


class LogLine(Response):
    ts: str
    """RFC 3339, as it came."""
    source: LogSource | str
    line: str
