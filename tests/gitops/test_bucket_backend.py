"""State in a bucket, as a team's runners keep it: the life of a pull request; and what cannot be such a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pulumi_runpod.client import RunPodClient
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire import NETWORK_VOLUMES
from pulumi_runpod.wire.network_volume import CreateNetworkVolume
from tests.gitops.backends import BucketBackend, bucket_backend
from tests.gitops.github_server import GitHubServer
from tests.gitops.pulumi_project import PulumiProject
from tests.gitops.team import LABEL, PROJECT, Team, make_team

pytestmark = pytest.mark.engine
OWNER: dict[str, str | int] = {"pid": 1, "username": "runner", "hostname": "elsewhere"}


@pytest.fixture
def bucket() -> Iterator[BucketBackend]:
    with bucket_backend() as backend:
        yield backend


@pytest.fixture
def team(tmp_path: Path, bucket: BucketBackend, github: GitHubServer) -> Iterator[Team]:
    with LocalRunPod() as runpod:
        yield make_team(tmp_path, tmp_path / "home", bucket, runpod, github)


def test_a_pull_request_lives_and_ends_in_a_bucket(team: Team, bucket: BucketBackend) -> None:
    """The endpoint is on the volume of another stack, a lock in the bucket is respected, the sweep leaves nothing."""
    before, keys = team.left(), bucket.keys()
    issue = team.github.open_pull_request(7, labels=[LABEL])
    up = team.json("pr-stack", "up", "--pr", "7", "--post")
    (endpoint,) = team.runpod.call(lambda p: p.store.list("endpoint"))
    preview = team.json("preview-comment", "--stacks", "pr-7")
    lock = f"organization/{PROJECT}/pr-7/another.json"
    bucket.put_lock(lock, {**OWNER, "timestamp": datetime.now(UTC).isoformat()})
    refused = team.command("pr-stack", "up", "--pr", "7", "--wait", "0")
    bucket.put_lock(lock, {**OWNER, "timestamp": (datetime.now(UTC) - timedelta(hours=2)).isoformat()})
    issue.state = "closed"
    swept = team.json("pr-stack", "sweep", "--apart", "0", "--post", "--unlock-after", "60")

    assert up["outcome"] == "deployed"
    assert endpoint.body["networkVolumes"] == team.objects("network volume")
    assert [(result["failed"], result["changes"]) for result in preview["stacks"]] == [(False, [])]
    assert refused.returncode == 1
    assert "runner@elsewhere" in refused.stderr
    assert [(result["stack"], result["outcome"]) for result in swept["stacks"]] == [("pr-7", "removed")]
    assert team.left() == before
    assert bucket.keys() == keys


def test_a_runpod_volume_is_refused_as_a_backend_with_the_reason(tmp_path: Path) -> None:
    """It lists empty folders, as published, and `pulumi` takes one for a lock: the command says what to do instead."""
    with LocalRunPod() as runpod:
        with RunPodClient(Settings.load({}, runpod.environment)) as client:
            wanted = CreateNetworkVolume(name="state", size=10, dataCenter="EU-RO-1")
            volume = client.create(NETWORK_VOLUMES, wanted).id
        endpoint = runpod.s3_endpoint_url("EU-RO-1")
        key = runpod.s3_key
        on_volume = {
            "PULUMI_BACKEND_URL": f"s3://{volume}?region=EU-RO-1&endpoint={endpoint}&s3ForcePathStyle=true",
            "AWS_ACCESS_KEY_ID": key.access_key_id,
            "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
        }
        project = PulumiProject(tmp_path, runpod.environment)
        made = project.pulumi("stack", "init", "dev", **on_volume)
        project.pulumi("config", "set", "situation", "create", "--stack", "dev", **on_volume)
        refused = project.command("deploy", "--stack", "dev", **on_volume)

    assert made.returncode == 0, made.stderr
    assert refused.returncode == 1
    assert refused.stderr.count("error:") == 1
    assert "unexpected end of JSON input: the backend lists empty folders" in refused.stderr
