"""`pulumi-runpod endpoint`: what the service says, secrets left out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from pulumi_runpod.cli.main import app

pytestmark = pytest.mark.engine
runner = CliRunner()


def invoke(*arguments: str) -> str:
    result = runner.invoke(app, ["endpoint", *arguments])
    assert result.exit_code == 0, result.exception
    return result.stdout


def test_show_is_what_the_api_returns(at_project: Any) -> None:
    """With `requestUrls` and whatever else the service sends; env values hidden unless asked for."""
    completed = json.loads(invoke("show", "--stack", "dev", "--json"))

    assert completed["id"] == at_project.endpoint_id
    assert completed["requestUrls"]["run"].endswith(f"/v2/{at_project.endpoint_id}/run")
    assert completed["env"] == {"TOKEN": "[secret]"}
    assert json.loads(invoke("show", "-s", "dev", "--json", "--show-secrets"))["env"] == {"TOKEN": "hf_s3cretvalue"}
    assert "hf_s3cretvalue" not in invoke("show", "-s", "dev")


def test_an_endpoint_is_found_though_the_update_that_made_it_failed(at_project: Any) -> None:
    """No outputs were recorded then; the state has it, and its workers are what a person wants to look at."""
    completed = json.loads(invoke("show", "--stack", "halfway", "--json"))

    assert completed["id"] == at_project.endpoint_id


def test_list_names_every_endpoint(at_project: Any) -> None:
    """As a table, and as JSON."""
    assert at_project.endpoint_id in invoke("list", "-s", "dev").splitlines()[1]
    assert [e["id"] for e in json.loads(invoke("list", "-s", "dev", "--json"))] == [at_project.endpoint_id]


def test_workers_and_their_logs_are_shown(at_project: Any) -> None:
    """The one worker that always runs, and what it has written."""
    workers = json.loads(invoke("workers", "-s", "dev", "--json"))["workers"]

    assert len(workers) == 1
    assert workers[0]["id"] in invoke("workers", "-s", "dev")
    lines = [json.loads(line) for line in invoke("logs", "-s", "dev", "--json").splitlines()]
    assert {line["workerId"] for line in lines} <= {workers[0]["id"]}
    assert invoke("logs", workers[0]["id"], "-s", "dev").count("\n") >= len(lines)
