"""The local RunPod as one object: what its rooms share. It holds things and wires nothing: `app.py` does that."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pulumi_runpod.emulator.platform.clock import Clock
from pulumi_runpod.emulator.platform.faults import Faults
from pulumi_runpod.emulator.platform.keys import Keys
from pulumi_runpod.emulator.platform.rate_limit import RateLimit
from pulumi_runpod.emulator.platform.request_log import RequestLog
from pulumi_runpod.emulator.platform.stock import Stock
from pulumi_runpod.emulator.platform.store import Store
from pulumi_runpod.emulator.platform.switches import Switches
from pulumi_runpod.emulator.platform.worker_command import WorkerCommand
from pulumi_runpod.wire.catalog import Catalog
from pulumi_runpod.wire.model import JsonObject


class SchedulerLike(Protocol):
    """What the control plane reports to the scheduler. Called right after the store write, same request.

    A body is the API's JSON of the endpoint, as stored: without `requestUrls`.
    """

    async def start(self) -> None:
        """The server is up: `Platform.base_url` is known."""

    async def stop(self) -> None:
        """End every worker, then return."""

    def endpoint_created(self, endpoint_id: str, body: JsonObject) -> None: ...

    def endpoint_updated(self, endpoint_id: str, old_body: JsonObject, new_body: JsonObject) -> None: ...

    def endpoint_deleted(self, endpoint_id: str) -> None:
        """The endpoint is gone from the store: cancel its jobs, end its workers, drop its releases."""

    def reset(self) -> None:
        """The store was cleared: end every worker and forget every job."""

    def conditions_changed(self) -> None:
        """Faults, stock or switches are not what they were: look again at once."""

    def uncontained(self) -> str | None:
        """Why no worker runs as a container, as half a sentence; None when they can."""

    def accrue(self) -> None:
        """Bring what running workers consumed up to now, for a bill."""


class NoScheduler:
    """No worker is ever started: for tests of the control plane alone."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def endpoint_created(self, endpoint_id: str, body: JsonObject) -> None: ...

    def endpoint_updated(self, endpoint_id: str, old_body: JsonObject, new_body: JsonObject) -> None: ...

    def endpoint_deleted(self, endpoint_id: str) -> None: ...

    def reset(self) -> None: ...

    def conditions_changed(self) -> None: ...

    def uncontained(self) -> str | None:
        return "no worker is ever started"

    def accrue(self) -> None: ...


@dataclass
class Platform:
    """Objects are stored under `Collection.kind` (`ENDPOINTS.kind`, `NETWORK_VOLUMES.kind`, ...)."""

    store: Store
    clock: Clock
    catalog: Catalog
    keys: Keys
    rate_limit: RateLimit
    request_log: RequestLog
    state_dir: Path
    """Everything on disk: the store's file, `volumes/<volume id>/`, logs."""
    switches: Switches = field(default_factory=Switches)
    faults: Faults = field(default_factory=Faults)
    stock: Stock = field(default_factory=Stock)
    worker_commands: tuple[WorkerCommand, ...] = ()
    worker_env: Mapping[str, str] = field(default_factory=dict)
    containers: bool = False
    scheduler: SchedulerLike = field(default_factory=NoScheduler)
    base_url: str = ""
    """`http://127.0.0.1:PORT`, without `/v2`; known once the socket is bound. Request URLs derive from it."""

    def volume_dir(self, volume_id: str) -> Path:
        """Where the files of a network volume lie. Made when first asked for, since most volumes of tests never are;
        removed with the volume."""
        folder = self.state_dir / "volumes" / volume_id
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def uploads_dir(self, volume_id: str) -> Path:
        """Where unfinished uploads to a network volume lie, out of its workers' reach."""
        return self.state_dir / "uploads" / volume_id

    def remove_volume(self, volume_id: str) -> None:
        """Remove the files of a volume."""
        for folder in ("volumes", "uploads"):
            shutil.rmtree(self.state_dir / folder / volume_id, ignore_errors=True)

    def clear_volumes(self) -> None:
        """Remove the files of every volume."""
        for folder in ("volumes", "uploads"):
            for found in (self.state_dir / folder).glob("*"):
                shutil.rmtree(found, ignore_errors=True)
