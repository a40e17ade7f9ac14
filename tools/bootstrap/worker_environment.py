"""`.venv-worker`: what the SDXL worker runs on, apart from the package; large, so clones share it."""

from __future__ import annotations

import sys
from pathlib import Path

from bootstrap.cache import key_of, link, obtain
from bootstrap.commands import run
from bootstrap.console import Console
from bootstrap.places import Places, base_python
from bootstrap.python_environment import NETWORK_ADVICE


def pins(places: Places) -> Path:
    """The worker's own requirements, and what its tests need, on the same pins."""
    return places.repository / "worker" / "requirements-test.lock"


def ensure(places: Places, *, console: Console) -> Path | None:
    """The environment, with `.venv-worker` linked to it; None when this clone has no worker.

    Raises SetupError when a package cannot be installed.
    """
    if not pins(places).is_file():
        console.say(f"no worker environment: {pins(places)} does not exist")
        return None
    python = base_python()
    # Compiled: importing torch and diffusers takes 5 s from bytecode and 11 s from source, at every start of a worker
    # where Python may not write bytecode itself (PYTHONDONTWRITEBYTECODE, a read-only or foreign folder).
    key = key_of({"pins": pins(places), "python": str(python.resolve()), "version": sys.version, "form": "compiled"})

    def build(directory: Path) -> None:
        with console.step("Making the worker's environment", "torch and diffusers: some GB, once for all clones"):
            run(
                [places.uv, "venv", "--quiet", "--relocatable", "--python", python, directory],
                purpose="make the worker's environment",
                advice=NETWORK_ADVICE,
            )
            run(
                [
                    *(places.uv, "pip", "sync", "--quiet", "--python", directory / "bin" / "python"),
                    *("--compile-bytecode", "--require-hashes", pins(places)),
                ],
                purpose="install what the worker runs on",
                advice=NETWORK_ADVICE,
            )

    environment = obtain(places.cache, f"worker-{key}", build=build, console=console)
    link(places.worker_link, environment)
    return environment
