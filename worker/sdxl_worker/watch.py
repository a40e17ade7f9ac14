"""How a running job hears that it must stop, and how it says how far it is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sdxl_worker.failure import Cancelled, Code, JobError


@dataclass(kw_only=True)
class Watch:
    """What one running job looks at after each step.

    Attributes:
        cancel: set by the platform's stop signal.
        deadline: monotonic seconds after which the job has failed; None for never.
        report: called with (step, steps) after each step.
    """

    cancel: threading.Event = field(default_factory=threading.Event)
    deadline: float | None = None
    report: Callable[[int, int], None] = lambda step, steps: None  # noqa: ARG005 the signature is the contract

    def check(self) -> None:
        """Returns while the job may go on.

        Raises:
            Cancelled: the platform stopped it.
            JobError: TIMEOUT.
        """
        if self.cancel.is_set():
            raise Cancelled
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise JobError(Code.TIMEOUT, "the job took longer than this worker's JOB_TIMEOUT_SECONDS")

    def part(self, number: int, count: int) -> Watch:
        """The same watch for run ``number`` (from 0) of ``count`` runs: progress counts over all of them."""
        if count == 1:
            return self
        return Watch(
            cancel=self.cancel,
            deadline=self.deadline,
            report=lambda step, steps: self.report(number * steps + step, count * steps),
        )
