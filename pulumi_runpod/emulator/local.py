"""`LocalRunPod()`: a RunPod of one's own for the length of a `with` block. Free port, fresh state, gone afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from pulumi_runpod.extras import require

require("local", "The local RunPod")  # before the modules that import what it brings

from pulumi_runpod.emulator.platform.defaults import DEFAULT_KEY
from pulumi_runpod.emulator.platform.faults import Fault, FaultKind
from pulumi_runpod.emulator.platform.keys import Access, Level
from pulumi_runpod.emulator.platform.quota import DEFAULT_QUOTA, parse_quota
from pulumi_runpod.emulator.platform.request_log import Call
from pulumi_runpod.emulator.platform.state import Platform
from pulumi_runpod.emulator.platform.switches import Switches
from pulumi_runpod.emulator.platform.worker_command import WorkerCommand
from pulumi_runpod.emulator.process.control import addresses, arm, reset, turn
from pulumi_runpod.emulator.process.server import LocalServer, base_url, bind, opened
from pulumi_runpod.emulator.process.server_settings import ServerError, ServerSettings
from pulumi_runpod.emulator.s3 import S3Key, owner_key

T = TypeVar("T")
_READY_TIMEOUT_S = 30


class LocalRunPod:
    """The whole local RunPod in a thread of this process.

    `workers` maps globs of images to commands, as `--worker` does. `containers`: other images are run by the Docker
    engine of this machine. `frozen_at` stops the clock at that time, seconds since the epoch: `advance` moves it. With
    `state_dir` the state stays behind; without, it is thrown away.
    """

    def __init__(
        self,
        *,
        api_key: str = DEFAULT_KEY,
        quota: str = DEFAULT_QUOTA,
        switches: Switches | None = None,
        workers: Mapping[str, str] | None = None,
        containers: bool = False,
        frozen_at: float | None = None,
        state_dir: Path | None = None,
    ) -> None:
        self.api_key = api_key
        self._quota = quota
        self._switches = switches or Switches()
        self._workers = tuple(WorkerCommand(glob, command) for glob, command in (workers or {}).items())
        self._containers = containers
        self._frozen_at = frozen_at
        self._state_dir = state_dir
        self._stack = contextlib.ExitStack()
        self.platform: Platform
        """What runs: touch it through `call` only, which uses the server's thread."""

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            state_dir = self._state_dir or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="runpod-")))
            settings = ServerSettings(
                state_dir=state_dir,
                api_key=self.api_key,
                quota=self._quota,
                switches=self._switches,
                worker_commands=self._workers,
                containers=self._containers,
                frozen_at=self._frozen_at,
            )
            bound = stack.enter_context(contextlib.closing(bind(settings)))
            self.platform = stack.enter_context(opened(settings))
            self.platform.base_url = base_url(settings, bound)
            self._started: Future[asyncio.AbstractEventLoop] = Future()
            self._server = LocalServer(
                self.platform, bound, lambda: self._started.set_result(asyncio.get_running_loop())
            )
            self._thread = threading.Thread(target=self._run, name=f"local-runpod {self.platform.base_url}")
            self._thread.start()
            stack.callback(self._stop)
            self._loop = self._started.result(_READY_TIMEOUT_S)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def api(self) -> str:
        """Base URL of the control plane, without `/v2`: for `RUNPOD_API_BASE_URL`."""
        return self.platform.base_url

    @property
    def jobs(self) -> str:
        """Base URL of job URLs, with `/v2`: for the SDK's `RUNPOD_ENDPOINT_BASE_URL`."""
        return addresses(self.platform.base_url)["jobs"]

    @property
    def environment(self) -> dict[str, str]:
        """Variables that point RunPod's clients, and ours, at this one."""
        return {
            "RUNPOD_API_KEY": self.api_key,
            "RUNPOD_API_BASE_URL": self.api,
            "RUNPOD_ENDPOINT_BASE_URL": self.jobs,
            "RUNPOD_S3_ACCESS_KEY_ID": self.s3_key.access_key_id,
            "RUNPOD_S3_SECRET_ACCESS_KEY": self.s3_key.secret_access_key,
        }

    def s3_endpoint_url(self, data_center: str) -> str:
        """Endpoint of the S3 API of a data center's volumes: boto3's `endpoint_url`, with the id as `region_name`."""
        return f"{self.platform.base_url}/s3/{data_center}"

    @property
    def s3_key(self) -> S3Key:
        """The owner's S3 API key."""
        return owner_key(self.api_key)

    def call(self, function: Callable[[Platform], T]) -> T:
        """Run `function(platform)` on the server's thread, between requests, and return its result."""

        async def run() -> T:
            return function(self.platform)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    def calls(self, method: str | None = None, path: str = "*") -> Sequence[Call]:
        """Logged calls, oldest first: of one method, whose path matches a glob (`*` matches `/`, too)."""
        return self.call(lambda p: p.request_log.calls(method=method, path=path))

    def forget_calls(self) -> None:
        self.call(lambda p: p.request_log.clear())

    def fault(self, kind: FaultKind, **fields: object) -> str:
        """Arm a `Fault` (fields as in snake_case: `path="/v2/templates*"`, `times=2`) and return its id."""
        fault = Fault.model_validate({**fields, "kind": kind}, by_alias=False, by_name=True)
        return self.call(lambda p: arm(p, fault))

    def clear_faults(self) -> None:
        self.call(lambda p: p.faults.clear())

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self.call(lambda p: p.clock.advance(seconds))

    def turn(self, **switches: object) -> None:
        """Turn switches, by their names in `Switches`."""
        result = Switches.model_validate(switches)
        self.call(lambda p: turn(p, result))

    def limit(self, quota: str) -> None:
        """Another quota, such as `q=60;w=3`; empty: none."""
        windows = parse_quota(quota)
        self.call(lambda p: p.rate_limit.set(windows))

    def add_key(self, level: Level, *, control: Access = "none", endpoints: Mapping[str, Access] | None = None) -> str:
        """Make another key."""
        return self.call(lambda p: p.keys.add(level=level, control=control, endpoints=endpoints))

    def reset(self) -> None:
        """Back to an empty account."""
        self.call(reset)

    def _run(self) -> None:
        try:
            asyncio.run(self._server.run_until_stopped())
        except BaseException as failure:
            if not self._started.done():
                self._started.set_exception(failure)
            raise
        if not self._started.done():
            self._started.set_exception(ServerError("the server ended before it was ready"))

    def _stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()
