"""A copy of a Pulumi project, with its own file backend: for tests that run `pulumi` as a person does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_SECONDS = 250


class PulumiFolder:
    """`environment`: of every command besides, the local RunPod's and PULUMI_HOME included."""

    def __init__(self, base: Path, source: Path, environment: Mapping[str, str]) -> None:
        self.directory = base / "project"
        shutil.copytree(source, self.directory)
        (base / "backend").mkdir()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "RUNPOD_"))},
            **environment,
            "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PULUMI_BACKEND_URL": f"file://{base / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": "test",
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
            timeout=_SECONDS,
            check=False,
        )

    def pulumi(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.run("pulumi", *arguments, "--non-interactive", "--color", "never", **environment)

    def command(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """`pulumi-runpod` with these arguments."""
        return self.run(sys.executable, "-m", "pulumi_runpod.cli", *arguments, **environment)

    def done(self, *arguments: str, **environment: str) -> str:
        """What a `pulumi` that must succeed has printed."""
        finished = self.pulumi(*arguments, **environment)
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished.stdout
