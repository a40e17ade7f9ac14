"""RunPod's next Python SDK in its own environment, shared by clones: two SDKs cannot share one environment."""

from __future__ import annotations

import sys
from pathlib import Path

from bootstrap.cache import key_of, obtain
from bootstrap.commands import run
from bootstrap.console import Console
from bootstrap.places import Places, base_python
from bootstrap.python_environment import NETWORK_ADVICE


def ensure(places: Places, *, console: Console) -> Path:
    """The environment. Raises SetupError when a package cannot be installed."""
    pins = places.tools / "requirements-runpod-sdk2.txt"
    python = base_python()
    key = key_of({"pins": pins, "python": str(python.resolve()), "version": sys.version})

    def build(directory: Path) -> None:
        with console.step("Making the environment of RunPod's SDK 2"):
            run(
                [places.uv, "venv", "--quiet", "--relocatable", "--python", python, directory],
                purpose="make the environment of RunPod's SDK 2",
                advice=NETWORK_ADVICE,
            )
            run(
                [
                    *(places.uv, "pip", "sync", "--quiet", "--python", directory / "bin" / "python"),
                    *("--compile-bytecode", "--require-hashes", pins),
                ],
                purpose="install RunPod's SDK 2",
                advice=NETWORK_ADVICE,
            )

    return obtain(places.cache, f"runpod-sdk2-{key}", build=build, console=console)
