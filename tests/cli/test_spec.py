"""`pulumi-runpod spec`: readable, and an exit code that a pipeline can trust."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pulumi_runpod.cli.main import app
from pulumi_runpod.errors import RunPodError

CONTRACT = Path(__file__).parents[1] / "conformance" / "runpod-v2.contract.json"
runner = CliRunner()


def test_the_published_document_passes() -> None:
    """Exit code 0, and what is newer is listed as such."""
    result = runner.invoke(app, ["spec", "check", str(CONTRACT)])

    assert result.exit_code == 0
    assert result.output.splitlines()[-1].startswith("0 differences, ")
    assert "newer than the document: POST /v2/serverless body.cmd" in result.output


def test_a_difference_is_listed_and_fails(tmp_path: Path) -> None:
    """Exit code 1, the difference first; the same as JSON."""
    document = json.loads(CONTRACT.read_text())
    document["components"]["schemas"]["CreateNetworkVolumeRequest"]["properties"]["size"]["maximum"] = 8192
    file = tmp_path / "newer.json"
    file.write_text(json.dumps(document))

    result = runner.invoke(app, ["spec", "check", str(file)])
    assert result.exit_code == 1
    assert result.output.splitlines()[0] == "POST /v2/network-volumes body.size: maximum is 8192, and 4096 here"

    as_json = runner.invoke(app, ["spec", "check", "--json", str(file)])
    assert [d["where"] for d in json.loads(as_json.output) if not d["newer"]] == ["POST /v2/network-volumes body.size"]


@pytest.mark.parametrize(
    ("content", "text"),
    [(None, "No such file"), ("{", "not JSON"), ("[]", "no JSON object"), ("{}", "is no OpenAPI document")],
)
@pytest.mark.parametrize("command", ["check", "table"])
def test_a_wrong_file_is_one_line(tmp_path: Path, content: str | None, text: str, command: str) -> None:
    """Missing, malformed, or something else."""
    file = tmp_path / "spec.json"
    if content is not None:
        file.write_text(content)

    result = runner.invoke(app, ["spec", command, str(file)])

    assert isinstance(result.exception, RunPodError)
    assert text in str(result.exception)


def test_the_table_is_the_one_in_the_docs() -> None:
    """What the command prints is what is committed."""
    result = runner.invoke(app, ["spec", "table", str(CONTRACT)])

    assert result.output == (Path(__file__).parents[2] / "docs" / "compatibility.md").read_text()
