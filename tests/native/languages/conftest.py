"""Programs in other languages, and what runs them: made by `python3 tools/setup.py --only languages`, and by npm."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.native.install import install

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pulumi-runpod"
sys.path.insert(0, str(ROOT / "tools"))

from bootstrap.go_programs import CODEGEN, YAML_HOST, GoProgram, entry_name  # noqa: E402 - found in tools/
from bootstrap.places import this_clone  # noqa: E402


def documented(language: str) -> str:
    """The program in this language on the page of the native provider."""
    page = (ROOT / "docs" / "native.md").read_text()
    return page.split(f"```{language}\n", 1)[1].split("```", 1)[0]


@dataclass(frozen=True)
class Project:
    """A Pulumi project of any language with stack `dev`, whose providers talk to a local RunPod."""

    directory: Path
    environ: dict[str, str]

    def pulumi(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color", "never"],
            cwd=self.directory,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )

    def done(self, *arguments: str) -> str:
        """What a command that must succeed has printed."""
        finished = self.pulumi(*arguments)
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished.stdout


def built(program: GoProgram) -> Path:
    """Skips where the optional part of the set-up has not been made."""
    found = this_clone().cache / entry_name(program, this_clone()) / program.name
    if not found.is_file():
        pytest.skip(f"no {program.name}: python3 tools/setup.py --only languages")
    return found


@pytest.fixture(scope="session")
def codegen() -> Path:
    return built(CODEGEN)


@pytest.fixture
def local() -> Iterator[LocalRunPod]:
    with LocalRunPod() as running:
        yield running


@pytest.fixture
def project(tmp_path: Path, local: LocalRunPod) -> Project:
    """With the plugin installed, and the YAML host on PATH where it has been built."""
    toolchain = (ROOT / ".venv" / "bin" / "pulumi").resolve().parent
    yaml_host = this_clone().cache / entry_name(YAML_HOST, this_clone())
    for name in ("project", "backend"):
        (tmp_path / name).mkdir()
    install(tmp_path / "home")
    made = Project(
        tmp_path / "project",
        {
            **{name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR", "XDG_CACHE_HOME") if name in os.environ},
            **local.environment,
            "PATH": os.pathsep.join(map(str, (toolchain, yaml_host, ROOT / ".venv" / "bin", os.environ["PATH"]))),
            "PULUMI_HOME": str(tmp_path / "home"),
            "PULUMI_BACKEND_URL": f"file://{tmp_path / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": "languages",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        },
    )
    (made.directory / "Pulumi.yaml").write_text("name: languages\nruntime: yaml\n")
    made.done("stack", "init", "dev")
    return made


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """Pulumi's SDK for Node and the TypeScript compiler, at the hashes of package-lock.json, once for all clones."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed")
    lock = (HERE / "package-lock.json").read_bytes()
    home = CACHE / f"typescript-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not home.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix="typescript-") as folder:
            fresh = Path(folder, "new")
            fresh.mkdir()
            for name in ("package.json", "package-lock.json"):
                shutil.copy2(HERE / name, fresh)
            command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(command, cwd=fresh, capture_output=True, text=True, check=False, timeout=280)
            assert done.returncode == 0, done.stderr
            try:
                fresh.rename(home)
            except OSError:
                assert home.is_dir()  # another run was faster
    return home / "node_modules"
