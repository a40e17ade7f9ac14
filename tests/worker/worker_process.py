"""The worker as its own process, as RunPod starts it: by environment alone, in its own process group."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from job_plane import JobPlane

WORKER = Path(__file__).parents[2] / "worker"
START_SECONDS = 90


class WorkerProcess:
    """One worker with one job plane; both end with the context.

    Args:
        volume: what the worker sees as its network volume.
        home: an empty folder: the SDK reads credentials from the home directory.
        model: folder under ``<volume>/models``.
        command: what Python runs instead of ``-m sdxl_worker``.
        environment: more variables, or others.
    """

    def __init__(
        self,
        *,
        volume: Path,
        home: Path,
        model: str,
        command: Sequence[str] = ("-m", "sdxl_worker"),
        environment: dict[str, str] | None = None,
    ) -> None:
        self.plane = JobPlane()
        self.log = home / "worker.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                env={
                    "PATH": os.environ["PATH"],
                    "HOME": str(home),
                    "PYTHONPATH": f"{WORKER}:{Path(__file__).parent}",
                    "PYTHONUNBUFFERED": "1",
                    "OMP_NUM_THREADS": "1",
                    "ALLOW_CPU": "1",
                    "MIN_SIDE": "64",
                    "RUNPOD_VOLUME_PATH": str(volume),
                    "MODEL_NAME": model,
                    **self.plane.environment,
                    **(environment or {}),
                },
                stdout=log,
                stderr=subprocess.STDOUT,
                # A killed worker leaves the SDK's heartbeat process behind: the whole group is ended.
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Returns with the first request for a job."""
        try:
            self.plane.wait_for(lambda call: call.kind == "take", seconds=START_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.output}") from None

    def terminate(self) -> int:
        """SIGTERM to the worker alone, as a container's end does; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    @property
    def output(self) -> str:
        """What the worker has written so far."""
        return self.log.read_text(errors="replace")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(ProcessLookupError):  # worker and heartbeat have both ended
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.plane.close()
