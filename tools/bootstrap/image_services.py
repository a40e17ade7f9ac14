"""Builder and registry of this machine: started once, used by every clone of a user, stopped on request.

With root, the builder is our BuildKit; without, one that the user's Docker runs. Docker's buildx knows it as `NAME`, so
that Pulumi's plugin, and `docker buildx`, find it. The registry listens on loopback alone.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bootstrap import docker_engine
from bootstrap.cache import locked
from bootstrap.commands import run
from bootstrap.console import Console
from bootstrap.daemon import Daemon
from bootstrap.errors import SetupError
from bootstrap.image_toolchain import ImageTools
from bootstrap.places import Places

NAME = "pulumi-runpod"
"""Of the builder, for buildx."""
PORTS = range(8790, 8800)
KEPT_BY_BUILDER = "2GB"
"""What the builder may keep between builds: the large layers are in the registry, and are not needed twice."""


@dataclass(frozen=True)
class ImageServices:
    """Where everything of one user lies and runs."""

    directory: Path

    @property
    def socket(self) -> Path:
        return self.directory / "run" / "buildkitd.sock"

    @property
    def builder(self) -> Daemon:
        return Daemon("buildkitd", self.directory / "run")

    @property
    def store(self) -> Daemon:
        return Daemon("registry", self.directory / "run")

    @property
    def _daemons(self) -> tuple[Daemon, ...]:
        return self.builder, self.store, docker_engine.daemon(self.directory)

    def running(self) -> set[str]:
        """Names of what runs of ours."""
        return {daemon.name for daemon in self._daemons if daemon.pid() is not None}

    def registry(self) -> str:
        """`127.0.0.1:PORT`. Kept from start to start, since it is part of every image's name."""
        return f"127.0.0.1:{self._described()['port']}"

    def generation(self) -> str:
        """Changes when the registry is emptied: what was pushed before is no more."""
        return str(self._described()["generation"])

    def _described(self) -> dict[str, object]:
        file = self.directory / "registry.json"
        try:
            return dict(json.loads(file.read_text()))
        except FileNotFoundError:
            described = {"port": _free_port(), "generation": secrets.token_hex(4)}
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(described))
            return described

    def start(self, tools: ImageTools) -> None:
        """What does not run yet. Raises SetupError."""
        (self.directory / "run").mkdir(parents=True, exist_ok=True)
        if self.store.pid() is None:
            self._start_registry(tools)
        self.start_builder(tools)

    def start_builder(self, tools: ImageTools) -> None:
        """Also tells buildx of it. Raises SetupError."""
        if tools.buildkitd is None or tools.runc is None:
            _register("docker-container", "", {"network": "host"})
            return
        if len(str(self.socket)) > 100:
            raise SetupError(f"{self.socket} is too long for a socket: set XDG_CACHE_HOME to a shorter path.")
        if self.builder.pid() is None:
            config = self.directory / "run" / "buildkitd.toml"
            config.parent.mkdir(parents=True, exist_ok=True)
            config.write_text(_buildkit_config(self.directory / "buildkit", self.socket))
            self.builder.start(
                [tools.buildkitd, "--config", config, "--oci-worker-binary", tools.runc],
                ready=lambda: _answers(socket.AF_UNIX, str(self.socket)),
            )
        _register("remote", f"unix://{self.socket}", {})

    def _start_registry(self, tools: ImageTools) -> None:
        host, _, port = self.registry().partition(":")
        config = self.directory / "run" / "registry.yml"
        # JSON is YAML, and needs no quoting of ours.
        config.write_text(
            json.dumps(
                {
                    "version": 0.1,
                    "log": {"level": "warn"},
                    "storage": {"filesystem": {"rootdirectory": str(self.directory / "registry")}},
                    "http": {"addr": self.registry()},
                }
            )
        )
        self.store.start(
            [tools.registry, "serve", config],
            ready=lambda: _answers(socket.AF_INET, (host, int(port))),
            environ=os.environ | {"OTEL_TRACES_EXPORTER": "none"},
        )

    def prune(self, tools: ImageTools) -> None:
        """Empty the builder's cache: after a push, what it holds is in the registry. Raises SetupError."""
        if tools.buildctl is not None and self.builder.pid() is not None:
            run(
                [tools.buildctl, "--addr", f"unix://{self.socket}", "prune", "--all"],
                purpose="empty the builder's cache",
                advice=f"Look at {self.builder.log}.",
            )

    def stop(self, names: Collection[str] = ()) -> list[str]:
        """Names of what ran, of all or of those. Raises SetupError when one does not end."""
        return [daemon.name for daemon in self._daemons if (not names or daemon.name in names) and daemon.stop()]

    def clean(self) -> None:
        """Stop everything and delete every image, those that a Docker engine of the user's has of us as well.

        Raises SetupError.
        """
        if (self.directory / "registry.json").exists():
            docker_engine.forget(docker_engine.images(f"{self.registry()}/*"))
        self.stop()
        docker_engine.unmount(self.directory)
        _instance().unlink(missing_ok=True)
        shutil.rmtree(self.directory, ignore_errors=True)
        if self.directory.exists():
            raise SetupError(f"{self.directory} cannot be deleted as a whole: look at what is left there.")


def services(places: Places) -> ImageServices:
    return ImageServices(places.cache / "images")


@contextmanager
def exclusively(places: Places, *, console: Console) -> Iterator[ImageServices]:
    """Clones share the services: one starts, stops or cleans at a time."""
    with locked(places.cache, "images", console=console):
        yield services(places)


def _buildkit_config(root: Path, address: Path) -> str:
    return f"""\
root = "{root}"
[grpc]
  address = ["unix://{address}"]
[worker.containerd]
  enabled = false
[worker.oci]
  enabled = true
  networkMode = "host"
  gc = true
  [[worker.oci.gcpolicy]]
    all = true
    maxUsedSpace = "{KEPT_BY_BUILDER}"
"""


def _register(driver: str, endpoint: str, options: dict[str, str]) -> None:
    """As `docker buildx create` does, which not every Docker has."""
    node = {"Name": f"{NAME}0", "Endpoint": endpoint, "Platforms": None, "DriverOpts": options, "Flags": None}
    result = json.dumps({"Name": NAME, "Driver": driver, "Nodes": [{**node, "Files": None}], "Dynamic": False})
    file = _instance()
    if not file.exists() or file.read_text() != result:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(result)


def _instance() -> Path:
    docker = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    return Path(os.environ.get("BUILDX_CONFIG") or docker / "buildx") / "instances" / NAME


def _free_port() -> int:
    for port in PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise SetupError(f"no port from {PORTS.start} to {PORTS.stop - 1} is free for the registry.")


def _answers(family: int, address: str | tuple[str, int]) -> bool:
    with socket.socket(family) as probe:
        probe.settimeout(1)
        return probe.connect_ex(address) == 0
