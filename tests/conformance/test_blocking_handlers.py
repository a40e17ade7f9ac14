"""A handler that blocks its event loop for longer than a server's usual keep-alive: its result must still arrive.

While the handler blocks, the SDK cannot see that the server closed a pooled connection; it sends the result into that
connection, and the result is lost. So our keep-alive outlasts the SDK's pool; one job of each SDK line
really blocks.
"""

from __future__ import annotations

import http.client
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.emulator.platform.switches import Switches
from pulumi_runpod.emulator.process import server as server_module

ROOT = Path(__file__).resolve().parents[2]
WORKER = ROOT / "tests" / "emulator" / "job_plane" / "sdk_worker.py"
BLOCK_S = 6
"""Longer than uvicorn's default keep-alive of 5 s, which lost such results."""
GO_CLIENT_POOL_S = 90
"""`IdleConnTimeout` of Go's default HTTP client: the longest pool among the clients that are known to us."""


@pytest.fixture(scope="module")
def pythons() -> dict[str, str]:
    """The interpreter that has each SDK line."""
    made = subprocess.run(
        [sys.executable, ROOT / "tools" / "setup.py", "--print", "sdk2-python"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {"1": sys.executable, "2": made.stdout.strip()}


@pytest.fixture(scope="module")
def server(pythons: dict[str, str]) -> Iterator[LocalRunPod]:
    workers = {f"sdk{line}:*": f"{python} {WORKER} plain" for line, python in pythons.items()}
    with LocalRunPod(workers=workers, switches=Switches(poll_hold=5)) as server:
        yield server


def test_connections_outlast_the_pools_of_known_clients() -> None:
    """The SDK's aiohttp keeps a connection for 15 s, Go's default client for 90 s."""
    assert server_module.KEEP_ALIVE_S > GO_CLIENT_POOL_S


def test_a_handler_that_blocks_delivers_its_result_on_both_sdk_lines(server: LocalRunPod) -> None:
    """One attempt, no retry: the two lines run side by side."""
    jobs = []
    with httpx.Client(headers={"Authorization": f"Bearer {server.api_key}"}, timeout=60) as client:
        for line in ("1", "2"):
            body = {
                "name": f"sdk{line}", "type": "QUEUE", "image": f"sdk{line}:1", "gpu": {"pools": ["ADA_24"]},
                "timeout": 120_000, "scaling": {"type": "QUEUE_DELAY", "queueDelay": 60},
                "workers": {"min": 1, "max": 1, "idleTimeout": 60},
            }  # fmt: skip
            endpoint = client.post(f"{server.api}/v2/serverless", json=body).json()
            job = client.post(endpoint["requestUrls"]["run"], json={"input": {"block": BLOCK_S}}).json()
            jobs.append((endpoint["id"], job["id"]))
        for endpoint_id, job_id in jobs:
            ended = client.get(f"{server.jobs}/{endpoint_id}/status-sync/{job_id}", params={"wait": 50_000}).json()
            assert (ended["status"], ended.get("retries")) == ("COMPLETED", None), ended
            assert ended["executionTime"] >= BLOCK_S * 1000


def test_a_short_keep_alive_loses_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mechanism: with a keep-alive below the client's block, the pooled connection is dead when next used."""
    monkeypatch.setattr(server_module, "KEEP_ALIVE_S", 1)
    with LocalRunPod() as server:
        assert _survives(server, idle=2) is False
    monkeypatch.setattr(server_module, "KEEP_ALIVE_S", 3)
    with LocalRunPod() as server:
        assert _survives(server, idle=2) is True


def _survives(server: LocalRunPod, *, idle: float) -> bool:
    """Whether a connection answers a second request after the client has blocked for `idle` seconds."""
    host, port = server.api.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port))
    try:
        connection.request("GET", "/_emulator/ready")
        connection.getresponse().read()
        time.sleep(idle)  # a blocked event loop: the client does nothing, as in `def handler(job)`
        try:
            connection.sock.sendall(b"GET /_emulator/ready HTTP/1.1\r\nHost: x\r\n\r\n")
            return bool(connection.sock.recv(12))
        except OSError:
            return False
    finally:
        connection.close()
