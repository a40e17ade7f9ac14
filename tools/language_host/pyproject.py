"""Finds the pyproject.toml that a program or plugin belongs to."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from language_host.environments import search_up
from language_host.errors import HostError


@dataclass(frozen=True)
class Project:
    """A directory with a pyproject.toml that describes a project, and that project's name."""

    directory: Path
    name: str


def find_project(directory: Path) -> Project | None:
    """The nearest at or above `directory`. Raises HostError when that file cannot be read or describes no project."""
    found = search_up(directory, "pyproject.toml")
    if found is None:
        return None
    path = found / "pyproject.toml"
    try:
        described = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise HostError(f"could not read {path}: {error}") from error
    project = described.get("project")
    name = project.get("name") if isinstance(project, dict) else None
    if not isinstance(name, str):
        raise HostError(f"{path} has no [project] section with a name; add one with name, version and dependencies")
    return Project(found, name)
