"""Projects for the real engine, and the pipes by which a test and a provider wait for each other."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PROGRAMS = ROOT / "tests" / "tools" / "programs"


@dataclass(frozen=True)
class Finished:
    """A command that has ended; `text` is all that a person would have seen."""

    status: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err

    @property
    def diagnostics(self) -> list[str]:
        """The non-empty lines of the Diagnostics section, stripped."""
        _, found, rest = self.text.partition("Diagnostics:\n")
        section = rest.partition("\nResources:")[0].partition("\nOutputs:")[0] if found else ""
        return [line.strip() for line in section.splitlines() if line.strip()]


@dataclass(frozen=True)
class PulumiProject:
    """A project directory with stack `dev`, and the environment in which the engine runs it."""

    directory: Path
    environ: Mapping[str, str]

    def pulumi(self, *arguments: str, environ: Mapping[str, str] | None = None) -> Finished:
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color", "never"],
            cwd=self.directory,
            env={**self.environ, **(environ or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    def up(self, *arguments: str, environ: Mapping[str, str] | None = None) -> Finished:
        return self.pulumi("up", "--yes", "--skip-preview", *arguments, environ=environ)

    def start_up(self, environ: Mapping[str, str]) -> subprocess.Popen[str]:
        """`pulumi up` in the background, its whole output on one pipe."""
        return subprocess.Popen(
            ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--color", "never"],
            cwd=self.directory,
            env={**self.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def plugins_named_here() -> set[tuple[str, str]]:
    """`(name, version)` of the plugins that packages of this clone's environment name, other than the test's own."""
    notes = (ROOT / ".venv").glob("lib/python3*/site-packages/*/pulumi-plugin.json")
    document = [json.loads(note.read_text()) for note in notes]
    return {(one["name"], one["version"]) for one in document if one["resource"]}


@dataclass
class Projects:
    """Makes projects: `files` are written into the directory, `runtime` is Pulumi.yaml's runtime entry."""

    home: Path
    base: Path
    count: int = field(default=0)

    def make(
        self, files: Mapping[str, str], *, runtime: str = "python", main: str = "", settings: str = ""
    ) -> PulumiProject:
        self.count += 1
        directory = self.base / f"project{self.count}"
        backend = self.base / f"backend{self.count}"
        directory.mkdir()
        backend.mkdir()
        described = ["name: probe", f"runtime: {runtime}", *([f"main: {main}"] if main else []), settings]
        (directory / "Pulumi.yaml").write_text("\n".join(described) + "\n")
        for name, text in files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR", "XDG_CACHE_HOME") if name in os.environ}
        environ = kept | {
            "PATH": os.pathsep.join([str(ROOT / ".venv" / "bin"), "/usr/local/bin", "/usr/bin", "/bin"]),
            "PYTHONPATH": str(PROGRAMS),
            "PULUMI_BACKEND_URL": f"file://{backend}",
            "PULUMI_CONFIG_PASSPHRASE": "probe",
            "PULUMI_HOME": str(self.home),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }
        project = PulumiProject(directory, environ)
        made = project.pulumi("stack", "init", "dev")
        assert made.status == 0, made.text
        return project


@dataclass(frozen=True)
class Events:
    """Named pipes between a test and a provider: `started` ends a wait here, `go` ends one there."""

    directory: Path

    def started(self) -> dict[str, int]:
        """Waits until the provider's create has begun; returns the ids of the processes that take part, by role."""
        words = (self.directory / "started").read_text().split()
        return {role: int(number) for role, number in (word.split("=") for word in words)}

    def go(self) -> None:
        """Lets the create end."""
        (self.directory / "go").write_text("go")

    def end_provider(self) -> None:
        """Kills what still runs of the provider, which no longer has an engine to end it."""
        noted = self.directory / "provider"
        for number in noted.read_text().split() if noted.exists() else []:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(number), signal.SIGKILL)
