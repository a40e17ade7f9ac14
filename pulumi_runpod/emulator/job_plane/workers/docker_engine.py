"""The Docker engine of this machine, spoken to through `docker`, so that whatever a user has set up there holds.

Only an engine behind a local socket will do: workers use this machine's loopback and directories.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pulumi_runpod.emulator.job_plane.workers.runtime import RegistryLogin

_CONNECT_SECONDS = 1.0
COMMAND_SECONDS = 60.0
"""Patience with whatever takes an engine that is well a moment."""
_CONFIG_KEYS = ("DOCKER_CONFIG", "DOCKER_API_VERSION", "PATH", "HOME")


@dataclass(frozen=True)
class Answer:
    """What a `docker` command came to."""

    code: int
    out: str
    err: str

    @property
    def reason(self) -> str:
        """Its last words, in one line."""
        return reason_of(self.err) or f"exit status {self.code}"


def reason_of(said: str) -> str:
    """The last words of a `docker` command, in one line without its usual framing; empty when it said nothing."""
    words = [line.strip() for line in said.splitlines() if line.strip() and "docker --help" not in line]
    result = words[-1] if words else ""
    return result.removeprefix("docker: ").removeprefix("Error response from daemon: ").removesuffix(".")


class DockerEngine:
    """`address` as DOCKER_HOST has it; None: where `docker` itself would look."""

    def __init__(self, address: str | None = None) -> None:
        result = os.environ.get("DOCKER_HOST") if address is None else address
        self._sockets = [Path(result.removeprefix("unix://"))] if result else _usual_sockets()
        self._remote = result if result and not result.startswith("unix://") else None
        self.program = shutil.which("docker") or "docker"

    def refusal(self) -> str | None:
        """Why no container can run here now, as half a sentence; None when an engine listens. Costs microseconds."""
        if self._remote is not None:
            return f"DOCKER_HOST is {self._remote}, and workers need an engine on this machine"
        if shutil.which("docker") is None:
            return "there is no docker command"
        if self._listening() is None:
            return f"no Docker engine answers at {self._sockets[0]}"
        return None

    def environment(self) -> dict[str, str]:
        """For a `docker` command: nothing of ours but what it needs."""
        found = {name: os.environ[name] for name in _CONFIG_KEYS if name in os.environ}
        return found | {"DOCKER_HOST": f"unix://{self._listening() or self._sockets[0]}"}

    async def run(
        self,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        seconds: float = COMMAND_SECONDS,
    ) -> Answer:
        """Wait for the command. When the wait is cancelled, or too long, the command is ended."""
        try:
            process = await asyncio.create_subprocess_exec(
                self.program,
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=dict(environment or self.environment()),
            )
        except OSError as error:
            return Answer(127, "", f"{self.program} does not start: {error.strerror}")
        try:
            async with asyncio.timeout(seconds):
                out, err = await process.communicate()
        except TimeoutError:
            return Answer(124, "", f"the Docker engine did not do it within {seconds:g} s")
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        return Answer(process.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace"))

    async def has(self, image: str) -> bool:
        return (await self.run(["image", "inspect", "--format", "{{.Id}}", "--", image])).code == 0

    async def pull(self, image: str, login: RegistryLogin | None, *, seconds: float) -> Answer:
        """With `login` and no other credentials, or with those that `docker` has for the user."""
        command = ["pull", "--", image]
        if login is None:
            return await self.run(command, seconds=seconds)
        with _config(image, login) as directory:
            environment = {**self.environment(), "DOCKER_CONFIG": directory}
            return await self.run(command, environment=environment, seconds=seconds)

    def _listening(self) -> Path | None:
        return next((path for path in self._sockets if _listens(path)), None)


_DOCKER_HUB = "https://index.docker.io/v1/"


def registry_host(image: str) -> str:
    """Under which name `docker` keeps credentials for the registry of an image."""
    first, slash, _ = image.partition("/")
    return first if slash and (first == "localhost" or "." in first or ":" in first) else _DOCKER_HUB


@contextlib.contextmanager
def _config(image: str, login: RegistryLogin) -> Iterator[str]:
    """A directory for DOCKER_CONFIG that knows this login alone."""
    secret = base64.b64encode(f"{login.username}:{login.password}".encode()).decode()
    with tempfile.TemporaryDirectory(prefix="pulumi-runpod-login-") as directory:
        file = Path(directory) / "config.json"
        file.touch(0o600)
        file.write_text(json.dumps({"auths": {registry_host(image): {"auth": secret}}}))
        yield directory


def _usual_sockets() -> list[Path]:
    rootless = os.environ.get("XDG_RUNTIME_DIR")
    return [Path("/var/run/docker.sock"), *([Path(rootless) / "docker.sock"] if rootless else [])]


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_CONNECT_SECONDS)
        return connection.connect_ex(str(path)) == 0
