"""The TypeScript SDK that Pulumi's own generator makes of the schema: type-checked, and its program run by Node."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.native.schema import schema_text
from tests.native.languages.conftest import Project, documented
from tests.native.languages.node_host import NodeHost, served

pytestmark = [pytest.mark.engine, pytest.mark.process, pytest.mark.exhaustive]
OPTIONS = {
    "target": "ES2020",
    "module": "commonjs",
    "moduleResolution": "node",
    "strict": True,
    "declaration": True,
    "skipLibCheck": True,
    "types": ["node"],
}


@pytest.fixture
def program(tmp_path: Path, codegen: Path, node_modules: Path) -> Path:
    """The compiled program beside its `node_modules`, with the SDK among them."""
    folder = tmp_path / "typescript"
    shutil.copytree(node_modules, folder / "node_modules", symlinks=True)
    (folder / "schema.json").write_text(schema_text())
    subprocess.run([codegen, "schema.json", "generated", "nodejs"], cwd=folder, check=True)
    sdk = folder / "node_modules" / "@runpod-serverless" / "pulumi"
    sdk.mkdir(parents=True)
    shutil.copy2(folder / "generated" / "nodejs" / "package.json", sdk)
    (folder / "index.ts").write_text(documented("typescript"))
    compile_(
        folder, "sdk.json", {"outDir": str(sdk), "rootDir": "generated/nodejs"}, include=["generated/nodejs/**/*.ts"]
    )
    compile_(folder, "program.json", {}, files=["index.ts"])
    return folder / "index.js"


def compile_(folder: Path, name: str, options: dict[str, str], **what: list[str]) -> None:
    """`tsc` with strict checks; every complaint fails the test."""
    (folder / name).write_text(json.dumps({"compilerOptions": {**OPTIONS, **options}, **what}))
    compiler = folder / "node_modules" / "typescript" / "bin" / "tsc"
    done = subprocess.run(["node", compiler, "-p", name], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_typescript_program_deploys_a_service(program: Path, project: Project, local: LocalRunPod) -> None:
    """The program of the page. `node_host` replaces the official language host; all else is real."""
    host = NodeHost(program.parent, program)
    (project.directory / "Pulumi.yaml").write_text("name: languages\nruntime: nodejs\n")
    with served(host) as address:
        project.done("up", "--yes", "--skip-preview", "--client", address)
        project.done("up", "--yes", "--skip-preview", "--expect-no-changes", "--client", address)
    outputs = json.loads(project.done("stack", "output", "--json"))
    [endpoint] = local.call(lambda p: [row.body for row in p.store.list("endpoint")])

    assert outputs["url"].endswith("/runsync")
    assert endpoint["env"] == {"MODEL_NAME": "sdxl"}
