"""A program in the background that outlives us: started once, found again by its pid file, stopped by its pid.

A pid alone is no proof, since pids are used again: the file also holds when the process started.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootstrap.errors import SetupError

START_SECONDS = 60.0
STOP_SECONDS = 30.0
_LOOK_SECONDS = 0.05
_children: dict[int, subprocess.Popen[bytes]] = {}
"""By pid, those of this process: they go on without it, which a Popen that is collected would complain of."""


@dataclass(frozen=True)
class Daemon:
    """`directory` holds NAME.pid and NAME.log."""

    name: str
    directory: Path

    @property
    def log(self) -> Path:
        return self.directory / f"{self.name}.log"

    @property
    def _record(self) -> Path:
        return self.directory / f"{self.name}.pid"

    def pid(self) -> int | None:
        """None when it does not run."""
        try:
            document = json.loads(self._record.read_text())
            return document["pid"] if _started_at(document["pid"]) == document["started"] else None
        except (OSError, ValueError, KeyError):
            return None

    def start(
        self, argv: Sequence[str | Path], *, ready: Callable[[], bool], environ: Mapping[str, str] | None = None
    ) -> None:
        """Returns once it is ready. Raises SetupError when it ends before, or is not ready in time."""
        self.directory.mkdir(parents=True, exist_ok=True)
        try:
            with self.log.open("wb") as log:
                child = subprocess.Popen(
                    [str(part) for part in argv],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=None if environ is None else dict(environ),
                    start_new_session=True,
                )
        except OSError as error:
            raise SetupError(f"{self.name} does not start: {error.strerror}: {argv[0]}") from error
        _children[child.pid] = child
        self._record.write_text(json.dumps({"pid": child.pid, "started": _started_at(child.pid)}))
        end = time.monotonic() + START_SECONDS
        while not ready():
            # Programs that tell nobody when they are ready: only asking shows it. The wait ends when the child does.
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_LOOK_SECONDS)
            if child.returncode is not None or time.monotonic() > end:
                self.stop()
                raise SetupError(f"{self.name} did not come up. Its last words ({self.log}):\n{self._last_words()}")

    def stop(self) -> bool:
        """False: it did not run. Returns once it is gone. Raises SetupError when it does not end."""
        pid = self.pid()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                watched = os.pidfd_open(pid)
                try:
                    signal.pidfd_send_signal(watched, signal.SIGTERM)
                    if not select.select([watched], [], [], STOP_SECONDS)[0]:
                        raise SetupError(f"{self.name} (pid {pid}) did not end within {STOP_SECONDS:g} s")
                finally:
                    os.close(watched)
            if (child := _children.pop(pid, None)) is not None:
                child.wait()
        self._record.unlink(missing_ok=True)
        return pid is not None

    def _last_words(self) -> str:
        return "\n".join(f"    {line}" for line in self.log.read_text(errors="replace").splitlines()[-8:])


def _started_at(pid: int) -> int | None:
    """Clock ticks since boot; None when there is no such process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    # A zombie runs no more.
    return None if fields[0] == "Z" else int(fields[19])
