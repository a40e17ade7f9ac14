"""A worker that uses the job protocol with the standard library alone, and does what its input says: `say` a line,
`sleep` seconds, `fail` with an error, make an `image` of so many pixels; else it answers with its input."""

from __future__ import annotations

import base64
import http.client
import json
import os
import struct
import time
import zlib
from typing import Any
from urllib.parse import urlsplit


def png(side: int, seed: int) -> bytes:
    """A gradient whose colours depend on the seed."""
    red, green, blue = (60 + seed * 53 % 150, 60 + seed * 97 % 150, 60 + seed * 29 % 150)
    rows = bytearray()
    for y in range(side):
        rows.append(0)
        for x in range(side):
            rows += bytes(((red + x * 90 // side) % 256, (green + y * 90 // side) % 256, (blue + (x ^ y)) % 256))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(rows))) + chunk(b"IEND", b"")
    )


def handle(job_input: dict[str, Any]) -> dict[str, Any]:
    if "say" in job_input:
        print(job_input["say"], flush=True)
    time.sleep(job_input.get("sleep", 0))
    if "fail" in job_input:
        return {"error": job_input["fail"]}
    if "image" in job_input:
        picture = base64.b64encode(png(job_input["image"], job_input.get("seed", 1))).decode()
        return {"output": {"images": [{"image": picture, "delivery": "base64", "seed": job_input.get("seed", 1)}]}}
    return {"output": job_input}


def main() -> None:
    worker_id, key = os.environ["RUNPOD_POD_ID"], os.environ["RUNPOD_AI_API_KEY"]
    take = urlsplit(os.environ["RUNPOD_WEBHOOK_GET_JOB"].replace("$ID", worker_id))
    done = urlsplit(os.environ["RUNPOD_WEBHOOK_POST_OUTPUT"].replace("$RUNPOD_POD_ID", worker_id))
    connection = http.client.HTTPConnection(take.hostname or "", take.port)
    headers = {"Authorization": key}
    time.sleep(float(os.environ.get("LOAD_SECONDS", "0")))
    print("model loaded, waiting for jobs", flush=True)
    while True:
        connection.request("GET", f"{take.path}?{take.query}&job_in_progress=0", headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            continue
        job = json.loads(body)
        result = handle(job["input"])
        connection.request(
            "POST", f"{done.path.replace('$ID', job['id'])}?{done.query}&isStream=false", json.dumps(result), headers
        )
        connection.getresponse().read()


if __name__ == "__main__":
    main()
