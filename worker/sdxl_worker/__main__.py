"""``python -m sdxl_worker``: joins settings, checks, engine and handler, and hands them to RunPod's own loop.

Does nothing when imported: the SDK's heartbeat process may import this module again.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sdxl_worker.settings import Settings, SettingsError

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

    from sdxl_worker.settings import SettingsError, read_settings

    try:
        settings = read_settings()
    except SettingsError as error:
        return _refuse(error)
    return _serve(settings)


def _refuse(reason: SettingsError) -> int:
    print(f"error: {reason}", file=sys.stderr)
    if _sdk_runs_checks():
        import runpod

        def settings_valid() -> None:
            raise reason

        # The one way to tell the platform why: the SDK reports a failed check, and ends the process.
        runpod.serverless.register_fitness_check(settings_valid)
        runpod.serverless.start({"handler": settings_valid})
    return 2


def _serve(settings: Settings) -> int:
    import runpod

    from sdxl_worker.engine import Engine
    from sdxl_worker.handler import Handler
    from sdxl_worker.startup import Startup

    log = runpod.RunPodLogger()
    config: dict[str, Any] = {}
    engine = Engine(settings)
    handler = Handler(
        settings=settings,
        engine=engine,
        send_progress=runpod.serverless.progress_update,
        recycle=lambda: config.update(refresh_worker=True),
        log=log,
    )
    config["handler"] = handler.handle
    startup = Startup(settings, engine, log)
    startup.read_ahead()
    for check in startup.checks:
        if _sdk_runs_checks():
            runpod.serverless.register_fitness_check(check)
            continue
        try:
            check()
        except RuntimeError as error:
            print(f"error: {check.__name__}: {error}", file=sys.stderr)
            return 1
    runpod.serverless.start(config)
    return 0


def _sdk_runs_checks() -> bool:
    """The SDK's local modes run no fitness checks."""
    local = any(argument.startswith(("--test_input", "--rp_serve_api")) for argument in sys.argv[1:])
    return "RUNPOD_WEBHOOK_GET_JOB" in os.environ and "RUNPOD_REALTIME_PORT" not in os.environ and not local


if __name__ == "__main__":
    sys.exit(main())
