"""The `pulumi` that this clone uses: the official one from PATH, or ours, built from Pulumi's Go modules.

Ours has the official CLI, shim and exec script; only the language host is our own, because no registry has it. The
engine looks for its helpers beside its own binary, symbolic links resolved: so all four lie in one `bin/`, and a link
`.venv/bin/pulumi` is all that a shell needs.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bootstrap import language_host
from bootstrap.cache import key_of, link, obtain
from bootstrap.console import Console
from bootstrap.go_programs import PULUMI, entry_name, obtain_program
from bootstrap.places import Places

HELPERS = ("pulumi-language-python", "pulumi-resource-pulumi-python")


@dataclass(frozen=True)
class Official:
    """A Pulumi that was installed on this machine, not by us; `problem` says why it cannot be used, if so."""

    program: Path
    problem: str = ""


def ensure(places: Places, *, console: Console) -> Path:
    """The `pulumi` program, with `.venv/bin/pulumi` linked to it. Raises SetupError when it cannot be built."""
    official = find_official(places)
    if official is not None and not official.problem:
        program = official.program
    else:
        program = _toolchain(places, console=console, official=official) / "bin" / "pulumi"
    link(places.venv / "bin" / "pulumi", program)
    return program


def find_official(places: Places) -> Official | None:
    """The first `pulumi` on PATH that is not ours; None when there is none."""
    path = os.environ.get("PATH", os.defpath)
    for directory in path.split(os.pathsep):
        found = shutil.which("pulumi", path=directory) if directory else None
        if found is None:
            continue
        program = Path(found).resolve()
        if program.is_relative_to(places.cache.resolve()):
            continue
        beside = os.pathsep.join([str(program.parent), path])
        missing = [helper for helper in HELPERS if shutil.which(helper, path=beside) is None]
        if missing:
            return Official(program, f"has no {' and no '.join(missing)} beside it or on PATH")
        version = _version(program)
        if version < _parsed(PULUMI.version):
            said = ".".join(map(str, version)) or "unknown"
            return Official(program, f"is version {said}, older than {PULUMI.version.removeprefix('v')}")
        return Official(program)
    return None


def _version(program: Path) -> tuple[int, ...]:
    try:
        said = subprocess.run([program, "version"], capture_output=True, text=True, check=False, timeout=60).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return _parsed(said)


def _parsed(version: str) -> tuple[int, ...]:
    found = re.search(r"v?(\d+)\.(\d+)\.(\d+)", version)
    return tuple(int(part) for part in found.groups()) if found else ()


def _toolchain(places: Places, *, console: Console, official: Official | None) -> Path:
    key = key_of(
        {
            "program": entry_name(PULUMI, places),
            "environment": language_host.environment_name(places),
            "sources": language_host.sources(places),
            "launcher": language_host.LAUNCHER + language_host.MAIN,
        }
    )

    def build(directory: Path) -> None:
        if official is not None:
            console.say(
                f"{official.program} {official.problem}: not used, building our own. "
                "To use the official Pulumi instead, stop this, install its newest release and run this again."
            )
        program = obtain_program(PULUMI, places, console=console)
        environment = language_host.obtain_environment(places, console=console)
        (directory / "bin").mkdir()
        for file in program.iterdir():
            os.link(file, directory / "bin" / file.name)
        language_host.install(places, directory, environment=environment, version=PULUMI.version)

    toolchain = obtain(places.cache, f"toolchain-{PULUMI.version}-{key}", build=build, console=console)
    # The host's environment is linked, not copied: it must not be missing, nor pass for unused.
    language_host.obtain_environment(places, console=console)
    return toolchain
