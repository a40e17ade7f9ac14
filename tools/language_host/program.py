"""Runs a Pulumi program through the official exec script, and turns its exit status into the engine's answer."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

from pulumi.runtime.proto import language_pb2

from language_host.children import Children
from language_host.environments import PythonEnvironment, resolve
from language_host.errors import HostError
from language_host.options import read_options
from language_host.uv_project import sync_uv_project

log = logging.getLogger(__name__)

EXIT_AFTER_SHOWING_MESSAGE = 32
"""How the exec script says that it has already printed the error."""


@dataclass
class Programs:
    """The programs that run now; a Cancel from the engine ends them without a word."""

    children: Children
    exec_script: Path

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._cancelled: set[subprocess.Popen[bytes]] = set()

    def run(self, request: language_pb2.RunRequest, engine: str) -> language_pb2.RunResponse:
        """Raises HostError when the program's environment is missing or its type check fails."""
        if request.attach_debugger:
            raise HostError("--attach-debugger needs the official pulumi-language-python; run without it")
        environment = resolve(read_options(request.info))
        sync_uv_project(environment, self.children)
        environment.validate()
        _check_types(environment, self.children)
        child = self._start(request, engine, environment)
        status = self.children.wait(child)
        with self._lock:
            self._running.discard(child)
            cancelled = child in self._cancelled
            self._cancelled.discard(child)
        if status == 0:
            return language_pb2.RunResponse()
        if cancelled or status == EXIT_AFTER_SHOWING_MESSAGE:
            return language_pb2.RunResponse(bail=True)
        if status < 0:
            return language_pb2.RunResponse(error=f"program was ended by {signal.Signals(-status).name}")
        return language_pb2.RunResponse(error=f"program exited with non-zero exit code: {status}")

    def _start(
        self, request: language_pb2.RunRequest, engine: str, environment: PythonEnvironment
    ) -> subprocess.Popen[bytes]:
        argv = [environment.python(), "-u", str(self.exec_script), *exec_arguments(request, engine)]
        environ = environment.environ() | {
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        log.info("running %s", argv)
        try:
            child = self.children.start(argv, cwd=environment.options.program_directory, environ=environ)
        except OSError as error:
            raise HostError(f"problem executing program (could not run {argv[0]}): {error}") from error
        with self._lock:
            self._running.add(child)
        return child

    def cancel(self) -> None:
        """Ends what runs now. SIGTERM, because Python answers SIGINT with a traceback on the user's screen."""
        with self._lock:
            running = list(self._running)
            self._cancelled.update(running)
        for child in running:
            self.children.stop(child, signal.SIGTERM)


def exec_arguments(request: language_pb2.RunRequest, engine: str) -> list[str]:
    """The exec script's command line; options with an empty value are left out, as the official host does."""
    options = {
        "monitor": request.monitor_address,
        "engine": engine,
        "project": request.project,
        "root_directory": request.info.root_directory,
        "stack": request.stack,
        "pwd": request.pwd,
        "dry_run": "true" if request.dryRun else "false",
        "parallel": str(request.parallel),
        "organization": request.organization,
    }
    flags = [part for name, value in options.items() if value for part in (f"--{name}", value)]
    return [*flags, request.info.entry_point, *request.args]


def _check_types(environment: PythonEnvironment, children: Children) -> None:
    checker = environment.options.typechecker
    if not checker:
        return
    directory = environment.options.program_directory
    argv = [environment.python(), "-m", checker]
    if checker == "mypy" and environment.virtualenv is not None and environment.virtualenv.is_relative_to(directory):
        argv += ["--exclude", str(environment.virtualenv.relative_to(directory))]
    argv.append(str(directory))
    child = children.start(argv, cwd=directory, environ=environment.environ())
    if (status := children.wait(child)) != 0:
        raise HostError(f"{checker} failed: exit status {status}")
