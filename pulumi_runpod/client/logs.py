"""Reads a worker's log stream: server-sent events of one JSON object each, from a connection that never ends by
itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator

import httpx
from pydantic import ValidationError

from pulumi_runpod.wire.log import LogLine

_LONGEST_EVENT = 1 << 20


def read_lines(chunks: Iterable[bytes], *, most: int, ended: Callable[[], bool]) -> list[LogLine]:
    """Up to `most` lines; fewer when the stream falls silent (its read timeout), is cut, or `ended` returns True.

    Events that are no log line are passed over: comments that keep the connection open, newer kinds.
    """
    lines: list[LogLine] = []
    if most == 0:
        return lines
    try:
        for data in events(chunks, ended=ended):
            try:
                lines.append(LogLine.model_validate(json.loads(data)))
            except (ValueError, ValidationError):
                continue
            if len(lines) >= most or ended():
                break
    except (httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.ReadError):
        # Silence is how a tail ends; a cut stream still gave what came before.
        pass
    return lines


def events(chunks: Iterable[bytes], *, ended: Callable[[], bool]) -> Iterator[str]:
    """The `data` of every event, across any cut into chunks. Line ends are LF, CRLF or CR."""
    buffer = b""
    data: list[str] = []
    for chunk in chunks:
        buffer += chunk
        # A CR at the end may be half of a CRLF.
        complete = buffer.replace(b"\r\n", b"\n")
        complete = complete[:-1].replace(b"\r", b"\n") + complete[-1:]
        *whole, buffer = complete.split(b"\n")
        for raw in whole:
            line = raw.decode("utf-8", "replace")
            if not line:
                if data:
                    yield "\n".join(data)
                data = []
            elif line.startswith("data:"):
                data.append(line[5:].removeprefix(" "))
        if ended() or len(buffer) > _LONGEST_EVENT:
            return
