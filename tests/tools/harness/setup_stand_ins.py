"""Stand-ins for programs, and clones in temporary directories.

A stand-in is a shell script on PATH that notes every call: the real programs (go, apt-get, an official Pulumi) take
minutes, or cannot be had in every state that matters.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from probe_projects import ROOT

from bootstrap.language_host import environment_name
from bootstrap.places import Places, this_clone


@dataclass(frozen=True)
class Recorder:
    """Programs in one directory, first on PATH; each notes its calls before it does what its script says."""

    directory: Path

    def program(self, name: str, script: str = "") -> Path:
        path = self.directory / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> {self.log}\n{script}\n')
        path.chmod(0o755)
        return path

    @property
    def log(self) -> Path:
        return self.directory / "calls.log"

    @property
    def calls(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@dataclass(frozen=True)
class Clones:
    """Copies of this clone's tools, all with one cache, in which the language host's environment is there already."""

    base: Path

    def make(self, name: str) -> Places:
        places = Places(repository=self.base / name, cache=self.base / "cache")
        shutil.copytree(ROOT / "tools", places.tools, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=False)
        places.uv.parent.mkdir(parents=True)
        places.cache.mkdir(exist_ok=True)
        environment = places.cache / environment_name(places)
        if not environment.exists():
            environment.symlink_to(this_clone().cache / environment.name)
            assert environment.exists(), "the language host's environment is missing; run: python3 tools/setup.py"
        return places
