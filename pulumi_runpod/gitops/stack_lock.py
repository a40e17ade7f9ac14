"""The lock that `pulumi` holds on a stack: waited for while its owner may live, removed once that one cannot.

A runner that dies leaves its lock behind. It is believed dead when its process is gone from this very machine, or when
the lock is older than a job may run. A lock without an owner's name (Pulumi Cloud's, which expires by itself) is only
waited for.
"""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from pulumi_runpod.errors import RunPodError
from pulumi_runpod.gitops.workspace import PulumiFailed, Workspace

T = TypeVar("T")

_LOCKED = re.compile(r"currently locked by \d+ lock|Another update is currently in progress|\[409\] Conflict")
_OWNER = re.compile(r"created by (?P<user>\S+)@(?P<host>\S+) \(pid (?P<pid>\d+)\) at (?P<at>\S+)")


class StackLocked(RunPodError):  # noqa: N818 - as the rest of the tree
    """Somebody else's update went on for longer than we wait."""


@dataclass(frozen=True)
class Lock:
    user: str
    host: str
    pid: int
    since: datetime

    def abandoned(self, *, now: datetime, longest_run: timedelta, host: str) -> bool:
        if self.host == host and not _alive(self.pid):
            return True
        return now - self.since > longest_run

    def __str__(self) -> str:
        return f"{self.user}@{self.host} (pid {self.pid}) since {self.since:%Y-%m-%d %H:%M:%S %z}"


def locks_in(text: str) -> tuple[Lock, ...] | None:
    """The locks that `pulumi` complains of; empty where it names no owner, None where no lock is the trouble."""
    if not _LOCKED.search(text):
        return None
    found = []
    for match in _OWNER.finditer(text):
        try:
            since = datetime.fromisoformat(match["at"])
        except ValueError:
            return ()
        since = since if since.tzinfo else since.replace(tzinfo=UTC)
        found.append(Lock(match["user"], match["host"], int(match["pid"]), since))
    return tuple(found)


@dataclass(frozen=True)
class LockPolicy:
    patience: timedelta = timedelta(minutes=15)
    """How long another update is waited for."""
    longest_run: timedelta = timedelta(hours=1)
    """Of a job that changes stacks (`timeout-minutes` in its workflow is below): an older lock is nobody's."""
    look_again: timedelta = timedelta(seconds=5)


def when_unlocked(
    workspace: Workspace, stack: str, work: Callable[[], T], policy: LockPolicy, *, say: Callable[[str], None]
) -> T:
    """The result of `work`, begun again from its start for as long as `pulumi` refuses it for a lock.

    Raises `StackLocked` once the policy's patience has ended.
    """
    until = time.monotonic() + policy.patience.total_seconds()
    told = False
    while True:
        try:
            return work()
        except PulumiFailed as refused:
            locks = locks_in(refused.text)
            if locks is None:
                raise
        if locks and _all_abandoned(locks, policy):
            say(f"stack {stack}: the lock of {locks[0]} is nobody's any more and is removed")
            workspace.run("cancel", "--stack", stack, "--yes")
            continue
        owner = str(locks[0]) if locks else "another update"
        if time.monotonic() >= until:
            raise StackLocked(
                f"stack {stack} is locked by {owner}, waited for {policy.patience.total_seconds():.0f} s. If nothing "
                f"works on it any more: `pulumi-runpod recover --unlock --stack {stack}`"
            )
        if not told:
            say(f"stack {stack} is locked by {owner}: waiting")
            told = True
        time.sleep(policy.look_again.total_seconds())


def _all_abandoned(locks: tuple[Lock, ...], policy: LockPolicy) -> bool:
    now, host = datetime.now(UTC), socket.gethostname()
    return all(lock.abandoned(now=now, longest_run=policy.longest_run, host=host) for lock in locks)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
