"""The Pulumi project that a command is run in, and the `pulumi` that it is run with."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from pulumi_runpod.errors import RunPodError
from pulumi_runpod.gitops.workspace import Workspace, project_file


def workspace_here() -> Workspace:
    """The Pulumi project in or above the working directory. Raises `RunPodError`."""
    return Workspace(project_directory(Path.cwd()), pulumi_command(), pulumi_environment())


def project_directory(start: Path) -> Path:
    """The nearest directory upwards that holds a Pulumi project. Raises `RunPodError`."""
    for directory in (start, *start.parents):
        if project_file(directory) is not None:
            return directory
    raise RunPodError(f"no Pulumi.yaml in {start} or above: run this in the Pulumi project, or give --endpoint-id")


def pulumi_command() -> str:
    """The `pulumi` beside this Python, where the project's set-up puts it, else the one on PATH."""
    beside = Path(sys.executable).parent / "pulumi"
    found = str(beside) if beside.is_file() else shutil.which("pulumi")
    if found is None:
        raise RunPodError("no `pulumi` command: run `make setup` in the project, or install Pulumi")
    return found


def pulumi_environment() -> dict[str, str]:
    """The environment for `pulumi`, which looks for its language host beside itself and on PATH."""
    environment = dict(os.environ)
    environment["PATH"] = os.pathsep.join([str(Path(pulumi_command()).parent), environment.get("PATH", "")])
    environment.setdefault("PULUMI_SKIP_UPDATE_CHECK", "true")
    if "PULUMI_CONFIG_PASSPHRASE_FILE" not in environment:
        # As `make up`: the local backend holds nothing secret. Another passphrase comes from its own variable.
        environment.setdefault("PULUMI_CONFIG_PASSPHRASE", "")
    return environment
