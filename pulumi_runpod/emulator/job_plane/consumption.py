"""What workers consumed: one row per start of a worker, which the billing routes add up.

Billed from the start of the container to its stop, by the second, rounded up (the service's pricing page). The row
grows while the worker runs, so that a kill of this process loses seconds, not hours.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from pulumi_runpod.emulator.job_plane.placement import Placement
from pulumi_runpod.emulator.platform.clock import Clock
from pulumi_runpod.emulator.platform.store import CannotWrite, Store

_SCHEMA = """
CREATE TABLE IF NOT EXISTS consumption (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    endpoint_id TEXT NOT NULL,
    worker_id TEXT NOT NULL,
    started_at REAL NOT NULL,
    accrued_until REAL NOT NULL,
    open INTEGER NOT NULL,
    gpu_type_id TEXT,
    gpu_count INTEGER NOT NULL,
    vcpu_count INTEGER NOT NULL,
    usd_per_second REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS consumption_by_start ON consumption (started_at);
"""


@dataclass
class Meter:
    """A running worker's row."""

    seq: int = 0
    """0 until the row is written."""


class Consumption:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        store.execute_script(_SCHEMA)
        # A former process died with these: they are billed up to when it last said that they ran.
        store.connection.execute("UPDATE consumption SET open = 0 WHERE open = 1")

    def begin(self, endpoint_id: str, worker_id: str, placement: Placement) -> Meter:
        now, meter = self._clock.now(), Meter()

        def write() -> None:
            inserted = self._store.connection.execute(
                "INSERT INTO consumption (endpoint_id, worker_id, started_at, accrued_until, open, gpu_type_id,"
                " gpu_count, vcpu_count, usd_per_second) VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?)",
                (
                    endpoint_id,
                    worker_id,
                    now,
                    now,
                    placement.gpu_type_id,
                    placement.gpu_count,
                    placement.vcpu_count,
                    placement.usd_per_second,
                ),
            )
            meter.seq = inserted.lastrowid or 0

        self._store.eventually(write)
        return meter

    def accrue(self) -> None:
        """Bring every running worker's row up to now. What a full disk refuses, the next call makes good."""
        with contextlib.suppress(CannotWrite):
            self._store.connection.execute(
                "UPDATE consumption SET accrued_until = ? WHERE open = 1", (self._clock.now(),)
            )

    def end(self, meter: Meter) -> None:
        now = self._clock.now()

        def write() -> None:
            self._store.connection.execute(
                "UPDATE consumption SET accrued_until = ?, open = 0 WHERE seq = ?", (now, meter.seq)
            )

        self._store.eventually(write)
