"""SDKs for Go and Python from the same schema compile. They are generated in a test, and kept nowhere."""

from __future__ import annotations

import compileall
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bootstrap.go import go_on_path
from bootstrap.places import this_clone
from pulumi_runpod.native.schema import schema, schema_text
from tests.native.languages.conftest import ROOT

pytestmark = [pytest.mark.process, pytest.mark.exhaustive]


@pytest.fixture
def generated(tmp_path: Path, codegen: Path) -> Path:
    (tmp_path / "schema.json").write_text(schema_text())
    subprocess.run([codegen, "schema.json", ".", "go", "python"], cwd=tmp_path, check=True)
    return tmp_path


def test_the_go_sdk_compiles(generated: Path) -> None:
    """With the modules that the code generator itself is pinned to."""
    go = go_on_path()
    if go is None:
        pytest.skip("PATH has no Go that is new enough")
    base = schema()["language"]["go"]["importBasePath"].rpartition("/")[0]
    pins = ROOT / "tools" / "go" / "codegen"
    shutil.copy2(pins / "go.sum", generated / "go")
    text = re.sub(r"^module .*$", f"module {base}", (pins / "go.mod").read_text(), count=1, flags=re.MULTILINE)
    (generated / "go" / "go.mod").write_text(text)
    caches = this_clone().cache / "go"
    environ = {
        **os.environ,
        "GOMODCACHE": str(caches / "mod"),
        "GOCACHE": str(caches / "build"),
        "GOFLAGS": "-modcacherw -mod=mod -buildvcs=false",
        "CGO_ENABLED": "0",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }
    done = subprocess.run(
        [go, "build", "./..."], cwd=generated / "go", env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_python_sdk_compiles(generated: Path) -> None:
    """Under its own name: `pulumi_runpod` is this package."""
    package = generated / "python" / "pulumi_runpod_native"

    assert compileall.compile_dir(package, quiet=1)
    assert (package / "endpoint.py").is_file()
