"""A worker that uses the job protocol with the standard library alone: no second between two jobs, as the SDK has.

Writes the id of each job that it was given to its own file below DELIVERIES, and answers with the time of receipt.
"""

from __future__ import annotations

import http.client
import json
import os
import time
from pathlib import Path
from urllib.parse import urlsplit


def main() -> None:
    worker_id, key = os.environ["RUNPOD_POD_ID"], os.environ["RUNPOD_AI_API_KEY"]
    take = urlsplit(os.environ["RUNPOD_WEBHOOK_GET_JOB"].replace("$ID", worker_id))
    done = urlsplit(os.environ["RUNPOD_WEBHOOK_POST_OUTPUT"].replace("$RUNPOD_POD_ID", worker_id))
    connection = http.client.HTTPConnection(take.hostname or "", take.port)
    headers = {"Authorization": key}
    with Path(os.environ["DELIVERIES"], worker_id).open("w", buffering=1) as deliveries:
        while True:
            connection.request("GET", f"{take.path}?{take.query}&job_in_progress=0", headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                continue
            got = time.time()
            job = json.loads(body)
            deliveries.write(job["id"] + "\n")
            path = done.path.replace("$ID", job["id"])
            result = json.dumps({"output": {"got": got}})
            connection.request("POST", f"{path}?{done.query}&isStream=false", result, headers)
            connection.getresponse().read()


if __name__ == "__main__":
    main()
