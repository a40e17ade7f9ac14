"""The fixed script: every kind of object, jobs that succeed, fail, run too long or are cancelled, and health.

Whatever it makes carries a name of this run, and is deleted when it ends, however it ends.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib import resources
from typing import Any

from pulumi_runpod.client.exchange import Answer, Exchanges
from pulumi_runpod.errors import RunPodError
from pulumi_runpod.operations.parity.budget import VCPUS, VOLUME_GB, Place
from pulumi_runpod.operations.parity.recording import Normaliser, Step
from pulumi_runpod.wire.endpoint import ENDPOINTS
from pulumi_runpod.wire.network_volume import NETWORK_VOLUMES
from pulumi_runpod.wire.template import TEMPLATES

IMAGE = "python:3.12-slim"
"""Any Python: the command installs RunPod's SDK, and the handler comes in `HANDLER`."""
PREFIX = "parity-"
_COMMAND = 'pip install --quiet runpod && exec python -u -c "$HANDLER"'
_TIMEOUT_MS = 5_000
"""Execution timeout of the job that runs too long: the shortest that the API takes."""
_ACCEPTED = frozenset({"IN_QUEUE", "IN_PROGRESS"})
"""Which of them `/run` answers depends on the moment."""
_FINAL = frozenset({"COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"})
JOBS = 6
"""Jobs whose end the script waits for, one more than it sends to an end."""
_COLLECTIONS = (ENDPOINTS, TEMPLATES, NETWORK_VOLUMES)
"""In the order of deletion: an endpoint holds its volume."""


@dataclass(frozen=True)
class Pace:
    """Seconds: between two looks; until the script stops waiting; without work until all is at rest."""

    interval: float = 5.0
    patience: float = 900.0
    rest: float = 120.0


@dataclass
class ParityRun:
    """One run of the script against one account. `progress` gets the name of each step as it is made."""

    exchanges: Exchanges
    place: Place
    pace: Pace = field(default_factory=Pace)
    progress: Callable[[str], None] = lambda _: None
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    steps: list[Step] = field(default_factory=list)
    left_over: list[str] = field(default_factory=list)
    """Paths of objects that could not be deleted."""

    def __post_init__(self) -> None:
        self._mark = f"{PREFIX}{secrets.token_hex(4)}"
        self._made: list[str] = []
        self._normaliser = Normaliser({self._mark: "run", self.exchanges.settings.key: "key"})

    def run(self) -> list[Step]:
        """All steps. Raises what the client raises; what was made is deleted first, and `left_over` names the rest."""
        try:
            volume = self._create("volume", NETWORK_VOLUMES.path, {**self._named("volume"), "size": VOLUME_GB})
            template = self._template()
            endpoint = self._endpoint(template, volume)
            if endpoint:
                self._jobs(endpoint)
        finally:
            self._clean_up()
        return self.steps

    def _named(self, kind: str) -> dict[str, Any]:
        fields: dict[str, Any] = {"name": f"{self._mark}-{kind}"}
        return {**fields, "dataCenter": self.place.data_center.id} if kind == "volume" else fields

    def _send(self, name: str, method: str, url: str, body: object = None, *, key: str | None = "") -> Answer:
        self.progress(name)
        answer = self.exchanges.send(method, url, body, key=key)
        self.steps.append(self._normaliser.step(name, method, url, answer))
        return answer

    def _create(self, name: str, path: str, body: Mapping[str, Any]) -> str:
        """The id; empty when the service refused, which is a step like any other."""
        answer = self.exchanges.send("POST", path, body)
        object_id = str(answer.body.get("id", "")) if isinstance(answer.body, dict) else ""
        if object_id:
            self._made.append(f"{path}/{object_id}")
            self._normaliser.learn(object_id, f"{name} id")
        self.progress(f"{name}.create")
        self.steps.append(self._normaliser.step(f"{name}.create", "POST", path, answer))
        if object_id:
            self._send(f"{name}.get", "GET", f"{path}/{object_id}")
        self._send(f"{name}.refused", "POST", path, {"name": 7})
        return object_id

    def _template(self) -> str:
        handler = resources.files("pulumi_runpod.operations.parity").joinpath("handler.py").read_text("utf-8")
        body: dict[str, Any] = {
            **self._named("template"),
            "image": IMAGE,
            "cmd": ["bash", "-c", _COMMAND],
            "env": {"HANDLER": handler},
        }
        body["serverless"] = True
        self._normaliser.learn(handler, "handler")
        template = self._create("template", TEMPLATES.path, body)
        if template:
            self._send("template.update", "PATCH", f"{TEMPLATES.path}/{template}", {"disk": 6})
        return template

    def _endpoint(self, template: str, volume: str) -> str:
        body: dict[str, Any] = {
            **self._named("endpoint"),
            "type": "QUEUE",
            "cpu": [{"id": self.place.flavor.id, "vcpuCount": max(VCPUS, self.place.flavor.vcpu.min)}],
            "workers": {"min": 0, "max": 1, "idleTimeout": 5},
            "scaling": {"type": "QUEUE_DELAY", "queueDelay": 1},
            **({"templateId": template} if template else {}),
            **({"networkVolumes": [volume]} if volume else {}),
        }
        endpoint = self._create("endpoint", ENDPOINTS.path, body)
        if endpoint:
            self._send("endpoint.update", "PATCH", f"{ENDPOINTS.path}/{endpoint}", {"timeout": 120_000})
            self._send("endpoint.releases", "GET", f"{ENDPOINTS.path}/{endpoint}/releases")
            self._send("volume.delete while in use", "DELETE", f"{NETWORK_VOLUMES.path}/{volume}")
        return endpoint

    def _jobs(self, endpoint: str) -> None:
        urls = self.exchanges.send("GET", f"{ENDPOINTS.path}/{endpoint}").body.get("requestUrls") or {}
        if not {"run", "status", "cancel", "health", "purgeQueue"} <= urls.keys():
            raise RunPodError(
                f"GET {ENDPOINTS.path}/{endpoint} -> no request URLs in the answer: there is nowhere to send jobs"
            )

        def at(name: str, job: str) -> str:
            return str(urls[name]).replace("{job_id}", job)

        self._send("job.without a key", "POST", urls["run"], {"input": {"echo": 1}}, key=None)
        self._send("job.with a wrong key", "POST", urls["run"], {"input": {"echo": 1}}, key="wrong-key")
        elsewhere = urls["run"].replace(endpoint, "nosuchendpoint")
        self._send("job.on an unknown endpoint", "POST", elsewhere, {"input": {"echo": 1}})
        self._send("job.unknown", "GET", at("status", "no-such-job"))
        self._send("job.without input", "POST", urls["run"], {})
        self._health("health.before any job", urls["health"])
        # Long enough to be seen at work.
        cold = {"echo": "cold", "sleep": max(3.0, 3 * self.pace.interval)}
        self._job("job.cold", urls, at, {"input": cold}, health=urls["health"])
        self._job("job.warm", urls, at, {"input": {"echo": "warm"}})
        self._job("job.that fails", urls, at, {"input": {"fail": "as asked"}})
        self._job("job.with an empty input", urls, at, {"input": {}})
        too_long = {"input": {"sleep": 60}, "policy": {"executionTimeout": _TIMEOUT_MS}}
        self._job("job.beyond its execution timeout", urls, at, too_long)
        cancelled = self._submit("job.to be cancelled", urls["run"], {"input": {"sleep": 60}})
        if cancelled:
            self._send("job.cancel", "POST", at("cancel", cancelled))
            self._send("job.cancelled", "GET", at("status", cancelled))
        self._send("queue.purge", "POST", urls["purgeQueue"])
        self._workers_listed(f"{ENDPOINTS.path}/{endpoint}/workers")
        self._idle_out(urls["health"])

    def _submit(self, name: str, url: str, body: object) -> str:
        answer = self._answered(name, url, body)
        return str(answer.body.get("id", "")) if isinstance(answer.body, dict) else ""

    def _answered(self, name: str, url: str, body: object) -> Answer:
        answer = self.exchanges.send("POST", url, body)
        if isinstance(answer.body, dict):
            self._normaliser.learn(answer.body.get("id"), f"{name} id")
            if answer.body.get("status") in _ACCEPTED:
                answer = replace(answer, body={**answer.body, "status": "<accepted>"})
        self.progress(name)
        self.steps.append(self._normaliser.step(name, "POST", url, answer))
        return answer

    def _workers_listed(self, path: str) -> None:
        """The members of the list alone: which workers there are depends on the moment."""
        body = self.exchanges.send("GET", path).body
        listed = body if isinstance(body, dict) else {}
        workers = sorted({key for worker in listed.get("workers") or [] for key in worker})
        members = {"answer": sorted(listed), "worker": workers, "summary": sorted(listed.get("summary") or {})}
        self.steps.append(Step(name="workers.list", method="LOOK", path=self._normaliser.text(path), body=members))

    def _job(
        self, name: str, urls: Mapping[str, str], at: Callable[[str, str], str], body: object, *, health: str = ""
    ) -> None:
        """A job to its end; with `health`, what the endpoint reports meanwhile."""
        job = self._submit(name, urls["run"], body)
        if not job:
            return
        looks: list[Answer] = []
        until = self.monotonic() + self.pace.patience
        while True:
            answer = self.exchanges.send("GET", at("status", job))
            if health:
                looks.append(self.exchanges.send("GET", health))
            status = answer.body.get("status") if isinstance(answer.body, dict) else None
            if answer.status != 200 or status in _FINAL or self.monotonic() > until:
                break
            self.sleep(self.pace.interval)
        self.steps.append(self._normaliser.step(f"{name}: end", "GET", at("status", job), answer))
        if health:
            self.steps.append(_looked(f"{name}: health", looks))

    def _health(self, name: str, url: str) -> None:
        self._send(name, "GET", url)

    def _idle_out(self, url: str) -> None:
        """Looks until no worker has run or started for `Pace.rest` seconds."""
        looks: list[Answer] = []
        began = busy = self.monotonic()
        while self.monotonic() - busy < self.pace.rest and self.monotonic() - began < self.pace.patience:
            looks.append(self.exchanges.send("GET", url))
            if _workers(looks[-1]).get("running") or _workers(looks[-1]).get("initializing"):
                busy = self.monotonic()
            self.sleep(self.pace.interval)
        self.steps.append(_looked("idle out: health", looks))
        self.steps.append(Step(name="idle out: at rest", method="LOOK", path="", body=_workers(looks[-1])))

    def _clean_up(self) -> None:
        """By id, in reverse; then whatever carries the name of this run, such as the object of a lost answer."""
        for path in reversed(self._made):
            with suppress(RunPodError):
                answer = self.exchanges.send("DELETE", path)
                self.steps.append(
                    self._normaliser.step(f"delete {self._normaliser.text(path)}", "DELETE", path, answer)
                )
        for collection in _COLLECTIONS:
            try:
                body = self.exchanges.send("GET", collection.path).body
            except RunPodError:
                self.left_over += [path for path in self._made if path.startswith(f"{collection.path}/")]
                continue
            for item in body.get(collection.list_key, []) if isinstance(body, dict) else []:
                if str(item.get("name", "")).startswith(self._mark):
                    path = f"{collection.path}/{item['id']}"
                    with suppress(RunPodError):
                        if self.exchanges.send("DELETE", path).status in (204, 404):
                            continue
                    self.left_over.append(path)


def _workers(answer: Answer) -> dict[str, Any]:
    workers = answer.body.get("workers") if isinstance(answer.body, dict) else None
    return workers if isinstance(workers, dict) else {}


def _looked(name: str, looks: list[Answer]) -> Step:
    """What does not depend on when one looked: the states that workers were seen in, and whether `ready` is `idle`."""
    states = {key for look in looks for key, count in _workers(look).items() if count}
    same = all(_workers(look).get("ready") == _workers(look).get("idle") for look in looks)
    keys = sorted({key for look in looks for key in _workers(look)})
    body = {"states of workers": sorted(states), "ready equals idle": same, "counts": keys}
    return Step(name=name, method="LOOK", path="", status=looks[-1].status, body=body)
