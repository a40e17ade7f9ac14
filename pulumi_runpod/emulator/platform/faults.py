"""Faults on demand: what a test or a person wants to go wrong, matched by route or by target, counted, with a seed.

Two families share one registry. Faults of the HTTP layer are taken by the gate for every call except `/_emulator/*`;
faults of the platform are taken by the scheduler and the worker runtimes: `faults.take("worker.crash", endpoint_id)`.
Faults are instruments, not state: a restart forgets them.
"""

from __future__ import annotations

import itertools
import random
from fnmatch import fnmatchcase
from typing import Annotated, Literal, get_args

from pydantic import Field

from pulumi_runpod.wire.model import Integer, Maybe, Request

HttpFaultKind = Literal[
    "http.status",  # answer `status` without doing the work
    "http.rate_limit",  # answer 429 with `Retry-After: retryAfter`
    "http.delay",  # wait `delay` seconds of the clock, then go on
    "http.cut_before",  # close the connection without an answer; nothing was done
    "http.cut_after",  # do the work, then close the connection without an answer
    "http.truncate",  # promise the whole body, send half of it, close
    "http.content_type",  # the right body under `text/html`
]
PlatformFaultKind = Literal[
    "worker.crash",  # the worker's process is killed once it has taken a job
    "worker.hang",  # the worker takes a job and never reports
    "worker.out_of_memory",  # killed as by the kernel's OOM killer while it runs a job (exit 137)
    "worker.image_missing",  # the image cannot be pulled: the worker becomes UNHEALTHY
    "worker.slow_pull",  # the image pull takes `factor` times as long
    "worker.wrong_cuda",  # the host's CUDA is too old: the container start fails
    "worker.start_crash",  # the process exits before its first job-take: a crash loop
    "stock_out",  # no GPU of this pool (target: pool id, or `pool@data center`) can be had
    "scale_down",  # the platform lowers workers.max at its next look, as after idle days
]
FaultKind = Literal[HttpFaultKind, PlatformFaultKind]

HTTP_KINDS: frozenset[str] = frozenset(get_args(HttpFaultKind))
PLATFORM_KINDS: frozenset[str] = frozenset(get_args(PlatformFaultKind))


class Fault(Request):
    """One fault as a person declares it, in camelCase on the control API.

    `times` None keeps it until it is cleared; `after` lets that many matches pass first. `probability` is decided by
    a generator seeded with `seed`, so a run can be repeated.
    """

    kind: FaultKind
    method: str = "*"
    """HTTP faults: method, or `*`."""
    path: str = "*"
    """HTTP faults: glob on the path, such as `/v2/serverless/*`."""
    target: str = "*"
    """Platform faults: glob on the endpoint's id (`stock_out`: on the pool, or on `pool@data center`)."""
    times: Annotated[Integer, Field(ge=1)] | None = 1
    after: Annotated[Integer, Field(ge=0)] = 0
    probability: Annotated[float, Field(gt=0, le=1)] = 1.0
    seed: Integer = 0
    status: Annotated[Integer, Field(ge=400, le=599)] = 503
    delay: Annotated[float, Field(ge=0, le=3600)] = 1.0
    """Seconds."""
    retry_after: Annotated[Integer, Field(ge=0, le=86_400)] = 1
    """Seconds."""
    factor: Annotated[float, Field(ge=1)] = 10.0
    detail: Maybe[str] = None


class _Armed:
    """A declared fault with its counts."""

    def __init__(self, fault_id: str, fault: Fault) -> None:
        self.id = fault_id
        self.fault = fault
        self.to_skip = fault.after
        self.left = fault.times
        self.taken = 0
        self._random = random.Random(fault.seed)  # noqa: S311 - repeatable, not secret

    def fires(self) -> bool:
        """Count one match, and say whether it goes wrong this time."""
        if self.left == 0:
            return False
        if self.to_skip:
            self.to_skip -= 1
            return False
        if self.fault.probability < 1 and self._random.random() >= self.fault.probability:
            return False
        if self.left is not None:
            self.left -= 1
        self.taken += 1
        return True


class Faults:
    """The registry. Used up faults stay listed with their counts until cleared."""

    def __init__(self) -> None:
        self._armed: list[_Armed] = []
        self._http: list[_Armed] = []
        self._serial = itertools.count(1)

    def add(self, fault: Fault) -> str:
        """Arm a fault and return its id."""
        armed = _Armed(f"fault-{next(self._serial)}", fault)
        self._armed.append(armed)
        if fault.kind in HTTP_KINDS:
            self._http.append(armed)
        return armed.id

    def remove(self, fault_id: str) -> bool:
        found = [a for a in self._armed if a.id == fault_id]
        self._armed = [a for a in self._armed if a.id != fault_id]
        self._http = [a for a in self._http if a.id != fault_id]
        return bool(found)

    def clear(self) -> None:
        self._armed.clear()
        self._http.clear()

    def list(self) -> list[dict[str, object]]:
        """Every fault as declared, with `id`, `taken` (how often it fired) and `left` (None: until cleared)."""
        return [
            {"id": a.id, **a.fault.model_dump(by_alias=True, exclude_none=True), "taken": a.taken, "left": a.left}
            for a in self._armed
        ]

    def take(self, kind: PlatformFaultKind, target: str) -> Fault | None:
        """The fault that strikes `target` now, counted as fired; None when nothing goes wrong.

        The first match in order of declaration wins. Ask once per event: a question is a match.
        """
        for armed in self._armed:
            if armed.fault.kind == kind and fnmatchcase(target, armed.fault.target) and armed.fires():
                return armed.fault
        return None

    def take_http(self, method: str, path: str) -> Fault | None:
        """The fault that strikes this call, counted as fired."""
        for armed in self._http:
            fault = armed.fault
            if fault.method in ("*", method) and fnmatchcase(path, fault.path) and armed.fires():
                return fault
        return None
