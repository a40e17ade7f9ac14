"""``python -m sdxl_worker``: joins settings, checks, engine and handler, and hands them to RunPod's own loop.

Does nothing when imported: the SDK's heartbeat process may import this module again.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

# Before any library reads them. The log level's own default is DEBUG, which writes every answer into the log.
_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "RUNPOD_LOG_LEVEL": "INFO",
    "TRANSFORMERS_VERBOSITY": "error",
    "DIFFUSERS_VERBOSITY": "error",
}
_CUDA_FLOOR = Path(__file__).parent.parent / "cuda_floor"


def main() -> int:
    """Runs until the platform stops the worker; returns the exit code."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if _CUDA_FLOOR.is_file():
        os.environ.setdefault("RUNPOD_MIN_CUDA_VERSION", _CUDA_FLOOR.read_text().strip())

    from sdxl_worker.engine import Engine
    from sdxl_worker.handler import Handler
    from sdxl_worker.startup import Startup, settings_check

    on_platform = "RUNPOD_WEBHOOK_GET_JOB" in os.environ
    settings, settings_valid = settings_check()
    if settings is None and not on_platform:
        try:
            settings_valid()
        except ValueError as error:
            print(f"error: {error}", file=sys.stderr)
        return 2
    engine = Engine(settings) if settings is not None else None

    import runpod

    log = runpod.RunPodLogger()
    config: dict[str, Any] = {}
    if settings is None or engine is None:
        runpod.serverless.register_fitness_check(settings_valid)
        config["handler"] = lambda _job: {}  # never reached: the check ends the process
        runpod.serverless.start(config)
        return 1

    startup = Startup(settings, engine, log)
    startup.read_ahead()
    handler = Handler(
        settings=settings,
        engine=engine,
        send_progress=runpod.serverless.progress_update,
        recycle=lambda: config.update(refresh_worker=True),
        log=log,
    )

    config["handler"] = handler.handle
    for check in startup.checks:
        if on_platform:
            runpod.serverless.register_fitness_check(check)
        else:  # the SDK's local modes run no checks
            try:
                check()
            except RuntimeError as error:
                print(f"error: {check.__name__}: {error}", file=sys.stderr)
                return 1
    runpod.serverless.start(config)
    return 0


if __name__ == "__main__":
    sys.exit(main())
