"""A fresh copy of the project, as a newcomer has it, with its own port for the local RunPod."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pulumi_runpod.client.jobs import JobClient
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire.endpoint import RequestUrls

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Clone:
    path: Path
    port: int
    runtime: str = "process"
    """Of its workers: `make up` builds no image of gigabytes. Empty: containers where a Docker engine answers."""

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        # A newcomer's environment: none of the settings of the test run.
        env = {k: v for k, v in os.environ.items() if not k.startswith(("PULUMI", "RUNPOD", "VIRTUAL_ENV"))}
        env["RUNTIME"] = self.runtime
        return subprocess.run(
            ["bash", "-c", command], cwd=self.path, env=env, capture_output=True, text=True, check=False, timeout=600
        )

    def done(self, command: str) -> str:
        """Output of a command that must succeed."""
        finished = self.run(command)
        assert finished.returncode == 0, f"{command}\n{finished.stdout[-3000:]}\n{finished.stderr[-3000:]}"
        return finished.stdout

    def calls(self) -> list[str]:
        """What reached the resource routes of the local RunPod so far, `METHOD path`."""
        log = json.loads(self.done(".venv/bin/pulumi-runpod emulator log --state .local/runpod --json"))
        return [
            f"{call['method']} {call['path']}"
            for call in log["calls"]
            if re.match(r"/v2/(serverless|templates|network-volumes)", call["path"])
        ]

    def job_client(self) -> JobClient:
        endpoint = json.loads(self.done(".venv/bin/pulumi-runpod endpoint show --stack dev --json"))
        key = self.done(".venv/bin/pulumi-runpod emulator key --state .local/runpod").strip()
        return JobClient(RequestUrls.model_validate(endpoint["requestUrls"]), Settings.load({"runpod:apiKey": key}))


def cloned(path: Path, copy_project: Callable[[Path], None], *, runtime: str = "process") -> Clone:
    """The files that a clone would hold, at `path`."""
    copy_project(path)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for file in (path / "stacks").glob("Pulumi.*.yaml"):
        file.write_text(file.read_text().replace(":8777", f":{port}"))
    return Clone(path, port, runtime)


def readme_blocks(*, about: Callable[[str], bool]) -> list[str]:
    """The README's shell blocks of which that is true, without `make test`: that is this very run."""
    blocks = re.findall(r"^```bash\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    return [re.sub(r"^make test\b.*$", "", block, flags=re.MULTILINE) for block in blocks if about(block)]
