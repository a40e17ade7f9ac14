"""The worker of the script, on RunPod's SDK: echoes, sleeps or fails. Runs in the image, from a text."""

from __future__ import annotations

import time
from typing import Any


def handler(job: dict[str, Any]) -> Any:
    """`{"echo": x}` returns x; `{"sleep": seconds}` waits first; `{"fail": text}` is an error with that text."""
    asked = job["input"]
    time.sleep(asked.get("sleep", 0))
    if "fail" in asked:
        return {"error": asked["fail"]}
    return asked.get("echo", "done")


if __name__ == "__main__":
    import runpod  # type: ignore[import-not-found,unused-ignore]  # installed in the image alone

    runpod.serverless.start({"handler": handler})
