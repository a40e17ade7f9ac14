"""Which `pulumi` processes this machine has started and lost: the proof that a lock of such a process is abandoned.

A lock names a user, a host and a process id. Containers can share all three, on one machine or on several, so a process
that does not exist here proves nothing by itself. So each process that takes locks is noted under the machine's boot id
and PID namespace, and the note goes when the process ends by itself. Only a note that is left over counts.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pulumi_runpod.client.file_digests import cache_dir

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PID_NAMESPACE = Path("/proc/self/ns/pid")
_TAKES_LOCK_WITHIN = timedelta(seconds=60)
"""After its start; the lock's time has whole seconds."""
_KEPT = timedelta(days=2)


@dataclass(frozen=True)
class StartedHere:
    """`folder`: of the notes; None where the machine has neither boot id nor PID namespace, so that nothing counts."""

    folder: Path | None

    @classmethod
    def on_this_machine(cls) -> StartedHere:
        try:
            boot, namespace = _BOOT_ID.read_text().strip(), str(_PID_NAMESPACE.readlink())
        except OSError:
            return cls(None)
        number = "".join(filter(str.isdigit, namespace))
        return cls(cache_dir() / "started" / f"{boot}-{number}")

    def note(self, pid: int) -> None:
        """A process that may take a lock has begun. Where no note can be written, its lock is left to a person."""
        if self.folder is None:
            return
        with contextlib.suppress(OSError):
            self._forget_old(self.folder)
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            (self.folder / str(pid)).write_text(repr(time.time()))

    def ended(self, pid: int) -> None:
        """It has ended by itself, and has given its lock back."""
        if self.folder is not None:
            with contextlib.suppress(OSError):
                (self.folder / str(pid)).unlink(missing_ok=True)

    def lost(self, pid: int, *, locked_at: datetime) -> bool:
        """Whether the process that took a lock then was started here, did not end by itself, and is gone."""
        if self.folder is None or _alive(pid):
            return False
        try:
            began = datetime.fromtimestamp(float((self.folder / str(pid)).read_text()), UTC)
        except (OSError, ValueError):
            return False
        return began - timedelta(seconds=1) <= locked_at <= began + _TAKES_LOCK_WITHIN

    def _forget_old(self, folder: Path) -> None:
        for other in folder.parent.iterdir() if folder.parent.is_dir() else ():
            if time.time() - other.stat().st_mtime > _KEPT.total_seconds():
                shutil.rmtree(other, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
