"""Where things lie: in the clone, and in the cache that all clones of a user share."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Places:
    """`repository` is a clone; `cache` may be deleted at any time and is then made again."""

    repository: Path
    cache: Path

    @property
    def tools(self) -> Path:
        return self.repository / "tools"

    @property
    def venv(self) -> Path:
        return self.repository / ".venv"

    @property
    def venv_python(self) -> Path:
        return self.venv / "bin" / "python"

    @property
    def uv(self) -> Path:
        return self.venv / "bin" / "uv"

    @property
    def worker_link(self) -> Path:
        return self.repository / ".venv-worker"


def this_clone() -> Places:
    """The clone that this file is part of, and the cache under XDG_CACHE_HOME or ~/.cache."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Places(repository=Path(__file__).resolve().parents[2], cache=base / "pulumi-runpod")


def base_python() -> Path:
    """The interpreter behind this one: environments are made from it even when this one is an environment's own."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    candidate = Path(sys.base_prefix) / "bin" / name
    return candidate if candidate.exists() else Path(sys.executable)
