"""A worker on RunPod's real SDK whose handler does what its input says: for tests of the loop around it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import runpod


def handle(job: dict[str, Any]) -> Any:
    result = job["input"]
    if result.get("raise"):
        raise RuntimeError("boom")
    if result.get("unserializable"):
        return {"x": object()}
    if result.get("refresh"):
        return {"pid": os.getpid(), "refresh_worker": True}
    if "exit" in result:
        os._exit(result["exit"])
    for step in range(result.get("progress", 0)):
        runpod.serverless.progress_update(job, {"step": step})
        time.sleep(0.3)
    time.sleep(result.get("block", 0))
    return {"echo": result, "pid": os.getpid(), "volume": os.environ.get("RUNPOD_VOLUME_PATH")}


async def handle_async(job: dict[str, Any]) -> Any:
    started = time.time()
    await asyncio.sleep(job["input"].get("sleep", 0))
    return {"echo": job["input"], "started": started, "ended": time.time(), "pid": os.getpid()}


def generate(job: dict[str, Any]) -> Iterator[Any]:
    yield from ({"part": n} for n in range(job["input"]["parts"]))


async def generate_async(job: dict[str, Any]) -> AsyncIterator[Any]:
    for n in range(job["input"]["parts"]):
        yield f"part {n}"


CONFIGS: dict[str, dict[str, Any]] = {
    "plain": {"handler": handle},
    "concurrent": {"handler": handle_async, "concurrency_modifier": lambda _: 3},
    "async": {"handler": handle_async},
    "generator": {"handler": generate},
    "aggregate": {"handler": generate_async, "return_aggregate_stream": True},
    "refresh": {"handler": handle, "refresh_worker": True},
}

if __name__ == "__main__":
    kind = sys.argv[1]
    print(json.dumps({"worker": os.getpid(), "kind": kind}), flush=True)
    runpod.serverless.start(CONFIGS[kind])
