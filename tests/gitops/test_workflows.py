"""The workflows: linted, pinned, without more rights than they need, and every command of theirs runs here as well."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from pulumi_runpod.client import RunPodClient
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire import ENDPOINTS
from tests.gitops.team import IMAGE, LABEL, ROOT, Team

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CI = ROOT / ".github" / "workflows" / "ci.yml"
SECRETS = re.compile(r"\$\{\{ *secrets\.")
THIS_RUN = re.compile(r"make (check|test|test-quick)( ARGS=.*)?")
"""What runs this very test: they are not run again, but looked up."""


@dataclass(frozen=True)
class Step:
    workflow: str
    job: str
    run: str
    environment: Mapping[str, str]


def loaded(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(file.read_text())
    return document


def steps() -> Iterator[Step]:
    for file in WORKFLOWS:
        for job, result in loaded(file)["jobs"].items():
            for step in result["steps"]:
                if "run" in step:
                    yield Step(file.stem, job, step["run"], {**result.get("env", {}), **step.get("env", {})})


def substituted(value: str) -> str | None:
    """An expression's default, as on GitHub where the variable is not set; None where a team must set it."""
    found = re.fullmatch(r"\$\{\{ *vars\.\w+ \|\| '([^']*)' *\}\}", value)
    if found:
        return found[1]
    return None if "${{" in value else value


def test_actionlint_and_zizmor_find_nothing() -> None:
    """Both as `make check` runs them, without a network."""
    actionlint = subprocess.run(
        ["python3", "tools/setup.py", "--print", "actionlint"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    linted = subprocess.run([actionlint, *WORKFLOWS], cwd=ROOT, capture_output=True, text=True, check=False)
    audited = subprocess.run(
        [ROOT / ".venv/bin/zizmor", "--offline", "--quiet", *WORKFLOWS], capture_output=True, text=True, check=False
    )

    assert linted.returncode == 0, linted.stdout
    assert audited.returncode == 0, audited.stdout


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_workflow_is_pinned_bounded_and_has_few_rights(file: Path) -> None:
    """Actions by commit; nothing granted but by a job; every job ends; runs do not overlap."""
    document = loaded(file)

    assert document["permissions"] == {}
    for job in document["jobs"].values():
        uses = [step["uses"] for step in job["steps"] if "uses" in step]
        assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", name) for name in uses), uses
        assert job["timeout-minutes"] < 60 or file.stem == "ci"
        assert "concurrency" in document or "concurrency" in job
        assert job["permissions"]["contents"] == "read"
        assert {k for k, v in job["permissions"].items() if v == "write"} <= {"pull-requests", "issues", "id-token"}


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_pull_request_of_a_fork_gets_no_secret(file: Path) -> None:
    """A job that sees secrets runs on pull requests of this repository alone, and never as `pull_request_target`."""
    text = file.read_text()
    document = loaded(file)

    assert "pull_request_target" not in text
    for job in document["jobs"].values():
        if "pull_request" in document[True] and SECRETS.search(json.dumps(job)):
            assert "head.repo.full_name == github.repository" in job["if"]


def test_the_parts_of_ci_are_all_tests() -> None:
    """Each folder with tests is in one part: the part `rest` leaves out what the others have."""
    parts = {one["part"]: one["paths"] for one in loaded(CI)["jobs"]["test"]["strategy"]["matrix"]["include"]}
    *left_out, everything = parts.pop("rest").split()
    worker = parts.pop("worker")

    assert (everything, worker) == ("tests", "tests/worker")
    assert sorted(left_out) == sorted(f"--ignore={path}" for path in parts.values())
    assert all((ROOT / path).is_dir() for path in parts.values())


@pytest.mark.engine
@pytest.mark.timeout(600)
def test_every_command_of_the_workflows_runs_here(module_team: Team, tmp_path: Path) -> None:
    """In the order of a team's day: deploy, preview, an endpoint for the pull request, drift, removal, sweep."""
    team = module_team
    (team.directory / ".venv").symlink_to(ROOT / ".venv")
    for stack in ("staging", "prod"):
        team.done("pulumi", "stack", "init", stack, "--no-select")
        team.done("pulumi", "config", "cp", "--stack", "dev", "--dest", stack)
        team.done("pulumi", "config", "set", "platformStack", "platform", "--stack", stack)
    team.done("pulumi", "config", "rm", "image", "--stack", "prod")
    team.done("pulumi", "config", "set", "platformStack", "platform", "--stack", "dev")
    team.github.open_pull_request(30, labels=[LABEL])
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 30, "head": {"sha": "c" * 40}}}))

    day = ["ci", "deploy", "preview", "pr-stack", "drift", "sweep"]
    for step in sorted(steps(), key=lambda step: day.index(step.workflow)):
        environment = {k: result for k, v in step.environment.items() if (result := substituted(v)) is not None}
        if target := THIS_RUN.fullmatch(step.run):
            assert f"\n{target[1]}:" in (ROOT / "Makefile").read_text()
            continue
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", step.run.replace("sweep --ttl", "sweep --apart 0 --ttl")],
            cwd=ROOT if step.run.startswith("make ") else team.directory,
            env={**team.environment, "GITHUB_EVENT_PATH": str(event), **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, f"{step.workflow}: {step.run}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"

    images = {
        json.loads(team.done("pulumi-runpod", "endpoint", "show", "--stack", stack, "--json"))["image"]
        for stack in ("dev", "staging", "prod")
    }
    assert images == {IMAGE}
    assert sorted(comment.body.split("\n")[0] for comment in team.github.comments_on(30)) == [
        "<!-- pulumi-runpod:pr-stack -->",
        "<!-- pulumi-runpod:preview -->",
    ]
    assert "pr-30" not in team.stacks()


@pytest.mark.engine
def test_only_a_digest_is_deployed_by_digest(module_team: Team) -> None:
    """A tag is refused before anything is done, with the command that mends it; without the flag it is a choice."""
    team = module_team
    if "tagged" not in team.stacks():
        team.done("pulumi", "stack", "init", "tagged", "--no-select")
        team.done("pulumi", "config", "cp", "--stack", "dev", "--dest", "tagged")
    team.done("pulumi", "config", "set", "image", "registry.example.com/team/sdxl-worker:v1", "--stack", "tagged")
    refused = team.command("deploy", "--stack", "tagged", "--by-digest")

    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "pulumi config set image" in refused.stderr
    assert "names no digest" in team.summary


@pytest.mark.engine
def test_a_deployment_that_a_policy_refuses_touches_no_endpoint(module_team: Team) -> None:
    """Exit code 3; the policy and what is wrong in one line and in the summary."""
    team = module_team
    (team.directory / "rules.json").write_text(json.dumps({"endpoint-cost-ceiling": {"usdPerMonth": 1}}))
    team.runpod.forget_calls()
    rules = ("--policy-pack", str(ROOT / "policy"), "--policy-pack-config", "rules.json")
    refused = team.command("deploy", "--stack", "dev", *rules)

    assert refused.returncode == 3
    assert refused.stderr.count("\n") == 1
    assert "policy endpoint-cost-ceiling (runpod)" in refused.stderr
    assert "policy endpoint-cost-ceiling (runpod)" in team.summary
    assert {call.method for call in team.runpod.calls(path="/v2/serverless*")} <= {"GET"}


@pytest.mark.engine
def test_drift_opens_one_issue_and_closes_it_when_it_is_gone(module_team: Team) -> None:
    """Opened once, a cause for each change; updated; closed after the repair. Exit code 4 without an issue."""
    team = module_team
    team.done("pulumi", "config", "set", "workersMax", "5", "--stack", "dev")
    team.done("pulumi-runpod", "deploy", "--stack", "dev")
    endpoint_id = json.loads(team.done("pulumi", "stack", "output", "--json", "--stack", "dev"))["endpoint_id"]
    none = team.command("drift", "--stacks", "dev")
    with RunPodClient(Settings.load({}, team.runpod.environment)) as client:
        client.update(ENDPOINTS, endpoint_id, ENDPOINTS.update.model_validate({"flashboot": "OFF"}))  # type: ignore[union-attr]
    completed = team.command("drift", "--stacks", "dev", "--format", "json")
    first = team.command("drift", "--stacks", "dev", "--report")
    again = team.command("drift", "--stacks", "dev", "--report")
    team.runpod.advance(3 * 24 * 3600 + 60)
    half = team.command("drift", "--stacks", "dev,nowhere", "--report")
    issues = [issue for issue in team.github.issues.values() if not issue.pull_request]
    team.done("pulumi", "up", "--refresh", "--yes", "--skip-preview", "--stack", "dev", "--non-interactive")
    blind = team.command("drift", "--stacks", "dev,nowhere", "--report")
    still = issues[0].state
    healed = team.command("drift", "--stacks", "dev", "--report")

    assert none.returncode == 0, none.stderr
    assert completed.returncode == 4, completed.stderr
    assert json.loads(completed.stdout)["stacks"][0]["drift"][0]["cause"]
    assert (first.returncode, again.returncode, half.returncode, blind.returncode) == (0, 0, 3, 3)
    assert "issue opened" in first.stderr
    assert "issue unchanged" in again.stderr
    assert "issue updated" in half.stderr
    by_hand, by_runpod = sorted(re.findall(r"^- Endpoint `sdxl`: (.*)$", issues[0].body, re.MULTILINE))
    assert by_hand.startswith("`flashboot` is `OFF`")
    assert "Cause: changed outside of Pulumi" in by_hand
    assert by_runpod.startswith(
        "`workers.max` is `2`, should be `5`. Cause: RunPod has lowered workers.max from 5 to 2"
    )
    assert "as after 3 days without requests" in by_runpod
    assert len(issues) == 1
    assert still == "open"
    assert (healed.returncode, issues[0].state) == (0, "closed")


def test_drift_without_a_token_is_one_line_after_the_report(module_team: Team) -> None:
    """The report is printed and in the summary; the issue cannot be kept."""
    refused = module_team.command("drift", "--stacks", "dev", "--report", GITHUB_TOKEN="")

    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "no GitHub token" in refused.stderr
    assert "## Drift" in module_team.summary
    assert "no GitHub token" in module_team.summary


@pytest.mark.engine
def test_a_deployment_that_fails_says_why_and_the_next_one_mends_it(module_team: Team) -> None:
    """Exit code 3, RunPod's own reason in one line and in the summary; then the same command deploys."""
    team = module_team
    team.done("pulumi-runpod", "deploy", "--stack", "dev")
    team.done("pulumi", "config", "set", "workersMax", "4", "--stack", "dev")
    team.runpod.fault("http.status", method="PATCH", path="/v2/serverless/*", status=400, detail="not like this")
    failed = team.command("deploy", "--stack", "dev")
    result = team.summary
    mended = team.command("deploy", "--stack", "dev", "--format", "json")

    assert failed.returncode == 3
    assert failed.stderr.count("\n") == 1
    assert "not like this" in failed.stderr
    assert "not like this" in result
    assert [c["action"] for c in json.loads(mended.stdout)["changes"] if c["kind"] == "Endpoint"] == ["update"]
