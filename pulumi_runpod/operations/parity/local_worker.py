"""The worker of the script for the local RunPod, with the standard library alone: RunPod's SDK is not needed for it.

As the SDK, it refuses a job without `id` or `input`, and reports nothing of it.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from typing import Any


def main() -> None:
    """Take jobs until the platform ends this process."""
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - run as a file, without us
    from handler import handler  # type: ignore[import-not-found,unused-ignore]  # the file beside this one

    key = {"Authorization": os.environ["RUNPOD_AI_API_KEY"]}
    worker = os.environ["RUNPOD_POD_ID"]

    def call(template: str, query: str, body: Any = None, job_id: str = "") -> bytes:
        url = template.replace("$RUNPOD_POD_ID", worker).replace("$ID", job_id or worker) + query
        headers = {**key, **({"X-Request-ID": job_id} if job_id else {})}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, headers=headers)  # noqa: S310 - the platform's own URL
        with urllib.request.urlopen(request, timeout=95) as answer:  # noqa: S310 - the same
            content: bytes = answer.read()
            return content

    while True:
        taken = call(os.environ["RUNPOD_WEBHOOK_GET_JOB"], "&job_in_progress=0")
        job = json.loads(taken) if taken else {}
        if "id" not in job or "input" not in job:
            continue
        result = handler(job)
        body = result if isinstance(result, dict) and "error" in result else {"output": result}
        call(os.environ["RUNPOD_WEBHOOK_POST_OUTPUT"], "&isStream=false", body, job["id"])


if __name__ == "__main__":
    main()
