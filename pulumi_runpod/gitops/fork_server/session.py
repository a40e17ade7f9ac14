"""A fork server beside several runs of `pulumi preview`, where the project is one that it can serve."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml  # type: ignore[import-untyped]  # Pulumi brings it, without stubs

from pulumi_runpod.gitops.fork_server import client
from pulumi_runpod.gitops.fork_server.places import VIRTUALENV, Places
from pulumi_runpod.gitops.workspace import Workspace, project_file

_MODULE = "pulumi_runpod.gitops.fork_server"
_WORTH_IT = 2
"""Previews. One alone would wait for the modules that it is to save."""
_EXEC_SCRIPT = "pulumi-language-python-exec"
_LOADED = ("pulumi.dynamic", "pulumi_runpod", "pulumi_runpod.components")
"""What programs and providers import."""
_LOCK_FILES = ("uv.lock", "poetry.lock")


@dataclass(frozen=True)
class Interpreters:
    """Where `pulumi preview` gets its Pythons from: what to say to it besides."""

    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


EACH_ITS_OWN = Interpreters()


@dataclass(frozen=True)
class Session:
    """A fork server that starts up, or none, and what it offers."""

    server: subprocess.Popen[bytes] | None = None
    offered: Interpreters = EACH_ITS_OWN

    def interpreters(self) -> Interpreters:
        """Waits for the fork server, once. `EACH_ITS_OWN` where it has not come up."""
        if self.server is None:
            return EACH_ITS_OWN
        assert self.server.stdout is not None
        return self.offered if self.server.stdout.readline() else EACH_ITS_OWN


@contextmanager
def forked_interpreters(workspace: Workspace, *, previews: int) -> Iterator[Session]:
    """Not for one preview, and not for a project that is run by another Python than this one."""
    worth_it = previews >= _WORTH_IT
    script = _exec_script(workspace) if worth_it else None
    environment = _environment_of_programs(workspace) if worth_it else None
    if script is None or environment is None:
        yield Session()
        return
    with TemporaryDirectory(prefix="pulumi-runpod-") as folder:
        places = Places(Path(folder))
        _stand_in_for_python(places)
        with subprocess.Popen(
            [sys.executable, "-u", "-m", _MODULE, folder, str(script), *_LOADED],
            cwd=workspace.directory,  # as of a program, whose folder comes first when modules are looked for
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # what ends it is the end of its stdin, not a person's Ctrl-C
        ) as server:
            told = ("--client", f"unix:{places.language_runtime}")
            yield Session(server, Interpreters(told, {VIRTUALENV: str(places.virtualenv)}))


def _stand_in_for_python(places: Places) -> None:
    python = places.virtualenv / "bin" / "python"
    python.parent.mkdir(parents=True)
    words = [sys.executable, "-IS", client.__file__, str(places.orders), sys.executable]
    python.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    python.chmod(0o755)


def _exec_script(workspace: Workspace) -> Path | None:
    """Pulumi's own, beside its command."""
    command = shutil.which(workspace.command, path=workspace.environment.get("PATH"))
    beside = Path(command).resolve().with_name(_EXEC_SCRIPT) if command else None
    return beside if beside is not None and beside.is_file() else None


def _environment_of_programs(workspace: Workspace) -> Mapping[str, str] | None:
    """None where another Python is to run them: by the rules of Pulumi's host, of which the usual ones are known here.

    With a virtual environment in the project file it is an activated one, as there.
    """
    file = project_file(workspace.directory)
    try:
        project = yaml.safe_load(file.read_text(encoding="utf-8")) if file else None
    except (OSError, ValueError, yaml.YAMLError):  # `pulumi` will say so
        return None
    if not isinstance(project, dict) or "main" in project or sys.platform != "linux":
        return None
    runtime = project.get("runtime")
    name, options = (runtime.get("name"), runtime.get("options")) if isinstance(runtime, dict) else (runtime, None)
    if name != "python" or not isinstance(options or {}, dict):
        return None
    told = dict(options or {})
    virtualenv, toolchain = told.pop("virtualenv", None), told.pop("toolchain", None)
    if told or toolchain not in (None, "pip") or (toolchain is None and _is_locked(workspace.directory)):
        return None
    environment = workspace.environment
    path = environment.get("PATH", "")
    if virtualenv:
        if not _is_ours(workspace.directory / str(virtualenv)):
            return None
        return {**environment, "PATH": f"{sys.prefix}/bin{os.pathsep}{path}", "VIRTUAL_ENV": sys.prefix}
    python = shutil.which("python3", path=path)
    is_ours = "PULUMI_PYTHON_CMD" not in environment and python is not None and _is_ours(Path(python).parents[1])
    return environment if is_ours else None


def _is_locked(directory: Path) -> bool:
    """By uv or poetry, which then run the program, unless the project file says otherwise."""
    return any((folder / lock).exists() for folder in (directory, *directory.parents) for lock in _LOCK_FILES)


def _is_ours(virtualenv: Path) -> bool:
    return virtualenv.resolve() == Path(sys.prefix).resolve()
