"""RunPod's own JavaScript client, unmodified, against the local RunPod with workers on the Python SDK.

It is installed through npm at the versions and hashes of `javascript/package-lock.json`, once for all clones. Without
node there is nothing to run it with. (RunPod's Go client is not available through Go's module proxy.)
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.emulator.platform.switches import Switches

HERE = Path(__file__).parent
PROJECT = HERE / "javascript"
WORKER = HERE.parent / "emulator" / "job_plane" / "sdk_worker.py"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pulumi-runpod"


@pytest.fixture(scope="module")
def client() -> Path:
    """The installed client's entry file."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed")
    lock = (PROJECT / "package-lock.json").read_bytes()
    home = CACHE / f"javascript-client-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not home.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix="javascript-client-") as folder:
            fresh = Path(folder, "new")
            fresh.mkdir()
            for name in ("package.json", "package-lock.json"):
                shutil.copy2(PROJECT / name, fresh)
            install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(install, cwd=fresh, capture_output=True, text=True, check=False, timeout=240)
            assert done.returncode == 0, done.stderr
            try:
                fresh.rename(home)
            except OSError:
                assert home.is_dir()  # another run was faster
    return home / "node_modules" / "runpod-sdk" / "dist" / "src" / "index.js"


@pytest.fixture(scope="module")
def answers(client: Path) -> Iterator[dict[str, Any]]:
    """What each method of the client returned."""
    workers = {f"{kind}:*": f"{sys.executable} {WORKER} {kind}" for kind in ("plain", "generator")}
    with LocalRunPod(workers=workers, switches=Switches(poll_hold=5)) as server:
        ids = [endpoint(server, kind) for kind in ("plain", "generator")]
        command = ["node", str(PROJECT / "client.mjs"), str(client), server.jobs, server.api_key, *ids]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
        assert done.returncode == 0, done.stderr
        yield json.loads(done.stdout.splitlines()[-1])


def endpoint(server: LocalRunPod, kind: str) -> str:
    body = {
        "name": kind, "type": "QUEUE", "image": f"{kind}:1", "gpu": {"pools": ["ADA_24"]}, "timeout": 60_000,
        "scaling": {"type": "QUEUE_DELAY", "queueDelay": 60}, "workers": {"min": 1, "max": 1, "idleTimeout": 60},
    }  # fmt: skip
    headers = {"Authorization": f"Bearer {server.api_key}"}
    answer = httpx.post(f"{server.api}/v2/serverless", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_a_job_is_run_and_followed(answers: dict[str, Any]) -> None:
    """`run`, `status`, and `statusSync`, which waits for its end."""
    assert answers["run"]["status"] == "IN_QUEUE"
    assert answers["status"]["started"] is True
    assert answers["statusSync"]["id"] == answers["run"]["id"]
    assert (answers["statusSync"]["completed"], answers["statusSync"]["succeeded"]) == (True, True)
    assert answers["statusSync"]["output"]["echo"] == {"a": 1}
    assert {"delayTime", "executionTime"} <= answers["statusSync"].keys()


def test_a_job_is_run_in_one_call(answers: dict[str, Any]) -> None:
    """`runSync`: its output, or its failure."""
    assert answers["runSync"]["output"]["echo"] == {"b": 2}
    assert answers["runSync"]["succeeded"] is True
    assert (answers["failed"]["status"], answers["failed"]["succeeded"]) == ("FAILED", False)
    assert "boom" in answers["failed"]["error"]


def test_parts_of_an_output_are_streamed(answers: dict[str, Any]) -> None:
    """Each once, in order."""
    assert [part["output"] for part in answers["stream"]] == [{"part": 0}, {"part": 1}, {"part": 2}]


def test_jobs_and_workers_are_counted(answers: dict[str, Any]) -> None:
    """`health`, with a job that runs and one that waits."""
    assert (answers["health"]["jobs"]["inProgress"], answers["health"]["jobs"]["inQueue"]) == (1, 1)
    assert answers["health"]["workers"]["running"] == 1


def test_jobs_are_purged_and_cancelled(answers: dict[str, Any]) -> None:
    """`purgeQueue` takes what waits, `cancel` what runs."""
    assert answers["purgeQueue"] == {"removed": 1, "status": "completed"}
    assert answers["purged"]["status"] == "CANCELLED"
    assert answers["cancel"]["status"] == "CANCELLED"
    assert (answers["cancelled"]["status"], answers["cancelled"]["completed"]) == ("CANCELLED", True)


def test_a_wrong_key_is_an_error(answers: dict[str, Any]) -> None:
    """401, which the client throws."""
    assert answers["wrongKey"] == 401
