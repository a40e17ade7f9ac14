"""A worker on RunPod's real SDK, for the gate: `broken` ends before it is ready, `refuses` fails every job."""

from __future__ import annotations

import os
import sys
from typing import Any

mode = os.environ.get("MODE", "")
if mode == "broken":
    print(f"ImportError: no module named torch (token {os.environ.get('TOKEN')})", flush=True)
    sys.exit(3)

import runpod  # noqa: E402 - a broken worker need not load it


def handle(job: dict[str, Any]) -> dict[str, Any]:
    if mode == "refuses":
        raise RuntimeError("no such model")
    return {"echo": job["input"]}


runpod.serverless.start({"handler": handle})
