"""Load balancers on a real local RunPod with real servers as workers. The clock is frozen: tests move it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.emulator.platform.switches import Switches
from tests.waiting import eventually

WORKER = Path(__file__).with_name("http_worker.py")
NOON = 1_778_444_800.0


class Balanced:
    """A LOAD_BALANCER endpoint and a client of it."""

    def __init__(self, server: LocalRunPod, folder: Path, **changes: Any) -> None:
        self.server, self.folder = server, folder
        self.hold_file, self.ping_file = folder / "hold", folder / "ping"
        self.client = httpx.Client(headers={"Authorization": f"Bearer {server.api_key}"}, timeout=60)
        env = {"HOLD_FILE": str(self.hold_file), "PING_FILE": str(self.ping_file), **changes.pop("env", {})}
        body = {
            "name": "balanced", "type": "LOAD_BALANCER", "image": "server:1", "gpu": {"pools": ["ADA_24"]}, "env": env,
            "scaling": {"type": "REQUEST_COUNT", "requestCount": 1}, "workers": {"min": 1, "max": 1, "idleTimeout": 60},
            **changes,
        }  # fmt: skip
        answer = self.client.post(f"{server.api}/v2/serverless", json=body)
        assert answer.status_code == 201, answer.text
        self.id: str = answer.json()["id"]
        self.urls: dict[str, str] = answer.json()["requestUrls"]
        self.base = self.urls["base"]
        server.advance(1)

    def workers(self) -> list[dict[str, Any]]:
        return list(self.client.get(f"{self.server.api}/v2/serverless/{self.id}/workers").json()["workers"])

    def statuses(self) -> list[str]:
        return sorted(worker["status"] for worker in self.workers())

    def wait_for(self, *statuses: str) -> None:
        """Return once the workers have these statuses. The clock is moved a little for starts under way."""

        def reached() -> bool:
            self.server.advance(0.01)
            return self.statuses() == sorted(statuses)

        eventually(reached)

    def log(self, worker_id: str | None = None) -> list[str]:
        """Lines of a worker; of all that are known without an id."""

        def lines(platform: Any) -> list[str]:
            logs = platform.scheduler.logs
            known = [worker_id] if worker_id else logs.of_endpoint(self.id)
            return [line.text for known_id in known for line in logs.of(self.id, known_id).lines()]

        return self.server.call(lines)

    def load(self) -> tuple[int, int]:
        """Requests that wait, and that workers have."""

        def counted(platform: Any) -> tuple[int, int]:
            fleet = platform.scheduler.fleet(self.id)
            return fleet.queued, fleet.running

        return self.server.call(counted)

    def later(self, *args: Any, **kwargs: Any) -> Later:
        return Later(lambda: self.client.request(*args, **kwargs))

    def close(self) -> None:
        self.client.delete(f"{self.server.api}/v2/serverless/{self.id}")
        self.client.close()


class Later:
    """A request under way in a thread."""

    def __init__(self, call: Callable[[], httpx.Response]) -> None:
        self._call = call
        self._outcome: httpx.Response | Exception | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def answer(self) -> httpx.Response:
        self._thread.join(60)
        if isinstance(self._outcome, Exception):
            raise self._outcome
        assert self._outcome is not None, "no answer within 60 s"
        return self._outcome

    def _run(self) -> None:
        try:
            self._outcome = self._call()
        except httpx.HTTPError as error:
            self._outcome = error


@pytest.fixture(scope="session")
def balanced_at() -> Callable[..., Balanced]:
    """`balanced_at(server, folder, **changes)`: an endpoint of a server of the test's own."""
    return Balanced


@pytest.fixture(scope="module")
def server() -> Iterator[LocalRunPod]:
    switches = Switches(cold_start_speed=1e9, platform_scale_down=False, ping_interval=0.1)
    command = f"{sys.executable} {WORKER}"
    with LocalRunPod(
        frozen_at=NOON, workers={"server:*": command, "deaf:*": "sleep 1000"}, switches=switches
    ) as server:
        yield server


@pytest.fixture
def make(server: LocalRunPod, tmp_path: Path) -> Iterator[Callable[..., Balanced]]:
    made: list[Balanced] = []

    def balanced(**changes: Any) -> Balanced:
        made.append(Balanced(server, tmp_path, **changes))
        return made[-1]

    yield balanced
    for endpoint in made:
        endpoint.close()
    server.clear_faults()


@pytest.fixture(scope="module")
def ready(server: LocalRunPod, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Balanced]:
    """One endpoint whose worker is ready, for tests that leave it as it is."""
    endpoint = Balanced(server, tmp_path_factory.mktemp("ready"))
    endpoint.wait_for("IDLE")
    yield endpoint
    endpoint.close()
