"""The project of these tests in a folder of its own, on the real engine with a file backend."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KEY = "correct-horse-battery-staple-4711"
"""Of the stacks' configuration, where it is a secret."""


class PulumiProject:
    """`environment`: that of every command, the local RunPod's included."""

    def __init__(self, base: Path, environment: Mapping[str, str]) -> None:
        self.directory = base / "project"
        shutil.copytree(Path(__file__).parent / "project", self.directory)
        (base / "backend").mkdir()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "RUNPOD_"))},
            "PULUMI_HOME": str(base / "home"),
            **environment,
            "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PULUMI_BACKEND_URL": f"file://{base / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": "gitops",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.directory,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=250,
            check=False,
        )

    def pulumi(self, *arguments: str, **environment: str) -> str:
        done = self.run("pulumi", *arguments, "--non-interactive", **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def command(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """`pulumi-runpod` with these arguments."""
        return self.run(sys.executable, "-m", "pulumi_runpod.cli", *arguments, **environment)

    def stack(self, name: str, situation: str, *, deployed: bool = True) -> None:
        """A stack in this situation, with the change of the pull request checked out."""
        self.pulumi("stack", "init", name)
        self.pulumi("config", "set", "key", KEY, "--secret", "--stack", name)
        self.pulumi("config", "set", "situation", situation, "--stack", name)
        if deployed:
            self.pulumi("up", "--yes", "--skip-preview", "--stack", name)
        self.pulumi("config", "set", "then", "true", "--stack", name)
