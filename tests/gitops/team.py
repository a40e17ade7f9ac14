"""A team's project as a workflow sees it: this project's program on the real engine, a local RunPod, and a GitHub.

Commands run as processes of their own, with the environment of a step. Their answers are what a person would read.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pulumi_runpod.emulator.local import LocalRunPod
from tests.gitops.backends import Backend, FolderBackend
from tests.gitops.github_server import GitHubServer

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / ".venv" / "bin"
IMAGE = f"registry.example.com/team/sdxl-worker@sha256:{'a' * 64}"
PROJECT = "runpod-sdxl"
LABEL = "pr-stack"
KINDS = ("endpoint", "template", "network volume")


@dataclass(frozen=True)
class Team:
    """A checkout with a backend."""

    directory: Path
    backend: Backend
    runpod: LocalRunPod
    github: GitHubServer
    environment: Mapping[str, str] = field(repr=False)

    @property
    def settings(self) -> Path:
        return self.directory / "settings"

    @property
    def summary(self) -> str:
        """The job summary so far."""
        file = self.directory / "summary.md"
        return file.read_text() if file.exists() else ""

    def start(self, *command: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [BIN / command[0], *command[1:]],
            cwd=self.directory,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        with self.start(*command, **environment) as process:
            result, complaint = process.communicate(timeout=240)
        return subprocess.CompletedProcess(command, process.returncode, result, complaint)

    def done(self, *command: str, **environment: str) -> str:
        """Output of a command that must succeed."""
        finished = self.run(*command, **environment)
        assert finished.returncode == 0, f"{command}\n{finished.stdout[-3000:]}\n{finished.stderr[-3000:]}"
        return finished.stdout

    def command(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.run("pulumi-runpod", *words, **environment)

    def json(self, *words: str) -> Any:
        return json.loads(self.done("pulumi-runpod", *words, "--format", "json"))

    def stacks(self) -> list[str]:
        return [row["name"] for row in json.loads(self.done("pulumi", "stack", "ls", "--json"))]

    def objects(self, kind: str) -> list[str]:
        return [row.id for row in self.runpod.call(lambda p: p.store.list(kind))]

    def left(self) -> dict[str, list[str]]:
        """Everything there is: objects of RunPod, stacks of the backend, files of settings, locks."""
        files = sorted(file.name for file in self.settings.iterdir())
        return {**{kind: sorted(self.objects(kind)) for kind in KINDS}, "stacks": self.stacks(), "files": files} | {
            "locks": self.backend.locks()
        }

    def until(self, happened: Callable[[], bool], process: subprocess.Popen[str] | None = None) -> None:
        """It happens in another process, which tells nobody."""
        deadline = time.monotonic() + 120
        while not happened():
            assert time.monotonic() < deadline
            if process is not None:
                assert process.poll() is None, process.communicate()
            time.sleep(0.02)

    def fault_struck(self) -> bool:
        return any(fault["taken"] for fault in self.runpod.call(lambda p: p.faults.list()))


def folder_backend(directory: Path) -> FolderBackend:
    folder = directory / "backend"
    folder.mkdir()
    return FolderBackend(folder)


def make_team(directory: Path, home: Path, backend: Backend, runpod: LocalRunPod, github: GitHubServer) -> Team:
    """Stack `platform` is deployed; `dev` has its settings, the key as a secret."""
    project = directory / "project"
    (project / "settings").mkdir(parents=True)
    (project / "Pulumi.yaml").write_text(
        f"name: {PROJECT}\nruntime:\n  name: python\n  options:\n    toolchain: pip\n    virtualenv: {ROOT / '.venv'}\n"
        "stackConfigDir: settings\n"
    )
    (project / "__main__.py").write_text((ROOT / "__main__.py").read_text())
    team = Team(
        project,
        backend,
        runpod,
        github,
        {
            **{name: os.environ[name] for name in ("HOME", "TMPDIR", "LANG") if name in os.environ},
            **github.environment(),
            "GITHUB_STEP_SUMMARY": str(project / "summary.md"),
            "PATH": f"{BIN}:/usr/local/bin:/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            **backend.environment,
            "PULUMI_CONFIG_PASSPHRASE": "of the team",
            "PULUMI_HOME": str(home),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        },
    )
    for stack in ("platform", "dev"):
        team.done("pulumi", "stack", "init", stack, "--no-select")
        team.done("pulumi", "config", "set", "--secret", "runpod:apiKey", runpod.api_key, "--stack", stack)
        team.done("pulumi", "config", "set", "runpod:apiBaseUrl", runpod.api, "--stack", stack)
    team.done(
        "pulumi", "config", "set-all", "--stack", "dev", "--plaintext", f"image={IMAGE}", "--plaintext", "workersMin=1"
    )
    team.done("pulumi", "config", "set", "protectVolume", "false", "--stack", "platform")
    team.done("pulumi", "up", "--stack", "platform", "--yes", "--skip-preview", "--non-interactive")
    return team
