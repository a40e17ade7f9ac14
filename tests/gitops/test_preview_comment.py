"""`pulumi-runpod preview-comment` on the real engine, a local RunPod and a stand-in for GitHub."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.gitops.comment import MARKER
from pulumi_runpod.gitops.engine import preview_all
from pulumi_runpod.gitops.workspace import Workspace
from tests.gitops.document import blocks
from tests.gitops.github_server import FORK, WORKFLOW, GitHubServer, github_server
from tests.gitops.pulumi_project import KEY, PulumiProject
from tests.pulumi_folder import ROOT

pytestmark = pytest.mark.engine
NUMBER = 7
STACKS = {"dev": "update", "staging": "unchanged", "prod": "replace"}


@dataclass(frozen=True)
class Desk:
    """A project with a stack in each situation, as a workflow of a pull request sees it."""

    project: PulumiProject
    runpod: LocalRunPod
    github: GitHubServer
    summary: Path

    def preview(
        self, stacks: str, *arguments: str, token: str = "workflow-token", **environment: str
    ) -> CompletedProcess[str]:
        self.summary.unlink(missing_ok=True)
        workflow = {
            **self.github.environment(token),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_RUN_ID": "4711",
            "GITHUB_EVENT_PATH": str(self.summary.with_name("event.json")),
            **environment,
        }
        return self.project.command("preview-comment", "--stacks", stacks, *arguments, **workflow)

    def shell(self, command: str) -> CompletedProcess[str]:
        """As a person who has a token types it."""
        named = self.github.environment()
        return self.project.run("bash", "-euo", "pipefail", "-c", command, **named)

    @property
    def said(self) -> str:
        """The job summary."""
        return self.summary.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def module_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    base = tmp_path_factory.mktemp("gitops")
    event = {"pull_request": {"number": NUMBER, "head": {"sha": "feedfacefeedfacefeedfacefeedfacefeedface"}}}
    (base / "event.json").write_text(json.dumps(event))
    with LocalRunPod() as runpod, github_server() as github:
        project = PulumiProject(base, runpod.environment)
        for name, situation in {**STACKS, "secrets": "secrets", "broken": "crash"}.items():
            project.stack(name, situation)
        yield Desk(project, runpod, github, base / "summary.md")


@pytest.fixture
def desk(module_desk: Desk) -> Desk:
    """An open pull request without comments."""
    module_desk.github.comments.clear()
    module_desk.github.calls.clear()
    module_desk.github.open_pull_request(NUMBER)
    return module_desk


def test_all_stacks_come_into_one_comment_that_is_kept(desk: Desk) -> None:
    """Posted once and then edited; the same is printed and in the job summary; nothing is deployed by it."""
    desk.runpod.forget_calls()
    first = desk.preview(",".join(STACKS), "--post")
    (comment,) = desk.github.comments_on(NUMBER)
    summary = desk.said
    second = desk.preview("dev", "--no-refresh", "--post")

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert comment.user == WORKFLOW
    assert desk.github.comments_on(NUMBER) == [comment]
    url = f"https://github.com/team/endpoints/pull/7#issuecomment-{comment.id}"
    assert first.stderr == second.stderr == f"comment: {url}\n"
    assert first.stdout.strip() == summary.strip()
    assert second.stdout.strip() == comment.body.strip()
    for result in ("2 updated", "<span>$</span>104.09, as now", "**2 replaced**", "`images` stops answering"):
        assert result in summary
    assert "Preview of `feedfacefeed` in [this run](https://github.com/team/endpoints/actions/runs/4711)." in summary
    assert {call.method for call in desk.runpod.calls()} == {"GET"}


def test_one_engine_runs_for_each_stack_and_all_at_once(desk: Desk, tmp_path: Path) -> None:
    """`pulumi` is started once for each stack, and none waits for another to end: all meet before any goes on."""
    with socket.create_server(("127.0.0.1", 0)) as meeting:
        meeting.settimeout(60)
        before_pulumi = tmp_path / "pulumi"
        before_pulumi.write_text(
            f"#!{sys.executable} -IS\nimport os, socket, sys\n"
            f"socket.create_connection({meeting.getsockname()!r}, 60).recv(1)\n"
            "os.execvp('pulumi', sys.argv)\n"
        )
        before_pulumi.chmod(0o755)

        def meet() -> None:
            here = [meeting.accept()[0] for _ in STACKS]
            for one in here:
                one.close()

        with ThreadPoolExecutor(1) as beside:
            met = beside.submit(meet)
            workspace = Workspace(desk.project.directory, str(before_pulumi), desk.project.environment)
            previews = preview_all(workspace, list(STACKS))
            met.result()

    assert [preview.stack for preview in previews] == list(STACKS)
    assert not any(preview.failed for preview in previews), previews


def test_json_has_everything(desk: Desk) -> None:
    """One object with a preview for each stack, in the order asked for."""
    done = desk.preview("prod,dev", "--format", "json")
    output = json.loads(done.stdout)

    assert done.returncode == 0, done.stderr
    assert [stack["stack"] for stack in output["stacks"]] == ["prod", "dev"]
    prod, dev = output["stacks"]
    assert [change["action"] for change in prod["changes"]] == ["replace", "replace"]
    assert prod["urls"][0]["url"].startswith(desk.runpod.jobs)
    assert dev["cost"]["now"]["expected"] < dev["cost"]["then"]["expected"]
    assert not desk.github.calls


def test_drift_is_found_by_the_refresh_alone(desk: Desk) -> None:
    """What idle days did to an endpoint is reported with its cause; without a refresh no object is asked for."""
    desk.runpod.advance(3 * 24 * 3600 + 60)
    review = desk.preview("staging")
    desk.runpod.forget_calls()
    silent = desk.preview("staging", "--no-refresh")

    assert "`workers.max` is `2`, should be `3`. Cause: RunPod has lowered workers.max from 3 to 2" in review.stdout
    assert "Cause:" not in silent.stdout
    assert {call.path for call in desk.runpod.calls()} == {"/v2/catalog/gpus"}


def test_a_failed_preview_is_posted_beside_the_others(desk: Desk) -> None:
    """Exit code 3, one line; the comment has the reason, and the stack that worked as ever."""
    done = desk.preview("broken,dev", "--post")
    (comment,) = desk.github.comments_on(NUMBER)

    assert done.returncode == 3
    assert done.stderr.splitlines()[0].startswith("error: preview of broken failed: ValueError: the settings are wrong")
    assert "## Pulumi preview: ❌ 1 stack failed" in comment.body
    assert "2 updated" in comment.body
    assert "Traceback" not in done.stdout + done.stderr


def test_an_unknown_stack_is_named(desk: Desk) -> None:
    """Exit code 3; the other stack is previewed, and both stand in comment and summary."""
    done = desk.preview("absent,dev", "--post")

    assert done.returncode == 3
    assert done.stderr.splitlines()[0] == "error: preview of absent failed: no stack named 'absent' found"
    assert "**failed**: no stack named 'absent' found" in desk.said
    assert desk.github.comments_on(NUMBER)[0].body.strip() == desk.said.strip()


def test_a_policy_refuses_one_stack_beside_the_others(desk: Desk, tmp_path: Path) -> None:
    """Run by the engine; exit code 3 and one line; as advice alone it is no failure."""
    pack = ("--policy-pack", str(ROOT / "policy"))
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps(dict.fromkeys(("gpu-allow-list", "endpoint-cost-ceiling"), "advisory")))
    refused = desk.preview("dev,staging", *pack, "--post", "--no-refresh")
    (comment,) = desk.github.comments_on(NUMBER)
    advised = desk.preview("dev", "--policy-pack-config", str(rules), "--no-refresh", POLICY_PACK=pack[1])

    assert refused.returncode == 3
    result = "error: preview of dev failed: policy endpoint-cost-ceiling (runpod), sdxl: sdxl can cost"
    assert refused.stderr.splitlines()[0].startswith(result)
    assert "**refused by policy**: `endpoint-cost-ceiling`, `gpu-allow-list`<br>2 updated" in comment.body
    assert "✅&nbsp;**`staging`**" in comment.body
    assert advised.returncode == 0, advised.stderr
    assert "`gpu-allow-list` of `runpod` advises against `sdxl`" in advised.stdout


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param(("--policy-pack", "/nowhere"), "/nowhere is no policy pack", id="no pack"),
        pytest.param(("--policy-pack-config", __file__), "more --policy-pack-config than --policy-pack", id="no place"),
        pytest.param(("--policy-pack-config", "/nowhere.json"), "no file /nowhere.json", id="no rules"),
    ],
)
def test_a_policy_pack_that_is_none_is_refused_before_anything_runs(
    desk: Desk, arguments: tuple[str, ...], text: str
) -> None:
    """Exit code 1, one line, in the job summary, too; no call."""
    desk.runpod.forget_calls()
    done = desk.preview("dev", *arguments)

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert text in done.stderr
    assert text in desk.said
    assert not desk.runpod.calls()


def test_no_secret_is_published(desk: Desk) -> None:
    """Not the stack's secret that the program says aloud, nor the keys of the environment, in either form."""
    done = desk.preview("secrets", "--post", HF_TOKEN="as it will be")
    form = desk.preview("secrets", "--format", "json")
    (comment,) = desk.github.comments_on(NUMBER)
    published = f"{done.stdout}{done.stderr}{form.stdout}{desk.said}{comment.body}"

    assert "the key is `[secret]`" in done.stdout
    assert KEY not in published
    assert "workflow-token" not in published
    assert "as it will be" not in done.stdout
    assert "`password`: another `[secret]`" in done.stdout


@pytest.mark.parametrize(
    ("token", "environment", "text"),
    [
        pytest.param("fork-token", {}, "403 Resource not accessible by integration: The token may only", id="a fork"),
        pytest.param("wrong", {}, "401 Bad credentials: the token is wrong or has expired", id="a wrong token"),
        pytest.param("workflow-token", {"GITHUB_TOKEN": ""}, "no GitHub token: set GITHUB_TOKEN", id="no token"),
        pytest.param("workflow-token", {"GITHUB_REPOSITORY": ""}, "which repository?", id="no repository"),
        pytest.param("workflow-token", {"GITHUB_EVENT_PATH": ""}, "which pull request? --pr N", id="no number"),
        pytest.param(
            "workflow-token", {"GITHUB_API_URL": "http://127.0.0.1:9"}, "no answer (ConnectionError)", id="no GitHub"
        ),
    ],
)
def test_where_it_cannot_be_posted_one_line_says_so(
    desk: Desk, token: str, environment: dict[str, str], text: str
) -> None:
    """Exit code 1, one line, in the job summary, too; the report is printed and in the summary all the same."""
    done = desk.preview("staging", "--post", "--no-refresh", token=token, **environment)

    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert text in line
    assert line.startswith("error: ")
    assert done.stdout.startswith(MARKER)
    assert desk.said.startswith(done.stdout.strip())
    assert desk.said.startswith(MARKER)
    assert text in desk.said
    assert not desk.github.comments_on(NUMBER)
    assert not FORK.may_write


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param(("--stacks", ""), "names no stack", id="no name"),
        pytest.param(("--stacks", "dev,--yes"), "is no name of a stack", id="an option for a name"),
        pytest.param(("--stacks", "dev", "--format", "xml"), "'xml' is not one of", id="an unknown form"),
        pytest.param(("--stacks", "dev", "--pr", "0"), "--pr", id="a number that none has"),
        pytest.param((), "--stacks", id="no stacks at all"),
    ],
)
def test_wrong_usage_is_refused_before_anything_runs(desk: Desk, arguments: tuple[str, ...], text: str) -> None:
    """Exit code 2, and no call."""
    desk.runpod.forget_calls()
    done = desk.project.command("preview-comment", *arguments)

    assert done.returncode == 2
    assert text in done.stderr
    assert not desk.runpod.calls()


@pytest.mark.parametrize(
    ("environment", "text"),
    [
        pytest.param({"RUNPOD_API_KEY": "rpa_ABCDEFGHIJ1234567890ABCDEFGHIJ1234567890"}, "401", id="a wrong key"),
        pytest.param({"RUNPOD_API_BASE_URL": "http://127.0.0.1:9"}, "cannot connect", id="no RunPod"),
    ],
)
def test_a_service_that_does_not_answer_is_a_failed_preview(desk: Desk, environment: dict[str, str], text: str) -> None:
    """The reason is reported, not a traceback."""
    done = desk.preview("staging", **environment)

    assert done.returncode == 3
    assert text in desk.said
    assert "Preview failed" not in desk.said
    assert done.stderr.count("\n") == 1
    assert "rpa_" not in desk.said + done.stderr
    assert "Traceback" not in desk.said


def test_the_commands_of_the_document_do_what_it_says(desk: Desk) -> None:
    """Each block in its own shell: a report, a comment, data in a file."""
    commands = blocks("sh")
    done = [desk.shell(command) for command in commands]
    document = json.loads((desk.project.directory / "preview.json").read_text())

    assert len(commands) == 3
    assert [one.returncode for one in done] == [0, 0, 0], [one.stderr for one in done]
    assert done[0].stdout.startswith(MARKER)
    assert len(desk.github.comments_on(NUMBER)) == 1
    assert [stack["stack"] for stack in document["stacks"]] == ["dev", "prod"]


def test_outside_of_a_project_one_line_says_what_is_missing(desk: Desk, tmp_path: Path) -> None:
    """Exit code 1."""
    summary = tmp_path / "summary.md"
    command = f"cd {tmp_path} && pulumi-runpod preview-comment --stacks dev"
    done = desk.project.run("sh", "-c", command, GITHUB_STEP_SUMMARY=str(summary))

    assert done.returncode == 1
    assert done.stderr.startswith("error: no Pulumi.yaml in ")
    assert "no Pulumi.yaml in" in summary.read_text()
