"""`pulumi install`: makes the program's environment with pip or uv, telling the user what each step says."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from language_host.children import Children
from language_host.environments import PythonEnvironment, activated, is_virtualenv, python_on_path, search_up
from language_host.errors import HostError
from language_host.output import Chunk, stream
from language_host.pyproject import find_project
from language_host.uv_project import uv_environ


def install(environment: PythonEnvironment, children: Children, *, with_version_tools: bool = False) -> Iterator[Chunk]:
    """Yields output as it comes. Raises HostError when a step fails."""
    directory = environment.options.program_directory
    if with_version_tools and search_up(directory, ".python-version") and shutil.which("pyenv"):
        yield from _step(children, ["pyenv", "install", "--skip-existing"], directory, environ=environment.environ())
    if environment.uses_uv:
        yield from _install_with_uv(environment, children)
    else:
        yield from _install_with_pip(environment, children)


def ensure(environment: PythonEnvironment, children: Children) -> Iterator[Chunk]:
    """Makes a missing environment, and leaves one that exists, or a directory that holds something else, alone."""
    if environment.exists():
        return
    path = environment.path
    if environment.uses_uv:
        yield from _step(
            children,
            ["uv", "venv", "--quiet", "--allow-existing", str(path)],
            environment.options.program_directory,
            environ=uv_environ(environment),
        )
    elif path.exists() and not path.is_dir():
        raise HostError(f"the 'virtualenv' option in Pulumi.yaml is set to \"{path}\" but it is not a directory")
    elif not path.exists() or not any(path.iterdir()):
        yield from _install_with_pip(environment, children)


def _install_with_pip(environment: PythonEnvironment, children: Children) -> Iterator[Chunk]:
    directory = environment.options.program_directory
    virtualenv = environment.virtualenv
    if virtualenv is not None and not is_virtualenv(virtualenv):
        yield _say("Creating virtual environment...")
        yield from _step(
            children, [python_on_path(), "-m", "venv", str(virtualenv)], directory, environ=environment.environ()
        )
        yield _say("Finished creating virtual environment")
    environ = activated(virtualenv) if virtualenv is not None else environment.environ()
    pip = [environment.python(), "-m", "pip", "install"]
    yield _say("Updating pip, setuptools, and wheel in virtual environment...")
    yield from _step(children, [*pip, "--upgrade", "pip", "setuptools", "wheel"], directory, environ=environ)
    yield _say("Finished updating")
    if (directory / "requirements.txt").exists():
        yield _say("Installing dependencies in virtual environment...")
        yield from _step(children, [*pip, "-r", "requirements.txt"], directory, environ=environ)
        yield _say("Finished installing dependencies")


def _install_with_uv(environment: PythonEnvironment, children: Children) -> Iterator[Chunk]:
    directory = environment.options.program_directory
    environ = uv_environ(environment)
    if find_project(directory) is None:
        with_requirements = search_up(directory, "requirements.txt")
        place = with_requirements or directory
        init = ["uv", "init", "--bare", "--no-package", "--no-pin-python"]
        yield from _step(children, init, place, environ=environ)
        if with_requirements:
            yield from _step(children, ["uv", "add", "--no-sync", "-r", "requirements.txt"], place, environ=environ)
    yield from _step(children, ["uv", "sync"], directory, environ=environ)


def _step(children: Children, argv: list[str], directory: Path, *, environ: dict[str, str]) -> Iterator[Chunk]:
    output = stream(children, argv, cwd=directory, environ=environ)
    last_error = b""
    for chunk in output:
        if chunk.is_error:
            last_error = (last_error + chunk.data)[-2000:]
        yield chunk
    if output.status != 0:
        said = last_error.decode(errors="replace").strip()
        raise HostError(f"'{' '.join(argv)}' failed with exit status {output.status}: {said}")


def _say(line: str) -> Chunk:
    return Chunk(f"{line}\n".encode(), is_error=False)
