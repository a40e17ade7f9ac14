"""Finds the Python that runs a program, by the rules of the official host.

A relative `virtualenv` is relative to the project root (the directory of Pulumi.yaml), never to the program; without
one, pip means the `python3` on PATH. (The official shim resolves it against the program directory instead: see `main:`
in the project's docs.)
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from language_host.errors import HostError
from language_host.options import RuntimeOptions, Toolchain


@dataclass(frozen=True)
class PythonEnvironment:
    """The Python of one program: `virtualenv` is absolute, None means the Python on PATH."""

    options: RuntimeOptions
    uses_uv: bool
    virtualenv: Path | None

    def exists(self) -> bool:
        return self.virtualenv is None or is_virtualenv(self.virtualenv)

    def validate(self) -> None:
        """Raises HostError, with the commands that make it, when the environment is missing."""
        if self.exists():
            return
        if self.uses_uv:
            raise HostError(f"'{self.virtualenv}' is not a virtual environment; run `pulumi install` to make it")
        state = "doesn't appear to be a virtual environment" if self.path.exists() else "doesn't exist"
        raise HostError(
            f"The 'virtualenv' option in Pulumi.yaml is set to \"{self.options.virtualenv}\", "
            f'but "{self.virtualenv}" {state}; run the following commands to create the virtual environment and '
            "install dependencies into it:\n\n"
            f"    1. python3 -m venv {self.virtualenv}\n"
            f"    2. {self.virtualenv}/bin/python -m pip install -r requirements.txt\n"
        )

    @property
    def path(self) -> Path:
        """The virtual environment; only meaningful where there is one."""
        if self.virtualenv is None:
            raise HostError("the program uses the Python on PATH, not a virtual environment")
        return self.virtualenv

    def python(self) -> str:
        """Raises HostError when PATH has no Python."""
        if self.virtualenv is not None:
            return str(self.virtualenv / "bin" / "python")
        return python_on_path()

    def environ(self) -> dict[str, str]:
        return dict(os.environ) if self.virtualenv is None else activated(self.virtualenv)


def resolve(options: RuntimeOptions) -> PythonEnvironment:
    """Raises HostError when the program asks for uv and PATH has none, or when it is a poetry project."""
    toolchain = options.toolchain
    if toolchain is Toolchain.AUTO:
        if search_up(options.program_directory, "uv.lock"):
            toolchain = Toolchain.UV
        elif search_up(options.program_directory, "poetry.lock"):
            raise HostError(
                f"found a poetry.lock above {options.program_directory}: poetry needs the official Pulumi CLI with its "
                "pulumi-language-python; install it, or set 'toolchain' to pip or uv in Pulumi.yaml"
            )
    absolute = options.root / options.virtualenv if options.virtualenv else None
    if toolchain is Toolchain.UV:
        if shutil.which("uv") is None:
            raise HostError("Could not find `uv` executable.\nInstall uv and make sure it is in your PATH.")
        return PythonEnvironment(options=options, uses_uv=True, virtualenv=absolute or _uv_default(options))
    return PythonEnvironment(options=options, uses_uv=False, virtualenv=absolute)


def _uv_default(options: RuntimeOptions) -> Path:
    start = options.program_directory
    project = search_up(start, "uv.lock") or search_up(start, "pyproject.toml") or start
    return project / (os.environ.get("UV_PROJECT_ENVIRONMENT") or ".venv")


def python_on_path() -> str:
    """The Python that PULUMI_PYTHON_CMD names, else python3, else python. Raises HostError when there is none."""
    wanted = os.environ.get("PULUMI_PYTHON_CMD")
    names = [wanted] if wanted else ["python3", "python"]
    for name in names:
        if found := shutil.which(name):
            return found
    raise HostError(f"failed to locate any of {names} on your PATH. Have you installed Python?")


def is_virtualenv(directory: Path) -> bool:
    return (directory / "bin" / "python").is_file()


def activated(virtualenv: Path) -> dict[str, str]:
    """This process's environment, with the virtual environment first on PATH."""
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONHOME"}
    environ["PATH"] = os.pathsep.join([str(virtualenv / "bin"), *filter(None, [environ.get("PATH")])])
    environ["VIRTUAL_ENV"] = str(virtualenv)
    return environ


def search_up(directory: Path, name: str) -> Path | None:
    """The nearest directory at or above `directory` that holds `name`."""
    return next((place for place in (directory, *directory.parents) if (place / name).exists()), None)
