"""The server as a process: what it refuses, what it keeps, and what a kill cannot take."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.emulator.process.server import bind, opened
from pulumi_runpod.emulator.process.server_settings import ServerError, ServerSettings

VOLUME = {"name": "v", "size": 10, "dataCenter": "EU-RO-1"}
HEADERS = {"Authorization": "Bearer local"}
MEGABYTE = 1024 * 1024


@contextlib.contextmanager
def served(state: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`emulator serve` as its own process, and its base URL."""
    command = (
        sys.executable,
        "-m",
        "pulumi_runpod.cli",
        "emulator",
        "serve",
        "--port",
        "0",
        "--state",
        str(state),
        "--api-key",
        "local",
    )
    child = subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True)
    with child:
        try:
            assert child.stdout is not None
            yield child, json.loads(child.stdout.readline())["api"]
        finally:
            child.terminate()


def listed(api: str) -> list[Any]:
    return httpx.get(f"{api}/v2/network-volumes", headers=HEADERS).json()["networkVolumes"]


def test_a_restart_loses_nothing(tmp_path: Path) -> None:
    """Objects, made keys and files are there again; the address is another."""
    with LocalRunPod(state_dir=tmp_path) as first, httpx.Client(base_url=first.api, headers=HEADERS) as api:
        made = api.post("/v2/network-volumes", json=VOLUME).json()
        key = first.add_key("read")
        (first.platform.volume_dir(made["id"]) / "weights").write_text("x")
    with LocalRunPod(state_dir=tmp_path) as second:
        headers = {"Authorization": f"Bearer {key}"}
        again = httpx.get(f"{second.api}/v2/network-volumes/{made['id']}", headers=headers)

        assert again.json() == made
        assert (second.platform.volume_dir(made["id"]) / "weights").read_text() == "x"


def test_a_kill_loses_no_acknowledged_write(tmp_path: Path) -> None:
    """SIGKILL in the middle of a burst of creates: whatever was answered 201 is there after the restart."""
    acknowledged: list[str] = []
    enough = threading.Event()

    def burst(api: str) -> None:
        with httpx.Client(base_url=api, headers=HEADERS) as client, contextlib.suppress(httpx.TransportError):
            while True:
                acknowledged.append(client.post("/v2/network-volumes", json=VOLUME).json()["id"])
                if len(acknowledged) == 50:
                    enough.set()

    with served(tmp_path) as (child, api):
        writer = threading.Thread(target=burst, args=(api,))
        writer.start()
        assert enough.wait(60)
        child.send_signal(signal.SIGKILL)
        writer.join()
    with served(tmp_path) as (_, api):
        kept = {v["id"] for v in listed(api)}

    assert len(acknowledged) >= 50
    assert set(acknowledged) <= kept


def test_one_state_directory_has_one_server(tmp_path: Path) -> None:
    """The second is refused with what to do, and the first goes on."""
    with LocalRunPod(state_dir=tmp_path) as first:
        with pytest.raises(ServerError, match="another local RunPod uses"), LocalRunPod(state_dir=tmp_path):
            raise AssertionError("unreachable")

        assert httpx.get(f"{first.api}/v2/templates", headers=HEADERS).status_code == 200


def test_two_local_runpods_share_nothing() -> None:
    """Two at once: other ports, other objects."""
    with LocalRunPod() as one, LocalRunPod() as two:
        httpx.post(f"{one.api}/v2/network-volumes", json=VOLUME, headers=HEADERS)

        assert one.api != two.api
        assert (len(listed(one.api)), len(listed(two.api))) == (1, 0)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_a_public_address_needs_a_key_of_its_own(tmp_path: Path, host: str) -> None:
    """Refused with the default key; loopback in all its spellings is not."""
    with pytest.raises(ServerError, match="--api-key"), opened(ServerSettings(tmp_path, host=host)):
        raise AssertionError("unreachable")
    for loopback in ("127.0.0.1", "127.0.0.2", "::1", "localhost"):
        with opened(ServerSettings(tmp_path, host=loopback)):
            pass
    with opened(ServerSettings(tmp_path, host=host, api_key="of-my-own")):
        pass


@pytest.mark.parametrize("key", ["two words", "clé", "line\nbreak"])
def test_a_key_that_no_header_can_carry_is_refused(tmp_path: Path, key: str) -> None:
    """One word of ASCII."""
    with pytest.raises(ServerError, match="one word"), opened(ServerSettings(tmp_path, api_key=key)):
        raise AssertionError("unreachable")


def test_a_taken_port_and_a_state_that_is_a_file_are_reported(tmp_path: Path) -> None:
    """One line each, with what to do."""
    (tmp_path / "file").write_text("")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServerError, match=f"cannot listen on 127.0.0.1:{port}.*--port 0"):
            bind(ServerSettings(tmp_path, port=port))
    with pytest.raises(ServerError, match="cannot use"), opened(ServerSettings(tmp_path / "file")):
        raise AssertionError("unreachable")


def test_nothing_is_left_when_the_block_ends() -> None:
    """The state directory is gone, the port is closed, and an error passes through unchanged."""
    with pytest.raises(KeyError), LocalRunPod() as running:
        raise KeyError
    with pytest.raises(httpx.ConnectError):
        httpx.get(running.api)
    assert not running.platform.state_dir.exists()
    assert f"local-runpod {running.api}" not in [t.name for t in threading.enumerate()]


def test_a_signal_ends_the_server_in_order(tmp_path: Path) -> None:
    """SIGTERM: exit 0, and the address file is removed with it."""
    with served(tmp_path) as (child, _):
        assert json.loads((tmp_path / "server.json").read_text())["pid"] == child.pid
        child.terminate()

        assert child.wait(30) == 0
    assert not (tmp_path / "server.json").exists()


def test_memory_stays_small_and_flat(tmp_path: Path) -> None:
    """Under 120 MB after 4,000 calls, and not 8 MB more than after 2,000."""

    def calls(client: httpx.Client, count: int) -> None:
        for _ in range(count // 4):
            made = client.post("/v2/network-volumes", json=VOLUME).json()["id"]
            client.patch(f"/v2/network-volumes/{made}", json={"size": 11})
            client.get(f"/v2/network-volumes/{made}")
            client.delete(f"/v2/network-volumes/{made}")

    with served(tmp_path) as (child, api), httpx.Client(base_url=api, headers=HEADERS) as client:
        process = psutil.Process(child.pid)
        calls(client, 2000)
        half = process.memory_info().rss
        calls(client, 2000)
        whole = process.memory_info().rss

    assert whole < 120 * MEGABYTE
    assert whole - half < 8 * MEGABYTE


def test_the_fixture_needs_no_import(local_runpod: LocalRunPod) -> None:
    """`local_runpod` comes with the package: an empty account, and the variables that point clients at it."""
    environment = local_runpod.environment

    assert listed(local_runpod.api) == []
    assert environment["RUNPOD_API_BASE_URL"] == local_runpod.api
    assert not any(name in os.environ for name in ("RUNPOD_API_BASE_URL",))
