"""`emulator s3-key`: keys for the S3 API, made and taken back."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulumi_runpod.emulator.process.background import stop
from pulumi_runpod.emulator.s3 import owner_key


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pulumi_runpod.cli", "emulator", *arguments], capture_output=True, text=True, check=False
    )


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A state directory whose server, if a test started one, is stopped."""
    yield tmp_path / "state"
    stop(tmp_path / "state")


def test_the_key_of_an_api_key_is_shown_without_a_server() -> None:
    """As the variables that the uploads read, so that a shell can take them."""
    completed = run("s3-key", "show", "--api-key", "local")

    key = owner_key("local")
    assert completed.stdout.splitlines() == [
        f"RUNPOD_S3_ACCESS_KEY_ID={key.access_key_id}",
        f"RUNPOD_S3_SECRET_ACCESS_KEY={key.secret_access_key}",
    ]
    assert owner_key("other") != key


def test_a_key_is_made_listed_and_taken_back(state: Path) -> None:
    """Its secret is shown once; that of the API key cannot be removed."""
    run("start", "--port", "0", "--state", str(state), "--api-key", "local")
    at = ("--state", str(state), "--api-key", "local", "--json")
    made = json.loads(run("s3-key", "add", *at).stdout)
    listed = run("s3-key", "list", *at).stdout
    removed = run("s3-key", "remove", made["accessKeyId"], *at)
    refused = run("s3-key", "remove", owner_key("local").access_key_id, *at)

    assert [k["accessKeyId"] for k in json.loads(listed)["s3Keys"]] == [
        owner_key("local").access_key_id,
        made["accessKeyId"],
    ]
    assert made["secretAccessKey"] not in listed
    assert json.loads(removed.stdout) == {"removed": made["accessKeyId"]}
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
