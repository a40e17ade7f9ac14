"""What lies in the folder of a fork server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

VIRTUALENV = "PULUMI_RUNTIME_VIRTUALENV"
"""Variable by which the shim of dynamic providers finds its Python. The engine sets it from the project file."""


@dataclass(frozen=True)
class Places:
    folder: Path

    @property
    def orders(self) -> Path:
        """Socket of the fork server itself."""
        return self.folder / "orders"

    @property
    def language_runtime(self) -> Path:
        """Socket of the language runtime, for `pulumi --client`."""
        return self.folder / "language"

    @property
    def virtualenv(self) -> Path:
        """What looks like a virtual environment, for the shim of dynamic providers."""
        return self.folder / "python"
