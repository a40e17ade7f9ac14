"""A worker of twenty lines that starts at once: takes jobs as RunPod's SDK does and answers what the input asks for.

`{"echo": x}` gives x; `{"fail": text}` an error; `{"parts": [...]}` yields each; `{"sleep": s}` takes its time first.
The SDK itself is used where it is the subject; here the client is.
"""

from __future__ import annotations

import json
import os
import time
import urllib.request
from typing import Any

KEY = {"Authorization": os.environ["RUNPOD_AI_API_KEY"]}
WORKER = os.environ["RUNPOD_POD_ID"]


def call(template: str, query: str, body: Any = None, job_id: str = "") -> bytes:
    url = template.replace("$RUNPOD_POD_ID", WORKER).replace("$ID", job_id or WORKER) + query
    headers = {**KEY, **({"X-Request-ID": job_id} if job_id else {})}
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data=data, headers=headers), timeout=95) as answer:
        result: bytes = answer.read()
        return result


def work(job: dict[str, Any]) -> None:
    asked = job["input"]
    time.sleep(asked.get("sleep", 0))
    for part in asked.get("parts", []):
        call(os.environ["RUNPOD_WEBHOOK_POST_STREAM"], "&isStream=false", {"output": part}, job["id"])
    result = {"error": asked["fail"]} if "fail" in asked else {"output": asked.get("echo", [])}
    call(os.environ["RUNPOD_WEBHOOK_POST_OUTPUT"], f"&isStream={str('parts' in asked).lower()}", result, job["id"])


while True:
    taken = call(os.environ["RUNPOD_WEBHOOK_GET_JOB"], "&job_in_progress=0")
    if taken:
        work(json.loads(taken))
