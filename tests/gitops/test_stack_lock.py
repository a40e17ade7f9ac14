"""Which locks are removed: none of a process that may live, and none of another machine without being asked."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pulumi_runpod.gitops.stack_lock import LockPolicy, StackLocked, when_unlocked
from pulumi_runpod.gitops.started import StartedHere
from pulumi_runpod.gitops.workspace import PulumiFailed, Workspace

HERE = socket.gethostname()
OWN = timedelta(minutes=5)
# As `pulumi` refuses a locked stack; `cancel` removes the lock.
PULUMI = f"""#!{sys.executable}
import json, os, pathlib, signal, sys
lock = pathlib.Path("lock.json")
if sys.argv[1] == "cancel":
    lock.unlink()
elif sys.argv[1] == "refresh":
    os.kill(os.getpid(), signal.SIGKILL)
elif lock.exists():
    fields = json.loads(lock.read_text())
    sys.exit("error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or "
             "delete the lock file with `pulumi cancel`.\\n  file:///dev.json: created by runner@%s (pid %s) at %s"
             % (fields["host"], fields["pid"], fields["since"]))
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    command = tmp_path / "pulumi"
    command.write_text(PULUMI)
    command.chmod(0o755)
    return Workspace(tmp_path, str(command), {}, StartedHere(tmp_path / "started" / "boot-1"))


@pytest.fixture
def gone() -> int:
    """Id of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return process.pid


def lock(workspace: Workspace, *, pid: int, age: timedelta, host: str = HERE, noted: bool = False) -> None:
    since = datetime.now(UTC) - age
    (workspace.directory / "lock.json").write_text(
        json.dumps({"pid": pid, "host": host, "since": since.isoformat(timespec="seconds")})
    )
    if noted:
        workspace.started.note(pid)
        assert workspace.started.folder is not None
        (workspace.started.folder / str(pid)).write_text(repr(since.timestamp()))


def removed(workspace: Workspace, **policy: timedelta | None) -> bool:
    """Whether the lock is removed by a command that does not wait."""
    try:
        when_unlocked(
            workspace,
            "dev",
            lambda: workspace.run("up"),
            LockPolicy(patience=timedelta(0), **policy),
            say=lambda _: None,
        )
    except StackLocked:
        return False
    return True


def test_a_lock_of_another_machine_is_removed_only_from_a_given_age_on(workspace: Workspace, gone: int) -> None:
    """However old it is, and though no such process exists here."""
    lock(workspace, pid=gone, age=timedelta(days=30), host="elsewhere", noted=True)
    assert not removed(workspace)
    assert not removed(workspace, unlock_after=timedelta(days=31))
    assert removed(workspace, unlock_after=timedelta(days=29))


def test_a_lock_of_a_lost_process_is_removed_after_a_minimum_age(workspace: Workspace, gone: int) -> None:
    """Its provider may still be at work for a while."""
    lock(workspace, pid=gone, age=OWN - timedelta(seconds=30), noted=True)
    assert not removed(workspace)
    lock(workspace, pid=gone, age=OWN + timedelta(seconds=30), noted=True)
    assert not removed(workspace, unlock_own_after=None)
    assert removed(workspace)


def test_a_process_that_this_machine_did_not_start_is_not_believed_dead(workspace: Workspace, gone: int) -> None:
    """Containers share host names and process ids: without a note, the lock may be another one's."""
    lock(workspace, pid=gone, age=timedelta(days=1))
    with pytest.raises(StackLocked, match="pulumi-runpod recover --unlock --stack dev"):
        when_unlocked(workspace, "dev", lambda: workspace.run("up"), LockPolicy(timedelta(0)), say=lambda _: None)


@pytest.mark.parametrize("other", ["boot-2", "another_boot-1"])
def test_containers_and_machines_of_one_host_name_are_kept_apart(workspace: Workspace, gone: int, other: str) -> None:
    """Their notes lie under another boot id or PID namespace, also in a cache that both share."""
    lock(workspace, pid=gone, age=timedelta(hours=1), noted=True)
    assert workspace.started.folder is not None
    elsewhere = StartedHere(workspace.started.folder.parent / other)
    assert not removed(Workspace(workspace.directory, workspace.command, {}, elsewhere))
    assert removed(workspace)


def test_the_lock_of_a_later_process_of_the_same_id_is_not_removed(workspace: Workspace, gone: int) -> None:
    """The note is of a process that began long before the lock was taken."""
    lock(workspace, pid=gone, age=timedelta(hours=2), noted=True)
    lock(workspace, pid=gone, age=timedelta(hours=1))
    assert not removed(workspace)


def test_a_living_process_keeps_its_lock(workspace: Workspace) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        lock(workspace, pid=process.pid, age=timedelta(hours=1), noted=True)
        kept = not removed(workspace)
        process.communicate(b"\n")
    assert kept


def test_only_processes_that_may_leave_a_lock_behind_stay_noted(workspace: Workspace) -> None:
    """One that ended by itself has given its lock back; one that was killed has not; reading takes none."""
    workspace.run("up")
    workspace.run("stack", "export")
    assert workspace.started.folder is not None
    ended = list(workspace.started.folder.iterdir())
    with pytest.raises(PulumiFailed):
        workspace.run("refresh")

    assert ended == []
    assert len(list(workspace.started.folder.iterdir())) == 1


def test_where_the_machine_cannot_be_known_nothing_is_believed_dead(workspace: Workspace, gone: int) -> None:
    """No boot id, as on macOS."""
    lock(workspace, pid=gone, age=timedelta(hours=1), noted=True)
    assert not removed(Workspace(workspace.directory, workspace.command, {}, StartedHere(None)))
