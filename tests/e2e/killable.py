"""A project whose `pulumi` is a process that can be killed, with its provider or without, and what it then has left."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from pulumi_runpod.emulator.local import LocalRunPod
from tests.waiting import eventually

BIN = Path(__file__).resolve().parents[2] / ".venv" / "bin"
VOLUME = "from pulumi_runpod import NetworkVolume\nNetworkVolume('weights', size=10, data_center='EU-RO-1'{})\n"
TEMPLATE = (
    "import pulumi\nfrom pulumi_runpod import Template\n"
    "Template('worker', image='registry.example.com/team/worker:1', env={'TOKEN': pulumi.Output.secret('tok-77aa')})\n"
)


@dataclass
class Killable:
    """A project that its own `pulumi` process runs, as in a terminal."""

    directory: Path
    environ: dict[str, str]
    survivors: list[psutil.Process] = field(default_factory=list)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [BIN / command[0], *command[1:]],
            cwd=self.directory,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def start(self, *command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [BIN / command[0], *command[1:]],
            cwd=self.directory,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def up(self, *options: str) -> subprocess.CompletedProcess[str]:
        return self.run("pulumi", "up", "--yes", "--skip-preview", "--non-interactive", *options)

    def kill_during(self, arrived: Callable[[], bool], *options: str, and_provider: bool = False) -> None:
        """`pulumi up`, killed as soon as `arrived()`; with `and_provider`, its provider at the same moment."""
        running = self._begun(arrived, *options)
        family = psutil.Process(running.pid).children(recursive=True)
        running.kill()
        running.wait()
        self.survivors.extend(family)
        if and_provider:
            self.end_survivors()

    def lose_provider_during(self, arrived: Callable[[], bool]) -> int:
        """`pulumi up`, whose provider alone is killed as soon as `arrived()`; the exit code of the engine."""
        running = self._begun(arrived)
        family = psutil.Process(running.pid).children(recursive=True)
        providers = [p for p in family if {"pulumi.dynamic", "pulumi-resource-runpod-serverless"} & _words(p)]
        assert providers
        for provider in providers:
            provider.kill()
        return running.wait(60)

    def _begun(self, arrived: Callable[[], bool], *options: str) -> subprocess.Popen[bytes]:
        """`pulumi up` in the moment of `arrived()`."""
        running = subprocess.Popen(
            [BIN / "pulumi", "up", "--yes", "--skip-preview", "--non-interactive", *options],
            cwd=self.directory,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

        def seen() -> bool:
            found = arrived()
            assert found or running.poll() is None, "pulumi ended before the call arrived"
            return found

        eventually(seen, 60)
        return running

    def end_survivors(self) -> None:
        """The provider's process outlives the engine: it cannot know that nobody listens any more."""
        while self.survivors:
            with contextlib.suppress(psutil.NoSuchProcess):
                self.survivors.pop().kill()

    @classmethod
    def made_in(
        cls, base: Path, environment: Mapping[str, str], *, home: Path, backend_url: str | None = None
    ) -> Killable:
        """A project with a stack `dev`; its backend is a folder beside it, unless a URL is given."""
        directory, backend = base / "project", base / "backend"
        directory.mkdir()
        backend.mkdir()
        (directory / "Pulumi.yaml").write_text("name: killed\nruntime: python\n")
        project = cls(
            directory,
            {
                **{name: os.environ[name] for name in ("HOME", "TMPDIR", "LANG") if name in os.environ},
                **environment,
                "PATH": f"{BIN}:/usr/local/bin:/usr/bin:/bin",
                "PULUMI_BACKEND_URL": backend_url or f"file://{backend}",
                "PULUMI_CONFIG_PASSPHRASE": "e2e",
                "PULUMI_HOME": str(home),
                "PULUMI_SKIP_UPDATE_CHECK": "true",
                "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            },
        )
        assert project.run("pulumi", "stack", "init", "dev").returncode == 0
        return project

    def move(self, base: Path) -> None:
        """To a machine that has the project's files, reaches the backend, and has nothing else of this one."""
        directory = base / "elsewhere"
        shutil.copytree(self.directory, directory, ignore=shutil.ignore_patterns(".*", "__pycache__"))
        self.directory = directory
        home = base / "home"
        # Which stack is selected was known to the other machine alone.
        self.environ |= {"HOME": str(home), "PULUMI_HOME": str(home / ".pulumi"), "PULUMI_STACK": "dev"}

    def program(self, text: str) -> None:
        (self.directory / "__main__.py").write_text(text)

    def state(self) -> dict[str, Any]:
        exported: dict[str, Any] = json.loads(self.run("pulumi", "stack", "export").stdout)["deployment"]
        return exported

    def ids_in_state(self) -> list[str]:
        """Of all objects of ours that the state holds, those that wait to be deleted included."""
        return [
            r["id"]
            for r in self.state().get("resources", [])
            if r["type"].startswith(("pulumi-python:dynamic/runpod:", "runpod-serverless:index:"))
        ]

    def pending(self) -> list[Any]:
        return self.state().get("pending_operations") or []


def _words(process: psutil.Process) -> set[str]:
    """Names of programs and modules in a command line, whatever their folder."""
    return {Path(word).name for word in process.cmdline()}


def objects(local_runpod: LocalRunPod, kind: str) -> list[str]:
    return [row.id for row in local_runpod.call(lambda p: p.store.list(kind))]


def made(local_runpod: LocalRunPod, kind: str) -> str:
    """Waits until the service has made the object for which nobody waits any more."""
    return eventually(lambda: objects(local_runpod, kind) or None)[0]


def arrived(local_runpod: LocalRunPod) -> Callable[[], bool]:
    """A POST has come in, and its answer is held back."""
    return lambda: any(fault["taken"] for fault in local_runpod.call(lambda p: p.faults.list()))


def arrived_all(local_runpod: LocalRunPod) -> bool:
    """Every declared fault has met its call."""
    return not any(fault["left"] for fault in local_runpod.call(lambda p: p.faults.list()))
