"""What the base install can do, and what it says where an extra is missing."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from pulumi_runpod.extras import EXTRAS

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MODULES = sorted({module for modules in EXTRAS.values() for module in modules})
# The modules of the extras as if they were not installed.
BASE_INSTALL = f"""
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {MODULES}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
import importlib.util
importlib.util.find_spec = lambda name, real=importlib.util.find_spec: None if name in {MODULES} else real(name)
"""

pytestmark = pytest.mark.process


def python(code: str, *, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=False)


def test_every_extra_is_one_of_the_distribution() -> None:
    """`all` has each of them, so that a message never names one that does not exist."""
    extras = PROJECT["optional-dependencies"]

    assert set(EXTRAS) == set(extras) - {"all", "dev"}
    assert extras["all"] == [f"pulumi-runpod-serverless[{','.join(EXTRAS)}]"]


def test_a_program_needs_the_base_install_alone() -> None:
    """All resources and components can be imported, the providers' modules included, and the command has its help."""
    done = python(
        BASE_INSTALL
        + """
import pulumi_runpod, pulumi_runpod.components as components
for name in pulumi_runpod.__all__:
    getattr(pulumi_runpod, name)
for name in components.__all__:
    getattr(components, name)
import pulumi_runpod.resources.providers, pulumi_runpod.emulator.pytest_plugin
sys.argv = ["pulumi-runpod", "--help"]
from pulumi_runpod.cli.main import main
main()
"""
    )

    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["emulator", "start"], "local"),
        (["emulator", "serve"], "local"),
        (["cost", "--gpu-pools", "ADA_24", "--plot", "cost.png"], "plot"),
    ],
)
def test_a_command_names_the_extra_that_it_needs(arguments: list[str], extra: str) -> None:
    """One line on stderr with the command that installs it, exit code 1."""
    done = python(
        BASE_INSTALL + f"sys.argv = {['pulumi-runpod', *arguments]}\nfrom pulumi_runpod.cli.main import main\nmain()"
    )

    assert done.returncode == 1, done.stderr
    assert done.stderr.count("\n") == 1
    assert f"pip install 'pulumi-runpod-serverless[{extra}]'" in done.stderr


@pytest.mark.parametrize(
    ("code", "extra"),
    [
        ("from pulumi_runpod.emulator.local import LocalRunPod", "local"),
        ("from pulumi_runpod.gitops.github_api import Repository; Repository('team/endpoints', 'token')", "gitops"),
    ],
)
def test_code_gets_an_error_that_names_the_extra(code: str, extra: str) -> None:
    """The last line of the traceback has the command that installs it."""
    done = python(BASE_INSTALL + code)

    assert done.returncode == 1
    assert f"pip install 'pulumi-runpod-serverless[{extra}]'" in done.stderr.splitlines()[-1]


def test_an_image_names_its_extra_in_one_line() -> None:
    """As an error of the program, which the engine prints without a traceback."""
    done = python(
        BASE_INSTALL
        + """
import pulumi
from pulumi.runtime import Mocks, set_mocks
import asyncio
asyncio.set_event_loop(asyncio.new_event_loop())

class Nothing(Mocks):
    def new_resource(self, args): return "id", args.inputs
    def call(self, args): return {}

set_mocks(Nothing())
from pulumi_runpod.components import WorkerImage, WorkerImageArgs
try:
    WorkerImage("worker", WorkerImageArgs(repository="registry.example.com/team/worker"))
except pulumi.RunError as error:
    print(error)
"""
    )

    needed = "WorkerImage 'worker' needs pulumi_docker_build: pip install 'pulumi-runpod-serverless[image]'"
    assert done.stdout.strip() == needed, done.stderr


def test_another_package_of_the_same_name_is_an_error_of_the_import(tmp_path: Path) -> None:
    """A generated SDK in the same folder overwrites parts of this one: the message says which to remove, and how."""
    shutil.copytree(ROOT / "pulumi_runpod", tmp_path / "pulumi_runpod", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "pulumi_runpod" / "_utilities.py").write_text("")
    done = python("import pulumi_runpod", cwd=tmp_path)

    assert done.returncode == 1
    assert "pip uninstall -y pulumi-runpod" in done.stderr.splitlines()[-1]
