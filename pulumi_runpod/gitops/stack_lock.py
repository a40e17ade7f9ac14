"""The lock that `pulumi` holds on a stack: waited for while its owner may live.

A runner that dies leaves its lock behind. It is removed unasked in one case: this machine has started its process and
lost it, and the lock has a minimum age. A lock of another machine is removed where a person has named the age from
which no update can hold one. One without an owner's name (Pulumi Cloud's, which expires by itself) is only waited for.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from pulumi_runpod.errors import RunPodError
from pulumi_runpod.gitops.started import StartedHere
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
    unlock_after: timedelta | None = None
    """A person has said that no update takes this long: an older lock is removed, whatever machine has taken it."""
    unlock_own_after: timedelta | None = timedelta(minutes=5)
    """Age from which the lock of a process that this machine has lost is removed. None: never.

    What that process started, a provider, may outlive it for a while and still be at work.
    """
    look_again: timedelta = timedelta(seconds=5)

    def abandoned(self, lock: Lock, *, now: datetime, host: str, started: StartedHere) -> bool:
        age = now - lock.since
        if self.unlock_after is not None and age > self.unlock_after:
            return True
        if self.unlock_own_after is None or age <= self.unlock_own_after or lock.host != host:
            return False
        return started.lost(lock.pid, locked_at=lock.since)


def when_unlocked(
    workspace: Workspace, stack: str, work: Callable[[], T], policy: LockPolicy, *, say: Callable[[str], None]
) -> T:
    """The result of `work`, begun again from its start for as long as `pulumi` refuses it for a lock.

    Raises `StackLocked` once the policy's patience has ended.
    """
    until = time.monotonic() + policy.patience.total_seconds()
    waiting = False
    while True:
        try:
            return work()
        except PulumiFailed as refused:
            locks = locks_in(refused.text)
            if locks is None:
                raise
        if locks and _all_abandoned(locks, policy, workspace.started):
            say(f"stack {stack}: the lock of {locks[0]} is abandoned, and is removed")
            workspace.run("cancel", "--stack", stack, "--yes")
            continue
        owner = str(locks[0]) if locks else "another update"
        if time.monotonic() >= until:
            raise StackLocked(
                f"stack {stack} is locked by {owner}, waited for {policy.patience.total_seconds():.0f} s. If that "
                f"process has ended for sure: `pulumi-runpod recover --unlock --stack {stack}`"
            )
        if not waiting:
            say(f"stack {stack} is locked by {owner}: waiting")
            waiting = True
        time.sleep(policy.look_again.total_seconds())


def _all_abandoned(locks: tuple[Lock, ...], policy: LockPolicy, started: StartedHere) -> bool:
    now, host = datetime.now(UTC), socket.gethostname()
    return all(policy.abandoned(lock, now=now, host=host, started=started) for lock in locks)
