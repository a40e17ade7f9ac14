"""Runs the worker with a pipeline that loses its CUDA context after the warm-up: without a GPU none can really be lost.

All else is real. The heartbeat is started by forkserver, the default from Python 3.14 on: it imports this file again.
"""

from __future__ import annotations

import multiprocessing
import sys
from typing import Any

from sdxl_worker import engine


class LostGpu(engine.Engine):
    """Answers the warm-up and nothing else."""

    def _pipeline(self, *arguments: Any, **named: Any) -> Any:
        if self.warmup_seconds:
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        return super()._pipeline(*arguments, **named)


if __name__ == "__main__":
    multiprocessing.set_start_method("forkserver")
    engine.Engine = LostGpu  # type: ignore[misc]  # the worker takes its engine from there
    from sdxl_worker.__main__ import main

    sys.exit(main())
