"""What no pull request needs any more is found and removed, and what somebody needs or works on is left alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from pulumi_runpod.client import RunPodClient
from pulumi_runpod.errors import RunPodError
from pulumi_runpod.gitops.deployment import StackSummary
from pulumi_runpod.gitops.sweeping import Due, sweep_objects
from pulumi_runpod.resources.naming import automatic_name, prefix, project_marker
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire import NETWORK_VOLUMES, TEMPLATES
from pulumi_runpod.wire.network_volume import CreateNetworkVolume
from pulumi_runpod.wire.template import CreateTemplate
from tests.gitops.team import IMAGE, LABEL, PROJECT, Team
from tests.gitops.test_pr_stack import HELD, MARKER

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Thing:
    id: str
    kind: str = "template"
    name: str = "worker"
    holds_data: bool = False


def outcomes(rows: Sequence[dict[str, str]]) -> dict[str, str]:
    return {row["stack"]: row["outcome"] for row in rows}


@pytest.mark.parametrize(
    ("age", "unwanted", "due"),
    [
        (timedelta(hours=71), None, None),
        (timedelta(hours=73), None, "not updated for 72 hours"),
        (timedelta(hours=1), "the pull request is closed", "the pull request is closed"),
        (None, None, None),
    ],
)
def test_a_stack_is_due_when_its_request_is_closed_or_its_time_is_over(
    age: timedelta | None, unwanted: str | None, due: str | None
) -> None:
    """Counted from its last update; one that is being made has none yet."""
    result = Due(unwanted=lambda _: unwanted, time_to_live=timedelta(hours=72), now=NOW)
    summary = StackSummary(full_name="pr-7", last_update=None if age is None else NOW - age)

    assert result.why(summary, 7) == due


def test_only_what_two_listings_agree_on_is_an_orphan() -> None:
    """One that a stack knows by the second listing is of an update that was running; the wait lies between."""
    items: list[str] = []
    listings = iter([[Thing("old"), Thing("being made")], [Thing("old"), Thing("just made")]])
    swept = sweep_objects(
        lambda: next(listings),
        lambda thing: items.append(thing.id),
        apart=timedelta(seconds=60),
        sleep=lambda seconds: items.append(f"waited {seconds:g}"),
    )

    assert items == ["waited 60", "old"]
    assert [(o.id, o.outcome) for o in swept] == [("old", "removed")]


def test_an_orphan_that_cannot_be_deleted_does_not_keep_the_next_from_it() -> None:
    """Its reason is reported; a volume is never deleted."""
    things = [Thing("used"), Thing("disk", kind="network volume", holds_data=True), Thing("free")]

    def delete(thing: Thing) -> None:
        if thing.id == "used":
            raise RunPodError("something still uses it")

    swept = sweep_objects(lambda: things, delete, apart=timedelta(0))

    assert {o.id: o.outcome for o in swept} == {"used": "failed", "disk": "kept", "free": "removed"}
    assert swept[0].why == "something still uses it"


@pytest.mark.engine
def test_a_sweep_removes_closed_and_old_stacks_and_keeps_the_others(team: Team) -> None:
    """Dry first: it says the same and does nothing. The comment of the removed one names it."""
    for number in (21, 22):
        team.github.open_pull_request(number, labels=[LABEL])
        team.json("pr-stack", "up", "--pr", str(number), "--post")
    team.github.issues[21].state = "closed"
    dry = team.json("pr-stack", "sweep", "--dry-run", "--apart", "0")
    there = team.stacks()
    swept = team.json("pr-stack", "sweep", "--post", "--apart", "0")
    left = team.stacks()
    of_age = team.json("pr-stack", "sweep", "--ttl", "0", "--apart", "0")

    assert outcomes(dry["stacks"]) == {"pr-21": "due", "pr-22": "kept"}
    assert {"pr-21", "pr-22"} <= set(there)
    assert outcomes(swept["stacks"]) == {"pr-21": "removed", "pr-22": "kept"}
    assert sorted(left) == ["dev", "platform", "pr-22"]
    assert "Nothing of it is left" in team.github.comments_on(21)[0].body
    assert team.github.comments_on(22)[0].body.startswith(f"{MARKER}\n## 🟢")
    assert outcomes(of_age["stacks"]) == {"pr-22": "removed"}
    assert "## Sweep: 1 removed" in team.summary


@pytest.mark.engine
def test_a_sweep_leaves_an_update_that_runs_alone(team: Team) -> None:
    """Closed or past its time: the holder of the lock will see, and its objects are no orphans."""
    issue = team.github.open_pull_request(23, labels=[LABEL])
    team.runpod.forget_calls()
    team.runpod.fault("http.delay", method="POST", path="/v2/serverless", delay=HELD)
    running = team.start("pulumi-runpod", "pr-stack", "up", "--pr", "23")
    team.until(team.fault_struck, running)
    issue.state = "closed"
    swept = team.json("pr-stack", "sweep", "--apart", "0")
    deleted = team.runpod.calls("DELETE")
    team.runpod.advance(HELD)
    _, complaint = running.communicate()

    assert outcomes(swept["stacks"]) == {"pr-23": "busy"}
    assert swept["objects"] == []
    assert not deleted
    assert running.returncode == 0, complaint
    assert "pr-23" not in team.stacks()


@pytest.mark.engine
def test_orphans_go_except_volumes(team: Team) -> None:
    """Of this project, by the marker in their names, and of no other; what holds data is only named."""
    mine, other = project_marker(PROJECT), project_marker("another")
    with RunPodClient(Settings.load({}, team.runpod.environment)) as client:
        made = {
            owner: client.create(
                TEMPLATES, CreateTemplate(name=automatic_name(prefix("worker", owner)), image=IMAGE)
            ).model_dump()["id"]
            for owner in (mine, other)
        }
        volume = client.create(
            NETWORK_VOLUMES,
            CreateNetworkVolume(name=automatic_name(prefix("disk", mine)), size=10, dataCenter="EU-RO-1"),
        ).model_dump()["id"]
        swept = team.json("pr-stack", "sweep", "--apart", "0")
        kept = team.json("pr-stack", "sweep", "--no-orphans")
        left = team.objects("template")
        client.delete(TEMPLATES, made[other])
        client.delete(NETWORK_VOLUMES, volume)

    assert {o["id"]: o["outcome"] for o in swept["objects"]} == {made[mine]: "removed", volume: "kept"}
    assert left == [made[other]]
    assert kept["objects"] == []


@pytest.mark.engine
def test_a_stack_whose_request_cannot_be_asked_for_stays(team: Team) -> None:
    """GitHub says 404, as to a token that may not see the repository: reported, exit code 1, and nothing is removed."""
    team.github.open_pull_request(24, labels=[LABEL])
    team.json("pr-stack", "up", "--pr", "24")
    team.github.issues.clear()
    swept = team.command("pr-stack", "sweep", "--no-orphans")
    there = team.stacks()
    assert team.json("pr-stack", "down", "--pr", "24")["outcome"] == "removed"

    assert swept.returncode == 1
    assert swept.stderr.count("\n") == 1
    assert "404" in swept.stderr
    assert "pr-24" in there
