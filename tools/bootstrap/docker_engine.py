"""The Docker engine that runs worker containers: the user's, or on Debian as root one of our own.

Ours leaves the network alone: no bridge, no firewall rules, since worker containers use the host's. It
listens where `docker` looks, and keeps its data with the other images of this project.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bootstrap import system_packages
from bootstrap.console import Console
from bootstrap.daemon import Daemon
from bootstrap.errors import SetupError
from bootstrap.system_packages import SystemPackage, on_path

DOCKER = SystemPackage("docker.io", "runs workers in containers", on_path("dockerd"))
CLIENT = SystemPackage("docker-cli", "is the client of Docker", on_path("docker"))
"""A separate package from Debian 13 on."""
CONTAINERD = SystemPackage("containerd", "is part of Docker", on_path("containerd"))
SOCKET = Path("/var/run/docker.sock")


def version(address: Path | None = None) -> str:
    """Of the engine that answers, at `address` or where `docker` looks; empty when none does."""
    if shutil.which("docker") is None:
        return ""
    try:
        asked = subprocess.run(
            ["docker", "version", "--format", "{{.Server.Version}}"],
            env=os.environ | ({"DOCKER_HOST": f"unix://{address}"} if address is not None else {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""


def ensure(directory: Path, *, console: Console) -> str:
    """Version of the engine, which is started where we may; empty when there is none, and the user has the reason."""
    if answering := version():
        return answering
    if result := os.environ.get("DOCKER_HOST"):
        console.say(f"No Docker engine answers at DOCKER_HOST, {result}.")
        return ""
    if not DOCKER.present() and not system_packages.can_install():
        console.say("No Docker engine answers. Install Docker, or start it, to run workers in containers.")
        return ""
    if os.geteuid() != 0:
        console.say("No Docker engine answers. Start it (`sudo systemctl start docker`) to run workers in containers.")
        return ""
    system_packages.ensure([DOCKER, CONTAINERD], as_root=True, console=console)
    system_packages.ensure([CLIENT], as_root=True, console=console)
    if answering := version():
        return answering
    try:
        start(directory, console=console)
    except SetupError as refused:
        console.say(f"A Docker engine cannot run on this machine: {refused}")
        return ""
    return version()


def found(directory: Path, *, console: Console) -> str:
    """Version of the engine that answers, or of our own, which is started again where images were built before; empty
    when there is none, and the user has the reason. Installs nothing. Raises SetupError.
    """
    if answering := version():
        return answering
    built_before = (directory / "docker").is_dir() and (directory / "registry").is_dir()
    if built_before and DOCKER.present() and os.geteuid() == 0 and not os.environ.get("DOCKER_HOST"):
        start(directory, console=console)
        return version()
    console.say(
        "No Docker engine answers: no image is built, and workers are processes. (As root on Debian, "
        "`python3 tools/setup.py --only engine` starts one.)"
    )
    return ""


def containers() -> int:
    """How many run."""
    asked = subprocess.run(["docker", "ps", "--quiet"], capture_output=True, text=True, check=False)
    return len(asked.stdout.split())


def repository(reference: str) -> str:
    """`HOST:PORT/NAME` of `HOST:PORT/NAME:TAG@DIGEST`."""
    name = reference.partition("@")[0]
    return name.rpartition(":")[0] if ":" in name.rpartition("/")[2] else name


def images(of: str) -> list[str]:
    """References by digest of those that the engine holds of a repository, or of a registry, written `HOST/*`."""
    text = "{{.Repository}}@{{.Digest}}"
    asked = subprocess.run(
        ["docker", "image", "ls", "--digests", "--format", text, "--filter", f"reference={of}"],
        capture_output=True,
        text=True,
        check=False,
    )
    return [found for found in asked.stdout.split() if "@sha256:" in found]


def forget(references: Sequence[str]) -> None:
    """Deletes images, but those that containers run."""
    for reference in references:
        subprocess.run(["docker", "image", "rm", reference], capture_output=True, check=False)


def forget_before(reference: str) -> None:
    """Deletes the others of an image's repository, once the engine has it: their layers are what it is pulled upon."""
    name = repository(reference)
    held = images(name)
    kept = f"{name}@{reference.partition('@')[2]}"
    if kept in held:
        forget([other for other in held if other != kept])


def start(directory: Path, *, console: Console, address: Path = SOCKET) -> None:
    """Our own engine at `address`, its data below `directory`. Raises SetupError."""
    noted = directory / "run" / "dockerd.own-pid"
    if daemon(directory).pid() is None:
        # One that was killed left its notes behind, which the next would take for those of programs that run.
        for note in (noted, directory / "run" / "docker" / "containerd" / "containerd.pid"):
            note.unlink(missing_ok=True)
    with console.step("Starting a Docker engine"):
        daemon(directory).start(
            [
                *("dockerd", "--host", f"unix://{address}", "--pidfile", noted),
                *("--data-root", directory / "docker", "--exec-root", directory / "run" / "docker"),
                *("--bridge", "none", "--iptables=false", "--ip-masq=false"),
            ],
            ready=lambda: bool(version(address)),
        )


def daemon(directory: Path) -> Daemon:
    return Daemon("dockerd", directory / "run")


def unmount(directory: Path) -> None:
    """What an engine that was killed left mounted below `directory`, where nothing could be deleted else."""
    mounted = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for path in reversed(mounted):
        if path.startswith(f"{directory}/"):
            subprocess.run(["umount", "--lazy", path], check=False, capture_output=True)
