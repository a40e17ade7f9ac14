"""A worker on RunPod's real SDK, for the gate: `broken` ends before it is ready, `refuses` fails every job.

It notes each job that it takes in the file `JOBS_SEEN`, where that is set.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

mode = os.environ.get("MODE", "")
if mode == "broken":
    print(f"ImportError: no module named torch (token {os.environ.get('TOKEN')})", flush=True)
    sys.exit(3)

import runpod  # noqa: E402 - a broken worker need not load it


def handle(job: dict[str, Any]) -> dict[str, Any]:
    if seen := os.environ.get("JOBS_SEEN"):
        with Path(seen).open("a") as notes:
            notes.write(json.dumps({"mode": mode, "input": job["input"]}) + "\n")
    if mode == "refuses":
        raise RuntimeError("no such model")
    return {"echo": job["input"]}


runpod.serverless.start({"handler": handle})
