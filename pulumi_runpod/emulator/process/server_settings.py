"""How a server is asked to run: what a command can say without loading the server itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pulumi_runpod.emulator.platform.quota import DEFAULT_QUOTA
from pulumi_runpod.emulator.platform.worker_command import WorkerCommand

if TYPE_CHECKING:
    from pulumi_runpod.emulator.platform.switches import Switches

DEFAULT_PORT = 8642
DEFAULT_STATE = Path(".local/runpod")
CREDENTIALS_FILE = "credentials.json"
"""In the state directory: the key that was made for it, and the address that it opens now."""
ADDRESS_FILE = "server.json"
"""In the state directory while a server runs: pid, addresses and arguments."""


class ServerError(Exception):
    """The server cannot be started, found or spoken to as asked; the text says why and what to do."""


@dataclass(frozen=True)
class ServerSettings:
    state_dir: Path
    host: str = "127.0.0.1"
    port: int = 0
    """0: any free one."""
    api_key: str | None = None
    """None: the random one of the state directory, refused for a public address."""
    quota: str = DEFAULT_QUOTA
    worker_commands: tuple[WorkerCommand, ...] = ()
    worker_env: Mapping[str, str] = field(default_factory=dict)
    """What this machine adds to every worker's environment, under what its endpoint sets."""
    containers: bool = False
    """Run other images as containers, where a Docker engine answers."""
    switches: Switches | None = None
    """None: their defaults."""
    frozen_at: float | None = None
    """Start with a clock that is frozen at this time, seconds since the epoch."""
