"""An account on a local RunPod that runs containers: what its owner asks of it, over HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from tests.waiting import eventually

Json = dict[str, Any]


_ON_ITS_WAY = ("IN_QUEUE", "IN_PROGRESS")
PATIENCE_S = 60.0
"""For an engine that pulls and starts a container on a busy machine."""


class ContainerAccount:
    def __init__(self, api: str, api_key: str) -> None:
        self.http = httpx.Client(base_url=api, headers={"Authorization": f"Bearer {api_key}"}, timeout=120)

    def close(self) -> None:
        self.http.close()

    def made(self, collection: str, body: Mapping[str, object]) -> Json:
        answer = self.http.post(f"/v2/{collection}", json=body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def endpoint(self, image: str | None, **changes: object) -> Json:
        """With one worker from the start. A field set to None is left out."""
        body = {
            "name": "echo", "type": "QUEUE", "image": image, "gpu": {"pools": ["ADA_24"]}, "timeout": 60_000,
            "scaling": {"type": "QUEUE_DELAY", "queueDelay": 4}, "workers": {"min": 1, "max": 1, "idleTimeout": 60},
            **changes,
        }  # fmt: skip
        return self.made("serverless", {name: value for name, value in body.items() if value is not None})

    def volume(self) -> Json:
        return self.made("network-volumes", {"name": "weights", "size": 20, "dataCenter": "EU-RO-1"})

    def run(self, endpoint: Json, **result: object) -> Json:
        """The output of a job that must succeed."""
        answer = self.http.post(endpoint["requestUrls"]["runSync"], json={"input": result}).json()
        assert answer["status"] == "COMPLETED", answer
        return dict(answer["output"])

    def submit(self, endpoint: Json, *, policy: Mapping[str, int] | None = None, **result: object) -> str:
        body = {"input": result, **({"policy": policy} if policy else {})}
        return str(self.http.post(endpoint["requestUrls"]["run"], json=body).json()["id"])

    def job(self, endpoint: Json, job_id: str) -> Json:
        return dict(self.http.get(endpoint["requestUrls"]["status"].replace("{job_id}", job_id)).json())

    def ended(self, endpoint: Json, job_id: str) -> Json:
        """The job, once it is final."""
        return eventually(
            lambda: result if (result := self.job(endpoint, job_id))["status"] not in _ON_ITS_WAY else None, PATIENCE_S
        )

    def workers(self, endpoint: Json) -> list[Json]:
        return list(self.http.get(f"/v2/serverless/{endpoint['id']}/workers").json()["workers"])

    def worker(self, endpoint: Json, status: str) -> Json:
        """The first worker of that status, once there is one."""
        return eventually(lambda: next((w for w in self.workers(endpoint) if w["status"] == status), None), PATIENCE_S)

    def other_worker(self, endpoint: Json, than: Json) -> Json:
        """The worker that has taken the place of another, once it is idle."""
        return eventually(
            lambda: next((w for w in self.workers(endpoint) if w["id"] != than["id"] and w["status"] == "IDLE"), None),
            PATIENCE_S,
        )

    def all_idle(self, endpoint: Json, count: int) -> list[Json]:
        """All workers, once there are so many and all are idle."""

        def idle() -> list[Json] | None:
            workers = self.workers(endpoint)
            return workers if [w["status"] for w in workers] == ["IDLE"] * count else None

        return eventually(idle, PATIENCE_S)

    def cold_starts(self, endpoint: Json) -> list[Json]:
        return list(self.http.get(f"/_emulator/endpoints/{endpoint['id']}/cold-starts").json()["coldStarts"])

    def log_line(self, endpoint: Json, worker: Json, wanted: Callable[[Json], bool]) -> Json:
        """The first line that is wanted, from the stream that the API has for it."""
        url = f"/v2/serverless/{endpoint['id']}/workers/{worker['id']}/logs"
        deadline = time.monotonic() + 60
        with self.http.stream("GET", url, params={"tail": 5000}, timeout=60) as answer:
            for text in answer.iter_lines():
                assert time.monotonic() < deadline, "the log went on without it"
                if text.startswith("data: ") and wanted(line := json.loads(text[6:])):
                    return dict(line)
        raise AssertionError("the log ended without it")

    def log(self, endpoint: Json, worker: Json) -> list[Json]:
        """All lines up to the one that says that the worker is ready."""
        lines: list[Json] = []
        self.log_line(endpoint, worker, lambda line: bool(lines.append(line)) or "worker is ready" in line["line"])
        return lines

    def delete(self, endpoint: Json) -> None:
        assert self.http.delete(f"/v2/serverless/{endpoint['id']}").status_code == 204
