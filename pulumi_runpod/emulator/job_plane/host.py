"""What the platform does for the workers of all endpoints: the contract between the scheduler and its fleets."""

from __future__ import annotations

from typing import Protocol

from pulumi_runpod.emulator.job_plane.coldstart import ColdStarts
from pulumi_runpod.emulator.job_plane.consumption import Consumption
from pulumi_runpod.emulator.job_plane.jobs import Jobs
from pulumi_runpod.emulator.job_plane.logs import Logs
from pulumi_runpod.emulator.job_plane.placement import Placement
from pulumi_runpod.emulator.job_plane.worker import Worker
from pulumi_runpod.emulator.job_plane.workers.runtime import RunningWorker
from pulumi_runpod.emulator.platform.clock import Clock
from pulumi_runpod.emulator.platform.faults import Faults
from pulumi_runpod.emulator.platform.switches import Switches
from pulumi_runpod.wire.model import JsonObject


class Host(Protocol):
    clock: Clock
    jobs: Jobs
    logs: Logs
    cold_starts: ColdStarts
    consumption: Consumption

    @property
    def switches(self) -> Switches: ...

    @property
    def faults(self) -> Faults: ...

    def find_place(self, body: JsonObject) -> Placement | None:
        """Room for one more worker, within the account's quota; None: throttled."""

    def refusal(self, image: str) -> str | None:
        """Why workers of this image cannot run here."""

    def is_real(self, image: str) -> bool:
        """Whether workers of this image are containers: theirs is a real pull and a real start."""

    async def prepare(self, worker: Worker, body: JsonObject) -> bool:
        """Have the image of a container. Whether it had to be pulled. Raises WorkerStartError."""

    async def run(self, worker: Worker, body: JsonObject) -> RunningWorker:
        """Start the worker's program. Raises WorkerStartError."""

    def lower_maximum(self, endpoint_id: str, maximum: int, reason: str) -> None:
        """The platform changes the endpoint's `workers.max`."""

    def request_ended(self, endpoint_id: str, began: float, *, well: bool) -> None:
        """A load balancer's request is over. `began`: when it came, seconds since the epoch."""

    def gone(self, worker: Worker) -> None:
        """Nothing of the worker is left, and its room is free."""
