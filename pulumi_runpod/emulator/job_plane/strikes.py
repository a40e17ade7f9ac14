"""Faults that strike a worker which has just been given work: a crash, a lack of memory, a hang."""

from __future__ import annotations

import asyncio

from pulumi_runpod.emulator.job_plane.worker import Worker
from pulumi_runpod.emulator.platform.faults import Faults

_FAULT_S = 0.2
"""Between a hand-over and the fault that strikes the worker: it has the work by then."""


def strike(faults: Faults, worker: Worker) -> None:
    """Take what is armed for the worker's endpoint, one at most."""
    running, endpoint_id = worker.running, worker.endpoint_id
    if running is None:
        return
    later = asyncio.get_running_loop().call_later
    if faults.take("worker.crash", endpoint_id) is not None:
        later(_FAULT_S, running.kill)
    elif faults.take("worker.out_of_memory", endpoint_id) is not None:
        worker.end_reason = "out of memory: killed"
        later(_FAULT_S, running.kill)
    elif faults.take("worker.hang", endpoint_id) is not None:
        later(_FAULT_S, running.pause)
