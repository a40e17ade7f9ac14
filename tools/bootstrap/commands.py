"""Runs programs, and turns every failure into one message: what failed, its last words, what to do."""

from __future__ import annotations

import os
import selectors
import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from bootstrap.errors import SetupError

LAST_LINES = 15

Watcher = Callable[[str | None], None]
"""Called with each line of output as it comes, and with None once a second while there is none."""


def run(
    argv: Sequence[str | Path],
    *,
    purpose: str,
    advice: str,
    cwd: Path | None = None,
    environ: Mapping[str, str] | None = None,
    watch: Watcher | None = None,
) -> str:
    """What the program printed, both streams. Raises SetupError when it cannot be started or fails."""
    command = [str(part) for part in argv]
    try:
        child = subprocess.Popen(
            command,
            cwd=cwd,
            env=None if environ is None else dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except OSError as error:
        raise SetupError(f"could not {purpose}: {command[0]} does not start ({error.strerror}).\n{advice}") from error
    lines: list[str] = []
    with child:
        try:
            for line in _lines(child):
                if line is not None:
                    lines.append(line)
                if watch is not None:
                    watch(line)
        except BaseException:
            child.terminate()
            raise
    if child.returncode != 0:
        last = "\n".join(f"    {line}" for line in lines[-LAST_LINES:])
        raise SetupError(
            f"could not {purpose}: this command failed with exit status {child.returncode}\n"
            f"  {shlex.join(command)}\n{last}\n{advice}"
        )
    return "\n".join(lines)


def _lines(child: subprocess.Popen[bytes]) -> Iterator[str | None]:
    """Lines as they come; None when a second passes without one."""
    if child.stdout is None:
        return
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        rest = b""
        while True:
            if not selector.select(timeout=1.0):
                yield None
                continue
            data = os.read(child.stdout.fileno(), 65536)
            if not data:
                break
            *whole, rest = (rest + data).split(b"\n")
            yield from (line.decode(errors="replace") for line in whole)
        if rest:
            yield rest.decode(errors="replace")
