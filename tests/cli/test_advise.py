"""`pulumi-runpod advise`: rules on the command line, with exit codes."""

from __future__ import annotations

import json

import pytest
from click.testing import Result
from typer.testing import CliRunner

from pulumi_runpod.cli.main import app
from pulumi_runpod.planning.rules import RULE_IDS

QUIET = ["--gpu-pools", "ADA_24", "--offline"]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["advise", *arguments])


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 0),
        (["--idle-timeout-seconds", "5"], 3),
        (["--execution-timeout-seconds", "300", "--endpoint-timeout-seconds", "300"], 4),
        (["--vram", "18"], 0),
        (["--workers-max=-1"], 2),
    ],
)
def test_the_exit_code_says_how_bad_it_is(arguments: list[str], code: int) -> None:
    """0 nothing but information, 2 wrong usage, 3 a warning, 4 an error."""
    assert run(*QUIET, *arguments).exit_code == code


def test_advice_says_rule_reason_fix_and_money() -> None:
    """A GPU five times too large, kept warm: named, and worth $1,555.20 a month."""
    done = run("--gpu-pools", "AMPERE_80", "--vram", "12", "--workers-min", "1", "--offline")

    assert "endpoint: warning: RP001 GPU larger than needed: AMPERE_80 has 80 GB" in done.stdout
    assert "Saves $1,555.20 a month." in done.stdout


def test_a_silenced_rule_does_not_count() -> None:
    """A reason given by id: shown as silenced, exit code 0."""
    done = run(*QUIET, "--idle-timeout-seconds", "5", "--silence", "RP004=one user, who waits")

    assert done.exit_code == 0
    assert "silenced: RP004 idle timeout short for bursty traffic (one user, who waits)" in done.stdout


def test_a_silence_of_no_rule_is_wrong_usage() -> None:
    """A misspelt id would silence nothing, and is refused."""
    done = run(*QUIET, "--silence", "RP99=x")

    assert done.exit_code == 2
    assert done.stderr == "error: --silence RP99: there is no such rule; known are RP001 to RP017\n"


def test_json_carries_every_part() -> None:
    """One object a service, with severity and money as a number."""
    done = run("--gpu-pools", "AMPERE_80", "--vram", "12", "--workers-min", "1", "--offline", "--json")
    (result,) = json.loads(done.stdout)

    assert result["worst"] == "warning"
    (advice,) = result["advice"]
    assert (advice["id"], advice["severity"], advice["savingPerMonth"]) == ("RP001", "warning", 1555.2)


def test_the_rules_can_be_listed() -> None:
    """Every rule with its id, severity and title."""
    output = json.loads(run("--rules", "--json").stdout)

    assert tuple(rule["id"] for rule in output) == RULE_IDS
    assert all(rule["id"] in run("--rules").stdout for rule in output)
