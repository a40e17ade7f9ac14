"""uv's commands, as the official host gives them: the environment is the program's, whatever uv would choose."""

from __future__ import annotations

from language_host.children import Children
from language_host.environments import PythonEnvironment
from language_host.output import capture
from language_host.pyproject import find_project


def uv_environ(environment: PythonEnvironment) -> dict[str, str]:
    return environment.environ() | {"UV_PROJECT_ENVIRONMENT": str(environment.path)}


def sync_uv_project(environment: PythonEnvironment, children: Children) -> None:
    """Brings the environment of a uv project up to date before its Python is used; packages it does not name stay.

    Does nothing for pip, or where no pyproject.toml is found. Raises HostError with uv's own words when it fails.
    """
    if environment.uses_uv and find_project(environment.options.program_directory) is not None:
        capture(
            children,
            ["uv", "sync", "--inexact"],
            cwd=environment.options.program_directory,
            environ=uv_environ(environment),
        )
