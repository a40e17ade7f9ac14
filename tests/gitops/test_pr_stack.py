"""An endpoint for a pull request, on the real engine: made, updated and taken away, and never left over."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psutil
import pytest

from tests.gitops.team import LABEL, PROJECT, ROOT, Team

pytestmark = pytest.mark.engine
HELD = 3600.0
"""Seconds of the local RunPod's clock that an answer is held back: until a test moves the clock."""
MARKER = "<!-- pulumi-runpod:pr-stack -->"


def test_a_labelled_pull_request_gets_an_endpoint_and_closing_it_takes_it_away(team: Team) -> None:
    """One endpoint on the platform's volume, never warm; one comment, whose command works; nothing is left after."""
    team.github.open_pull_request(7, labels=[LABEL])
    volumes = team.objects("network volume")
    first = team.json("pr-stack", "up", "--pr", "7", "--post")
    (endpoint_id,) = team.objects("endpoint")
    shown = json.loads(team.done("pulumi-runpod", "endpoint", "show", "--stack", "pr-7", "--json"))
    again = team.json("pr-stack", "up", "--pr", "7", "--post")
    (comment,) = team.github.comments_on(7)

    assert (first["outcome"], first["endpointId"]) == ("deployed", endpoint_id)
    assert again["endpointId"] == endpoint_id
    assert shown["workers"]["min"] == 0
    assert shown["workers"]["max"] == 1
    assert shown["networkVolumes"] == volumes == team.objects("network volume")
    assert comment.body.startswith(MARKER)
    assert shown["requestUrls"]["run"] in comment.body
    assert "of the team" not in comment.body + team.summary

    team.github.issues[7].state = "closed"
    down = team.json("pr-stack", "down", "--pr", "7", "--post")
    assert down["outcome"] == "removed"
    assert "Nothing of it is left" in comment.body
    assert team.github.comments_on(7) == [comment]


def test_the_command_in_the_comment_gets_an_answer_from_a_worker(team: Team) -> None:
    """What the comment says is copied into a shell and run, with the key in the environment."""
    team.github.open_pull_request(8, labels=[LABEL])
    result = team.json("pr-stack", "up", "--pr", "8", "--post", "--input", '{"say": "it\'s me"}')
    (comment,) = team.github.comments_on(8)
    found = re.search(r"^```text\n(curl .*?)^```", comment.body, re.MULTILINE | re.DOTALL)
    assert found, comment.body
    answered = subprocess.run(
        ["bash", "-c", found[1]],
        env={**team.environment, "RUNPOD_API_KEY": team.runpod.api_key},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    team.done("pulumi-runpod", "pr-stack", "down", "--pr", "8")

    assert result["runsyncUrl"] in found[1]
    assert answered.returncode == 0, answered.stderr
    assert json.loads(answered.stdout)["id"]


@pytest.mark.parametrize(("state", "labels"), [("closed", [LABEL]), ("open", ["docs"])])
def test_a_pull_request_that_wants_none_has_no_stack(team: Team, state: str, labels: list[str]) -> None:
    """Closed, or without the label: nothing is made, what was there goes, and no empty comment is written."""
    team.github.open_pull_request(9, labels=labels, state=state)
    team.runpod.forget_calls()
    none = team.json("pr-stack", "up", "--pr", "9", "--post")

    assert none["outcome"] == "absent"
    assert not team.runpod.calls("POST")
    assert not team.github.comments_on(9)

    team.github.open_pull_request(9, labels=[LABEL])
    team.json("pr-stack", "up", "--pr", "9")
    team.github.open_pull_request(9, labels=labels, state=state)
    assert team.json("pr-stack", "up", "--pr", "9", "--post")["outcome"] == "removed"
    assert team.objects("endpoint") == []


def test_a_first_update_that_fails_is_taken_back(team: Team) -> None:
    """The endpoint is refused: the template made before it goes again, and the comment says why."""
    team.github.open_pull_request(10, labels=[LABEL])
    team.runpod.fault("http.status", method="POST", path="/v2/serverless", status=402, detail="no funds are left")
    failed = team.command("pr-stack", "up", "--pr", "10", "--post")
    (comment,) = team.github.comments_on(10)

    assert failed.returncode == 3
    assert failed.stderr.count("error:") == 1
    assert "no funds are left" in failed.stderr
    assert "no funds are left" in comment.body
    assert "nothing of it is left" in comment.body
    assert "no funds are left" in team.summary
    assert "Traceback" not in failed.stderr + comment.body


def test_what_a_policy_refuses_is_not_made_for_a_pull_request_either(team: Team) -> None:
    """The comment names the policy and what is wrong; nothing is made, and nothing is left."""
    team.github.open_pull_request(20, labels=[LABEL])
    (team.directory / "rules.json").write_text(json.dumps({"endpoint-cost-ceiling": {"usdPerMonth": 1}}))
    team.runpod.forget_calls()
    rules = ("--policy-pack", str(ROOT / "policy"), "--policy-pack-config", "rules.json")
    refused = team.command("pr-stack", "up", "--pr", "20", "--post", *rules)
    (comment,) = team.github.comments_on(20)

    assert refused.returncode == 3
    assert "policy endpoint-cost-ceiling (runpod)" in refused.stderr
    assert "policy endpoint-cost-ceiling (runpod)" in comment.body
    assert not team.runpod.calls("POST", "/v2/serverless*")


def test_a_later_update_that_fails_leaves_the_endpoint_of_the_push_before(team: Team) -> None:
    """Its URL answers as before, and the next push mends it."""
    team.github.open_pull_request(11, labels=[LABEL])
    first = team.json("pr-stack", "up", "--pr", "11", "--post")
    team.runpod.fault("http.status", method="PATCH", path="/v2/serverless/*", status=400, detail="not like this")
    failed = team.command("pr-stack", "up", "--pr", "11", "--post", "--workers-max", "2")
    (comment,) = team.github.comments_on(11)
    failed_text = comment.body
    mended = team.json("pr-stack", "up", "--pr", "11", "--post", "--workers-max", "2")

    assert failed.returncode == 3
    assert first["runUrl"] in failed_text
    assert "not like this" in failed_text
    assert mended["endpointId"] == first["endpointId"]
    assert team.json("pr-stack", "down", "--pr", "11")["outcome"] == "removed"


def test_closing_during_an_update_takes_down_what_it_makes(team: Team) -> None:
    """The request is asked for again afterwards: the endpoint that nobody wants any more goes at once."""
    issue = team.github.open_pull_request(12, labels=[LABEL])
    team.runpod.fault("http.delay", method="POST", path="/v2/serverless", delay=1.0)
    running = team.start("pulumi-runpod", "pr-stack", "up", "--pr", "12", "--post", "--format", "json")
    team.until(team.fault_struck, running)
    issue.state = "closed"
    result, complaint = running.communicate()

    assert running.returncode == 0, complaint
    assert (json.loads(result)["outcome"], json.loads(result)["why"]) == ("removed", "the pull request is closed")
    assert team.runpod.calls("DELETE", "/v2/serverless/*")
    assert team.objects("endpoint") == []


def test_two_pushes_in_a_row_make_one_endpoint(team: Team) -> None:
    """The second waits until the first is done, and finds what it made."""
    team.github.open_pull_request(13, labels=[LABEL])
    team.runpod.fault("http.delay", method="POST", path="/v2/serverless", delay=HELD)
    first = team.start("pulumi-runpod", "pr-stack", "up", "--pr", "13", "--format", "json")
    team.until(team.fault_struck, first)
    second = team.start("pulumi-runpod", "pr-stack", "up", "--pr", "13", "--workers-max", "2", "--format", "json")
    waits = waiting(second)
    team.runpod.advance(HELD)
    result, complaint = first.communicate()
    output_again, complaint_again = second.communicate()

    assert "stack pr-13 is locked by" in waits
    assert first.returncode == 0, complaint
    assert second.returncode == 0, complaint_again
    assert json.loads(result)["endpointId"] == json.loads(output_again)["endpointId"]
    assert team.objects("endpoint") == [json.loads(result)["endpointId"]]
    assert team.json("pr-stack", "down", "--pr", "13")["outcome"] == "removed"


def test_a_push_during_the_teardown_starts_anew(team: Team) -> None:
    """The label was taken off and put back: the new endpoint comes after the old one is gone, with its stack."""
    team.github.open_pull_request(14, labels=[LABEL])
    old = team.json("pr-stack", "up", "--pr", "14")
    team.runpod.fault("http.delay", method="DELETE", path="/v2/serverless/*", delay=HELD)
    going = team.start("pulumi-runpod", "pr-stack", "down", "--pr", "14", "--format", "json")
    team.until(team.fault_struck, going)
    coming = team.start("pulumi-runpod", "pr-stack", "up", "--pr", "14", "--format", "json")
    waits = waiting(coming)
    team.runpod.advance(HELD)
    result, complaint = going.communicate()
    output_new, complaint_new = coming.communicate()

    assert "stack pr-14 is locked by" in waits
    assert going.returncode == 0, complaint
    assert coming.returncode == 0, complaint_new
    assert json.loads(result)["outcome"] == "removed"
    new = json.loads(output_new)
    assert new["outcome"] == "deployed"
    assert new["endpointId"] != old["endpointId"]
    assert team.objects("endpoint") == [new["endpointId"]]
    assert team.json("pr-stack", "down", "--pr", "14")["outcome"] == "removed"


@pytest.mark.parametrize("then", ["up", "down"])
def test_what_a_killed_runner_has_made_is_found_again(team: Team, then: str) -> None:
    """`pulumi` is killed while it creates the endpoint: without its lock, its endpoint is the stack's."""
    team.github.open_pull_request(15, labels=[LABEL])
    team.runpod.fault("http.delay", method="POST", path="/v2/serverless", delay=HELD)
    killed = team.start("pulumi-runpod", "pr-stack", "up", "--pr", "15")
    team.until(team.fault_struck, killed)
    with lost_runner(killed):
        team.runpod.advance(HELD)
        team.until(lambda: team.objects("endpoint") != [])
    made = team.objects("endpoint")
    team.done("pulumi", "cancel", "--stack", "pr-15", "--yes")
    after = team.json("pr-stack", then, "--pr", "15")

    if then == "up":
        assert (after["outcome"], after["endpointId"]) == ("deployed", made[0])
        after = team.json("pr-stack", "down", "--pr", "15")
    assert after["outcome"] == "removed"
    assert team.objects("endpoint") == []


def test_a_lock_is_left_alone_until_its_owner_cannot_live_any_more(team: Team) -> None:
    """One of another machine is waited for, however old; it is removed where somebody has said from which age on."""
    team.github.open_pull_request(16, labels=[LABEL])
    team.json("pr-stack", "up", "--pr", "16")
    lock = f"organization/{PROJECT}/pr-16/another.json"
    now = datetime.now(UTC)
    owner: dict[str, str | int] = {"pid": 1, "username": "runner", "hostname": "elsewhere"}
    team.backend.put_lock(lock, {**owner, "timestamp": (now - timedelta(days=5)).isoformat()})
    refused = team.command("pr-stack", "up", "--pr", "16", "--wait", "0")
    team.backend.put_lock(lock, {**owner, "timestamp": (now - timedelta(minutes=61)).isoformat()})
    down = team.json("pr-stack", "down", "--pr", "16", "--unlock-after", "60")

    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1, refused.stderr
    assert "runner@elsewhere" in refused.stderr
    assert "runner@elsewhere" in team.summary
    assert down["outcome"] == "removed"


@pytest.mark.parametrize(
    ("words", "environment", "text"),
    [
        (["up", "--pr", "17"], {"GITHUB_TOKEN": ""}, "no GitHub token"),
        (["up", "--pr", "17"], {"GITHUB_TOKEN": "wrong"}, "the token is wrong or has expired"),
        (["up", "--pr", "17"], {"GITHUB_API_URL": "http://127.0.0.1:9"}, "no answer"),
        (["up", "--pr", "404"], {}, "404"),
        (["up"], {}, "which pull request?"),
        (["up", "--pr", "17", "--from", "nothing"], {}, "no stack nothing"),
        (["up", "--pr", "17", "--platform", "nowhere"], {}, "--own-volume"),
        (["up", "--pr", "17"], {"PULUMI_CONFIG_PASSPHRASE": "another"}, "passphrase"),
        (["sweep"], {"GITHUB_TOKEN": ""}, "no GitHub token"),
    ],
)
def test_what_cannot_work_is_reported_in_one_line_and_in_the_summary(
    team: Team, words: list[str], environment: dict[str, str], text: str
) -> None:
    """Exit code 1, one line, no traceback, nothing made."""
    team.github.open_pull_request(17, labels=[LABEL])
    refused = team.command("pr-stack", *words, **environment)

    assert refused.returncode == 1, refused.stdout
    assert text in refused.stderr
    assert refused.stderr.startswith("error: ")
    assert refused.stderr.count("\n") == 1, refused.stderr
    assert text in team.summary


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--input", "{no json"], "is no JSON"),
        (["--input", f'"{"x" * 20_000}"'], "too many for a comment"),
        (["--set", "image"], "is not KEY=VALUE"),
        (["--platform", "platform", "--own-volume"], "is either named, or not used at all"),
    ],
)
def test_wrong_usage_is_refused_before_github_is_asked(team: Team, words: list[str], text: str) -> None:
    """Exit code 2."""
    refused = team.command("pr-stack", "up", "--pr", "17", *words)

    assert refused.returncode == 2
    assert text in " ".join(refused.stderr.split())
    assert not team.github.calls


def test_a_token_that_may_only_read_ends_in_one_line_after_the_work(team: Team) -> None:
    """As a fork's: the comment is refused, what was done is in the summary and printed."""
    team.github.open_pull_request(18, labels=[LABEL])
    refused = team.command("pr-stack", "up", "--pr", "18", "--post", GITHUB_TOKEN="fork-token")

    assert refused.returncode == 1
    assert refused.stderr.count("error:") == 1
    assert "403" in refused.stderr
    assert MARKER in team.summary
    assert "403" in team.summary
    assert team.json("pr-stack", "down", "--pr", "18")["outcome"] == "removed"


def test_a_volume_of_its_own_goes_with_the_stack(team: Team) -> None:
    """Without a platform, `--own-volume`: the volume is not protected, and is gone after `down`."""
    team.github.open_pull_request(19, labels=[LABEL])
    team.json("pr-stack", "up", "--pr", "19", "--own-volume")
    (made,) = set(team.objects("network volume")) - {
        json.loads(team.done("pulumi", "stack", "output", "volumes", "--stack", "platform"))["EU-RO-1"]
    }

    assert team.json("pr-stack", "down", "--pr", "19")["outcome"] == "removed"
    assert made not in team.objects("network volume")


def waiting(process: subprocess.Popen[str]) -> str:
    """The line about its wait, as soon as it prints it."""
    assert process.stderr is not None
    return process.stderr.readline()


@contextlib.contextmanager
def lost_runner(process: subprocess.Popen[str]) -> Iterator[None]:
    """Killed with `pulumi`, which it started. Providers have sent what they have sent, and end after the block."""
    family = psutil.Process(process.pid).children(recursive=True)
    for member in [psutil.Process(process.pid), *family]:
        if member.name() in ("pulumi", "pulumi-runpod"):
            member.kill()
    yield
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    process.communicate()
