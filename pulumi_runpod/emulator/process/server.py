"""Runs a platform on a socket: in the foreground of a process, or in a thread. Loopback by default.

A public address needs its own key, since everyone who reaches the server with the key can run jobs of worker commands.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import gc
import ipaddress
import json
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

import uvicorn

from pulumi_runpod.emulator.app import build_app
from pulumi_runpod.emulator.job_plane import plane
from pulumi_runpod.emulator.platform.clock import Clock
from pulumi_runpod.emulator.platform.keys import Keys
from pulumi_runpod.emulator.platform.quota import parse_quota
from pulumi_runpod.emulator.platform.rate_limit import RateLimit
from pulumi_runpod.emulator.platform.request_log import RequestLog
from pulumi_runpod.emulator.platform.state import Platform
from pulumi_runpod.emulator.platform.store import DamagedError, Store, why_not_written
from pulumi_runpod.emulator.platform.switches import Switches
from pulumi_runpod.emulator.process.bounded_http import BoundedProtocol
from pulumi_runpod.emulator.process.control import addresses
from pulumi_runpod.emulator.process.credentials import announce, key_of, made_key
from pulumi_runpod.emulator.process.private_files import own_directory, write_private
from pulumi_runpod.emulator.process.server_settings import ADDRESS_FILE, ServerError, ServerSettings
from pulumi_runpod.wire.catalog import offline_catalog

_GRACE_S = 2
KEEP_ALIVE_S = 120
"""Seconds that an idle connection stays open: longer than any client's pool (RunPod's SDK: 15 s, Go's: 90 s).
A worker whose handler blocks its event loop does not see that the server closed a connection: it sends its result into
it, and the result is lost."""
_GC_ALLOCATIONS = 20_000


@contextlib.contextmanager
def opened(settings: ServerSettings) -> Iterator[Platform]:
    """A platform over its state directory, which nobody else may use meanwhile. Raises ServerError."""
    if settings.api_key is None and not _is_loopback(settings.host):
        raise ServerError(f"refusing to listen on {settings.host} without a key of your own: choose one with --api-key")
    with _locked(settings.state_dir):
        key = settings.api_key or made_key(settings.state_dir)
        # A server that was killed left its address behind: nobody may take it for ours.
        (settings.state_dir / ADDRESS_FILE).unlink(missing_ok=True)
        clock = Clock(frozen_at=settings.frozen_at)
        with contextlib.closing(_store(settings.state_dir / "runpod.sqlite")) as store:
            try:
                platform = Platform(
                    store=store,
                    clock=clock,
                    catalog=offline_catalog(),
                    keys=Keys(store, key),
                    rate_limit=RateLimit(parse_quota(settings.quota), clock.now),
                    request_log=RequestLog(),
                    state_dir=settings.state_dir,
                    switches=settings.switches or Switches(),
                    worker_commands=settings.worker_commands,
                    worker_env=settings.worker_env,
                    containers=settings.containers,
                )
                plane.attach(platform)
            except ValueError as wrong:
                raise ServerError(str(wrong)) from wrong
            except sqlite3.DatabaseError as failure:
                raise ServerError(why_not_written(failure)) from failure
            yield platform


def _store(path: Path) -> Store:
    try:
        return Store(path)
    except DamagedError as damage:
        raise ServerError(str(damage)) from damage
    except (sqlite3.DatabaseError, OSError) as failure:
        why = why_not_written(failure) if isinstance(failure, sqlite3.DatabaseError) else failure.strerror
        raise ServerError(f"cannot open {path}: {why}") from failure


class LocalServer(uvicorn.Server):
    """uvicorn with our start and stop: workers end before connections do, and signals are the caller's business."""

    def __init__(self, platform: Platform, bound: socket.socket, on_ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                build_app(platform),
                loop="asyncio",
                http=BoundedProtocol,
                ws="none",
                lifespan="off",
                log_level="error",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=_GRACE_S,
            )
        )
        self.platform = platform
        self._bound = bound
        self._on_ready = on_ready

    async def run_until_stopped(self) -> None:
        """Serve until `should_exit` is set."""
        await self.serve(sockets=[self._bound])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await self.platform.scheduler.start()
        await super().startup(sockets)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self.platform.scheduler.stop()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind(settings: ServerSettings) -> socket.socket:
    """The socket to listen on. Raises ServerError when the address cannot be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # With the protocol named, asyncio switches Nagle's algorithm off: else each answer waits 40 ms for an ACK.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((settings.host, settings.port))
    except (OSError, OverflowError) as failure:
        bound.close()
        raise ServerError(
            f"cannot listen on {settings.host}:{settings.port}: {failure}; --port 0 picks a free port"
        ) from failure
    return bound


def base_url(settings: ServerSettings, bound: socket.socket) -> str:
    """How this machine reaches the server."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104 - compared, not bound
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    return f"http://{host}:{bound.getsockname()[1]}"


def serve(settings: ServerSettings, out: TextIO, *, arguments: Sequence[str] = ()) -> None:
    """Serve in the foreground until SIGINT or SIGTERM; print one JSON line with the addresses when ready.

    `arguments` are noted beside the state, so that `start` can tell whether a server runs as it should. Raises
    ServerError.
    """
    with contextlib.closing(bind(settings)) as bound, opened(settings) as platform:
        platform.base_url = base_url(settings, bound)
        line = json.dumps(addresses(platform.base_url))
        address_file = settings.state_dir / ADDRESS_FILE

        def ready() -> None:
            fields = {"pid": os.getpid(), **addresses(platform.base_url), "arguments": list(arguments)}
            if settings.api_key is None:
                announce(settings.state_dir, made_key(settings.state_dir), api=platform.base_url)
            elif (unused := key_of(settings.state_dir)) is not None:
                announce(settings.state_dir, unused, api=None)
            write_private(address_file, json.dumps(fields))
            if (reason := platform.scheduler.uncontained()) is not None:
                print(f"Workers run as processes alone, where --worker names one: {reason}.", file=sys.stderr)
            print(line, file=out, flush=True)

        async def run() -> None:
            server = LocalServer(platform, bound, ready)
            loop = asyncio.get_running_loop()
            # What is loaded stays: the collector need not look at it again, nor at every few requests.
            gc.freeze()
            gc.set_threshold(_GC_ALLOCATIONS, 20, 20)
            for result in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(result, server.handle_exit, result, None)
            await server.run_until_stopped()

        try:
            asyncio.run(run())
        except sqlite3.DatabaseError as failure:
            raise ServerError(why_not_written(failure)) from failure
        finally:
            address_file.unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(state_dir: Path) -> Iterator[None]:
    try:
        own_directory(state_dir)
        lock = os.fdopen(os.open(state_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600), "w")
    except OSError as failure:
        raise ServerError(f"cannot use {state_dir} for state: {failure.strerror or failure}") from failure
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServerError(
                f"another local RunPod uses {state_dir}: stop it with `pulumi-runpod emulator stop`, or give another "
                "--state"
            ) from None
        yield


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
