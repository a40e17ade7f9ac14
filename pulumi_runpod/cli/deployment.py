"""A project's states through the `pulumi` command: export, import, and which stacks there are."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml  # type: ignore[import-untyped]  # Pulumi brings it, without stubs

from pulumi_runpod.cli.stack import project_directory, pulumi_command, pulumi_environment
from pulumi_runpod.errors import RunPodError
from pulumi_runpod.gitops.engine import PulumiFailed
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire.model import JsonObject

PROJECT_FILES = ("Pulumi.yaml", "Pulumi.yml")


@dataclass(frozen=True)
class Project:
    """The Pulumi project in or above a directory."""

    directory: Path

    @classmethod
    def here(cls) -> Project:
        return cls(project_directory(Path.cwd()))

    @property
    def name(self) -> str:
        """As Pulumi.yaml says. Raises `RunPodError` where it says none."""
        file = next(self.directory / name for name in PROJECT_FILES if (self.directory / name).is_file())
        told = yaml.safe_load(file.read_text())
        if not isinstance(told, dict) or not isinstance(told.get("name"), str):
            raise RunPodError(f"{file}: no project name")
        return str(told["name"])

    def stacks(self) -> list[str]:
        """Names of all stacks of this project in the backend."""
        return [str(entry["name"]) for entry in json.loads(self.pulumi("stack", "ls", "--json") or "[]")]

    def export(self, stack: str, *, show_secrets: bool = False) -> JsonObject:
        shown = ["--show-secrets"] if show_secrets else []
        told: JsonObject = json.loads(self.pulumi("stack", "export", "--stack", stack, *shown))
        return told

    def import_(self, stack: str, state: JsonObject) -> None:
        self.pulumi("stack", "import", "--stack", stack, stdin=json.dumps(state))

    def unlock(self, stack: str) -> None:
        self.pulumi("cancel", "--stack", stack, "--yes")

    def settings(self, stack: str) -> Settings:
        told: JsonObject = json.loads(self.pulumi("config", "--json", "--show-secrets", "--stack", stack) or "{}")
        return Settings.load({key: str(entry["value"]) for key, entry in told.items() if "value" in entry})

    def pulumi(self, *arguments: str, stdin: str | None = None) -> str:
        """The output of `pulumi ARGUMENTS`. Raises `RunPodError` with its own words."""
        done = subprocess.run(
            [pulumi_command(), *arguments, "--non-interactive"],
            cwd=self.directory,
            env=pulumi_environment(),
            input=stdin if stdin is not None else "",
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise PulumiFailed(arguments, done.returncode, done.stderr)
        return done.stdout
