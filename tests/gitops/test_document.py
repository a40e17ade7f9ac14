"""What `docs/gitops.md` says of data, options, exit codes and the workflow to copy is what the code does."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import typer
import yaml
from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from pulumi_runpod.cli.main import app
from pulumi_runpod.gitops import preview
from pulumi_runpod.gitops.preview import StackPreview
from tests.gitops.document import TEXT, blocks, section
from tests.pulumi_folder import ROOT

COMMANDS: Mapping[str, typer.core.click.Command] = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def rows(text: str) -> dict[str, str]:
    """First cell -> second."""
    return dict(re.findall(r"^\| (.+?) \| (.+?) \|", text, re.MULTILINE))


def test_every_field_of_the_data_is_described() -> None:
    """Fields of a stack in the first column; those of what is in them beside."""
    result = rows(section("As data"))
    named = {name for cell in result for name in re.findall(r"`(\w+)`", cell)}

    assert named == {to_camel(name) for name in StackPreview.model_fields} | {"failed"}
    for field, model in {
        "changes": preview.ResourceChange,
        "urls": preview.UrlChange,
        "cost": preview.CostChange,
        "drift": preview.Drift,
        "notices": preview.Notice,
        "violations": preview.Violation,
    }.items():
        assert issubclass(model, BaseModel)
        assert {to_camel(name) for name in model.model_fields} <= set(re.findall(r"`(\w+)`", result[f"`{field}`"])), (
            field
        )


def test_every_option_of_the_previews_is_described_and_no_other() -> None:
    """`--stacks` to `--format`, as `--help` has them."""
    named = set(re.findall(r"--[a-z][a-z-]+", section("Previews")))
    there = {word for option in COMMANDS["preview-comment"].params for word in (*option.opts, *option.secondary_opts)}

    assert named == {word for word in there if word.startswith("--")} - {"--refresh", "--help"}


@pytest.mark.parametrize("name", ["preview-comment", "deploy", "drift"])
def test_exit_codes_are_those_of_the_help(name: str) -> None:
    """The same numbers in the table and in the command's own words."""
    table = section("Exit codes")
    head = [cell.strip(" `") for cell in table.strip().splitlines()[0].strip("|").split("|")]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.strip().splitlines()[2:]]
    codes = {line[0] for line in lines if len(line) == len(head) and line[head.index(name)]}
    said = (COMMANDS[name].callback.__doc__ or "").split("Exit codes:")[1]

    assert codes == set(re.findall(r"(?:^|; ) ?(\d) ", re.sub(r"\s+", " ", said).strip()))


def test_the_workflow_to_copy_is_sound(tmp_path: Path) -> None:
    """No finding of actionlint or zizmor; as narrow as the one of this repository, and no secret for a fork."""
    (workflow,) = blocks("yaml")
    file = tmp_path / ".github" / "workflows" / "preview.yml"
    file.parent.mkdir(parents=True)
    file.write_text(workflow)
    actionlint = subprocess.run(
        ["python3", "tools/setup.py", "--print", "actionlint"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    for linter in ([actionlint], [str(ROOT / ".venv/bin/zizmor"), "--offline", "--quiet"]):
        found = subprocess.run([*linter, file], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert found.returncode == 0, found.stdout + found.stderr
    document = yaml.safe_load(workflow)
    ours = yaml.safe_load((ROOT / ".github/workflows/preview.yml").read_text())

    assert document["permissions"] == ours["permissions"] == {}
    assert document["concurrency"] == ours["concurrency"]
    assert document["jobs"]["preview"]["if"] in ours["jobs"]["preview"]["if"]
    assert document["jobs"]["preview"]["permissions"].items() <= ours["jobs"]["preview"]["permissions"].items()
    assert [s["uses"] for s in document["jobs"]["preview"]["steps"] if "uses" in s] == [
        s["uses"] for s in ours["jobs"]["preview"]["steps"] if "uses" in s and "aws-" not in s["uses"]
    ]


def test_every_variable_that_the_workflows_read_is_described() -> None:
    """Of the repository, and its secrets."""
    workflows = "".join(file.read_text() for file in (ROOT / ".github" / "workflows").glob("*.yml"))
    read = set(re.findall(r"\b(?:vars|secrets)\.(\w+)", workflows))

    assert read <= set(re.findall(r"`([A-Z_]+)`", TEXT))
