"""The examples as a stranger runs them: outside the repository, with the wheel in its own environment.

Their README's commands are what is run, on the real engine and a local RunPod.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pulumi_runpod.emulator.local import LocalRunPod

ROOT = Path(__file__).resolve().parents[2]
PROJECTS = sorted(readme.parent.name for readme in (ROOT / "examples").glob("*/README.md"))

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]


def run(command: str, folder: Path, **environment: str) -> str:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PULUMI", "RUNPOD", "VIRTUAL_ENV", "PYTHONPATH"))}
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env={**kept, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def venv(tmp_path_factory: pytest.TempPathFactory, copy_project: Callable[[Path], None]) -> Path:
    """An environment with the wheel, built from the files of a clone, and its dependencies as pinned."""
    uv, folder = ROOT / ".venv" / "bin" / "uv", tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    copy_project(source)
    run(f"{uv} build -q --wheel --out-dir {folder} {source}", folder)
    (wheel,) = folder.glob("*.whl")
    made = folder / "venv"
    pins = folder / "constraints.txt"
    pins.write_text(re.sub(r" \\\n(    --hash=\S+( \\)?\n)+", "\n", (ROOT / "requirements-dev.txt").read_text()))
    run(f"{uv} venv -q --seed {made}", folder)
    run(f"{uv} pip install -q --python {made}/bin/python -c {pins} '{wheel}[local,weights]'", folder)
    return made


def commands(project: str) -> list[str]:
    """Those of a README below `examples/`."""
    (block,) = re.findall(
        r"^```bash\n(.*?)^```", (ROOT / "examples" / project / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )
    return list(block.splitlines())


@pytest.mark.parametrize("project", PROJECTS)
def test_an_example_deploys_from_the_wheel_alone(
    project: str, venv: Path, tmp_path: Path, local_runpod: LocalRunPod
) -> None:
    """Every command of its README ends well, something was created, and nothing is left."""
    folder = tmp_path / project
    shutil.copytree(ROOT / "examples" / project, folder)
    (folder / "venv").symlink_to(venv)
    (tmp_path / "backend").mkdir()
    environment = {
        **local_runpod.environment,
        "PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}",
        "PULUMI_BACKEND_URL": f"file://{tmp_path / 'backend'}",
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_CONFIG_PASSPHRASE": "examples",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    for command in commands(project):
        run(command, folder, **environment)

    assert local_runpod.calls("POST", "/v2/serverless")
    for kind in ("serverless", "templates", "network-volumes"):
        made = [c for c in local_runpod.calls("POST", f"/v2/{kind}") if c.status == 201]
        gone = [c for c in local_runpod.calls("DELETE", f"/v2/{kind}/*") if c.status == 204]
        assert len(made) == len(gone), kind


def test_a_newcomer_gets_from_a_clone_to_a_deployed_example(venv: Path, tmp_path: Path) -> None:
    """By the commands of the README of all examples, then those of the first; in the environment of these tests."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    way = "\n".join(commands("."))
    for result, here in (
        (
            "python3 -m venv ~/one-service/venv\n~/one-service/venv/bin/pip install '.[local,weights]'",
            f"ln -s {venv} ~/one-service/venv",
        ),
        ("pulumi-runpod emulator start", f"pulumi-runpod emulator start --port {port}"),
        (":8777", f":{port}"),
    ):
        assert result in way
        way = way.replace(result, here)
    try:
        said = run("\n".join(["set -e", way, *commands("one-service")]), ROOT, HOME=str(tmp_path))
    finally:
        run(f"{venv}/bin/pulumi-runpod emulator stop", tmp_path / "one-service")

    assert f"http://127.0.0.1:{port}/v2/" in said
    assert "4 deleted" in said


def test_the_package_is_not_imported_from_the_repository(venv: Path, tmp_path: Path) -> None:
    """What the examples import lies in their own environment."""
    where = run(f"{venv}/bin/python -c 'import pulumi_runpod; print(pulumi_runpod.__file__)'", tmp_path)

    assert Path(where.strip()).is_relative_to(venv)


def test_the_package_brings_the_sources_of_its_worker_along(venv: Path, tmp_path: Path) -> None:
    """`WorkerImageArgs` without a source builds from them: all that the images take in is there, byte for byte."""
    asked = "from pulumi_runpod.components.worker_source import worker_source; print(worker_source())"
    source = Path(run(f"{venv}/bin/python -c '{asked}'", tmp_path).strip())
    taken = [
        *(ROOT / "worker").glob("sdxl_worker/*.py"),
        *(ROOT / "worker").glob("*Dockerfile"),
        *(ROOT / "worker").glob("*.dockerignore"),
        *(ROOT / "worker" / name for name in ("cuda_floor", "requirements.lock", "requirements-installer.lock")),
    ]

    assert source.is_relative_to(venv)
    assert len(taken) > 20
    for file in taken:
        assert (source / file.relative_to(ROOT / "worker")).read_bytes() == file.read_bytes(), file
