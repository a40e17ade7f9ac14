"""A worker on RunPod's own SDK that notes the id of each job it was given in its own file below DELIVERIES."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import runpod

NOTES = Path(os.environ["DELIVERIES"], os.environ["RUNPOD_POD_ID"])


def handle(job: dict[str, Any]) -> dict[str, Any]:
    with NOTES.open("a") as notes:
        notes.write(job["id"] + "\n")
    return {"n": job["input"]["n"]}


if __name__ == "__main__":
    runpod.serverless.start({"handler": handle})
