"""Runs the program that the stack's configuration names. Each asks something of its interpreter."""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import beside
import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider

from pulumi_runpod import NetworkVolume, Provider

config = pulumi.Config()


class InMain(ResourceProvider):
    """Of the main module, so that Pulumi keeps its code itself in the state."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(props["name"], {**props, "made_by": type(self).__name__})


class Kept(Resource):
    def __init__(self, name: str) -> None:
        super().__init__(InMain(), name, {"name": name, "word": beside.WORD})


def in_main() -> None:
    """Unchanged, whoever runs it."""
    for number in range(3):
        Kept(f"kept-{number}")


def two_accounts() -> None:
    """A volume in each of two accounts: a provider process for each."""
    other = Provider("other", api_key=config.require_secret("otherKey"), api_base_url=config.require("otherUrl"))
    NetworkVolume("here", size=10, data_center="EU-RO-1")
    NetworkVolume("there", size=10, data_center="EU-RO-1", opts=pulumi.ResourceOptions(provider=other))


def loud() -> None:
    print("said on stdout")
    print("said on stderr", file=sys.stderr)
    pulumi.log.warn("logged")
    subprocess.run(["sh", "-c", "echo said by a command"], check=True)


def surroundings() -> None:
    """What a program can see of where it runs."""
    seen = {
        "argv": sys.argv[1:],
        "directory": str(Path.cwd()),
        "first on path": sys.path[0],
        "prefix": sys.prefix,
        "main": Path(sys.modules["__main__"].__file__ or "").name,
        "python": subprocess.run(["which", "python"], capture_output=True, text=True, check=True).stdout.strip(),
        "stdin": sys.stdin.read(),
        "signals": [str(signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)],
        "stack": [pulumi.get_project(), pulumi.get_stack(), pulumi.get_organization(), pulumi.get_root_directory()],
        "preview": pulumi.runtime.is_dry_run(),
        "config": config.require("program"),
        "secret": config.require("key") == "a-key-that-nobody-sees",
        "secrets": pulumi.runtime.is_config_secret("odd:key"),
        "variables": sorted(name for name in os.environ if name.startswith(("PULUMI_CONFIG", "VIRTUAL", "PYTHON"))),
        "collector": gc.isenabled(),
    }
    pulumi.log.info(json.dumps(seen))


def exits() -> None:
    sys.exit(3)


def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fails() -> None:
    raise pulumi.RunError("the program says no")


def syntax() -> None:
    compile("def", "wrong.py", "exec")


def leaves_something_running() -> None:
    subprocess.Popen(["sleep", "600"])


def waits() -> None:
    """Until the test lets it go on: an end of the connection ends the waiting, too."""
    host, port = config.require("meetAt").split(":")
    socket.create_connection((host, int(port))).recv(1)


PROGRAMS: dict[str, Callable[[], None]] = {
    program.__name__: program
    for program in (
        in_main,
        two_accounts,
        loud,
        surroundings,
        exits,
        killed,
        fails,
        syntax,
        leaves_something_running,
        waits,
    )
}
PROGRAMS[config.require("program")]()
