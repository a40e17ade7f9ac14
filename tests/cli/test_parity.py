"""`pulumi-runpod parity`, against a recording: one run of the script, no second service."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pulumi_runpod.cli.main import app
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.operations.parity import local_worker
from pulumi_runpod.operations.parity.script import IMAGE


def test_an_amount_that_is_not_one_is_refused() -> None:
    """Before any call; the option and an example are named."""
    for text in ("free", "-1", "0", "nan", "inf"):
        result = CliRunner().invoke(app, ["parity", "--max-cost", text])
        assert result.exit_code == 2
        assert "--max-cost" in result.output


def test_without_a_key_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line that names the variable."""
    monkeypatch.delenv("RUNPOD_API_KEY", raising=False)
    result = CliRunner().invoke(app, ["parity", "--max-cost", "1"])
    assert "RUNPOD_API_KEY" in str(result.exception)


@pytest.mark.process
def test_differences_from_a_recording_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 3, JSON with step and place; the answers are in the file that --record names."""
    empty = tmp_path / "empty.json"
    empty.write_text(json.dumps({"service": "elsewhere", "recorded": "2026-11-25", "steps": []}))
    with LocalRunPod(workers={IMAGE: f"{sys.executable} {local_worker.__file__}"}) as server:
        for name, value in server.environment.items():
            monkeypatch.setitem(os.environ, name, value)
        options = ["--max-cost", "1", "--against", str(empty), "--record", str(tmp_path / "account.json"), "--json"]
        result = CliRunner().invoke(app, ["parity", *options])
    assert result.exit_code == 3, result.output
    report = json.loads(result.stdout)
    assert report["leftOver"] == []
    assert {"step": "job.cold: end", "where": "step", "account": "answered", "other": "(absent)"} in report[
        "differences"
    ]
    assert json.loads((tmp_path / "account.json").read_text())["steps"]
