"""Which Python runs a program, and how `pulumi install` makes it: pip and uv, without any network."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from probe_projects import ROOT, Projects, plugins_named_here

pytestmark = pytest.mark.engine

WHERE = "import sys\n\nimport pulumi\n\npulumi.export('prefix', sys.prefix)\n"


def write_wheel(directory: Path, name: str, files: Mapping[str, str]) -> None:
    """A wheel of version 99.0, as a package index would hold it."""
    info = f"{name}-99.0.dist-info"
    content = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 99.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = []
    for path, text in content.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record.append(f"{path},sha256={digest},{len(text.encode())}")
    content[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,"]) + "\n"
    with zipfile.ZipFile(directory / f"{name}-99.0-py3-none-any.whl", "w") as wheel:
        for path, text in content.items():
            wheel.writestr(path, text)


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Settings that make pip and uv see one directory of wheels and nothing else."""
    directory = tmp_path_factory.mktemp("wheels")
    write_wheel(directory, "probe_dependency", {"probe_dependency.py": "WORD = 'installed'\n"})
    # What `pulumi install` updates first, whatever the program asks for.
    for name in ("setuptools", "wheel"):
        write_wheel(directory, name, {f"{name}/__init__.py": ""})
    return {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(directory),
        "UV_OFFLINE": "1",
        "UV_NO_INDEX": "1",
        "UV_FIND_LINKS": str(directory),
        "UV_PYTHON": sys.executable,
    }


def write_virtualenv(directory: Path) -> None:
    """A virtual environment that sees the SDK of this clone's own, made without installing anything."""
    site = directory / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    site.mkdir(parents=True)
    (directory / "bin").mkdir()
    base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    (directory / "bin" / "python").symlink_to(base)
    (directory / "pyvenv.cfg").write_text(f"home = {base.parent}\ninclude-system-site-packages = false\n")
    (site / "sdk.pth").write_text(str(next((ROOT / ".venv" / "lib").glob("python3*")) / "site-packages"))


def test_a_relative_virtualenv_lies_in_the_project_root_also_for_a_program_in_a_subdirectory(
    projects: Projects,
) -> None:
    """`main: src/` moves the program, not its environment."""
    project = projects.make(
        {"src/__main__.py": WHERE}, runtime="{name: python, options: {virtualenv: env}}", main="src/"
    )
    write_virtualenv(project.directory / "env")
    done = project.up()
    assert done.status == 0, done.text
    assert project.pulumi("stack", "output", "prefix").out.strip() == str(project.directory / "env")


def test_a_dynamic_resource_of_a_program_with_a_virtualenv_runs_in_that_environment(projects: Projects) -> None:
    """Program and shim agree where Pulumi.yaml and the program are in one directory."""
    project = projects.make(
        {"__main__.py": "import toolchain_probe\n\ntoolchain_probe.Probe('a', 3)\n"},
        runtime="{name: python, options: {toolchain: pip, virtualenv: env}}",
    )
    write_virtualenv(project.directory / "env")
    done = project.up()
    assert done.status == 0, done.text
    assert done.diagnostics == []


def test_a_virtualenv_that_is_something_else_is_named_with_the_commands_that_make_one(projects: Projects) -> None:
    """The text says what to run."""
    project = projects.make(
        {"__main__.py": WHERE, "env/notes.txt": ""}, runtime="{name: python, options: {virtualenv: env}}"
    )
    done = project.up()
    assert done.status != 0
    assert "doesn't appear to be a virtual environment" in done.text
    assert f"python3 -m venv {project.directory}/env" in done.text
    assert "Traceback" not in done.text


@pytest.mark.parametrize("options", ["{toolchain: poetry}", "{toolchain: conda}", "{virtualenv: 3}"])
def test_an_option_that_cannot_be_served_is_refused_by_name(projects: Projects, options: str) -> None:
    """One message that names the option, no traceback."""
    done = projects.make({"__main__.py": WHERE}, runtime=f"{{name: python, options: {options}}}").up()
    assert done.status != 0
    assert options.strip("{}").split(":")[0] in done.text
    assert "Traceback" not in done.text


def test_install_makes_the_virtualenv_and_installs_the_requirements(projects: Projects, index: dict[str, str]) -> None:
    """pip: the environment that Pulumi.yaml names, what requirements.txt lists."""
    project = projects.make(
        {"__main__.py": "", "requirements.txt": "probe_dependency\n"},
        runtime="{name: python, options: {toolchain: pip, virtualenv: env}}",
    )
    done = project.pulumi("install", environ=index)
    assert done.status == 0, done.text
    assert "Finished installing dependencies" in done.text
    about = json.loads(project.pulumi("about", "--json").out)
    assert about["runtime"]["executable"] == str(project.directory / "env" / "bin" / "python")
    assert {"name": "probe-dependency", "version": "99.0"} in about["dependencies"]


def test_a_failed_install_shows_what_pip_said(projects: Projects, index: dict[str, str]) -> None:
    """The package that could not be found is named."""
    project = projects.make(
        {"__main__.py": "", "requirements.txt": "no_such_distribution\n"},
        runtime="{name: python, options: {toolchain: pip, virtualenv: env}}",
    )
    done = project.pulumi("install", environ=index)
    assert done.status != 0
    assert "No matching distribution found for no_such_distribution" in done.text


def test_install_with_uv_syncs_the_project(projects: Projects, index: dict[str, str]) -> None:
    """uv: `.venv` beside pyproject.toml, by uv's own resolution."""
    project = projects.make(
        {
            "__main__.py": "",
            "pyproject.toml": '[project]\nname = "p"\nversion = "0"\nrequires-python = ">=3.11"\n'
            'dependencies = ["probe_dependency"]\n',
        },
        runtime="{name: python, options: {toolchain: uv}}",
    )
    done = project.pulumi("install", environ=index)
    assert done.status == 0, done.text
    about = json.loads(project.pulumi("about", "--json", environ=index).out)
    assert about["runtime"]["executable"] == str(project.directory / ".venv" / "bin" / "python")
    assert {"name": "probe-dependency", "version": "99.0"} in about["dependencies"]


def test_install_with_uv_turns_a_requirements_file_into_a_project(projects: Projects, index: dict[str, str]) -> None:
    """A uv project with what the file lists; the file stays."""
    project = projects.make(
        {"__main__.py": "", "requirements.txt": "probe_dependency\n"},
        runtime="{name: python, options: {toolchain: uv}}",
    )
    done = project.pulumi("install", environ=index)
    assert done.status == 0, done.text
    described = (project.directory / "pyproject.toml").read_text()
    assert "probe-dependency" in described.replace("_", "-")
    assert (project.directory / "requirements.txt").exists()


def test_only_a_package_that_says_so_needs_a_plugin(projects: Projects) -> None:
    """The engine learns the plugin's own name and version from pulumi-plugin.json, and nothing from a name alone."""
    project = projects.make(
        {
            "__main__.py": "",
            "packages/pulumi_bridged/pulumi-plugin.json": '{"resource": true, "name": "bridged", "version": "1.2.3"}',
            "packages/pulumi_bridged-4.dist-info/METADATA": "Metadata-Version: 2.1\nName: pulumi-bridged\nVersion: 4\n",
            "packages/pulumi_plain-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: pulumi-plain\nVersion: 1\n",
        }
    )
    about = project.pulumi("about", "--json", environ={"PYTHONPATH": str(project.directory / "packages")})
    named = {(one["name"], one["version"]) for one in json.loads(about.out)["plugins"] if one["kind"] == "resource"}
    assert named - plugins_named_here() == {("bridged", "1.2.3")}
