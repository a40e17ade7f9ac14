"""Calls a running server's control API, for commands in another process. One call each, so no HTTP library."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from pulumi_runpod.emulator.process.background import find
from pulumi_runpod.emulator.process.server_settings import ServerError

_TIMEOUT_S = 30


class Remote:
    """The server that uses `state_dir`. Raises ServerError when there is none, or when it refuses."""

    def __init__(self, state_dir: Path, api_key: str) -> None:
        running = find(state_dir)
        if running is None:
            raise ServerError(f"no local RunPod runs with state {state_dir}: start one with `emulator start`")
        self._base = f"{running.api}/_emulator/"
        self._key = api_key

    def call(self, method: str, name: str, body: object = None) -> Any:
        """The decoded answer; None when it is empty. `name` may carry a query."""
        request = urllib.request.Request(  # noqa: S310 - our own server's address
            self._base + name,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - as above
                text = answer.read()
        except urllib.error.HTTPError as refusal:
            with refusal:
                raise ServerError(f"{method} {name}: {_detail(refusal)}") from None
        except OSError as failure:
            raise ServerError(f"{method} {name}: the local RunPod does not answer: {failure}") from failure
        return json.loads(text) if text else None


def _detail(refusal: urllib.error.HTTPError) -> str:
    try:
        detail: str = json.loads(refusal.read())["detail"]
    except (ValueError, KeyError, TypeError):
        return str(refusal)
    if refusal.code == 401:
        return f"{detail}: give the server's key with --api-key"
    return detail
