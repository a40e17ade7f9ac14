"""Reads what a child writes, as it comes: the engine waits for a plugin's port, so nothing may sit in a buffer."""

from __future__ import annotations

import os
import queue
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from language_host.children import Children
from language_host.errors import HostError


@dataclass(frozen=True)
class Chunk:
    """Some bytes of a child's output."""

    data: bytes
    is_error: bool


@dataclass
class Output:
    """A child's output until both streams end; `status` is known afterwards."""

    children: Children
    child: subprocess.Popen[bytes]
    status: int = 0

    def __iter__(self) -> Iterator[Chunk]:
        chunks: queue.SimpleQueue[Chunk] = queue.SimpleQueue()
        pipes = [(pipe, is_error) for pipe, is_error in ((self.child.stdout, False), (self.child.stderr, True)) if pipe]
        for pipe, is_error in pipes:
            threading.Thread(target=_pump, args=(pipe, is_error, chunks), daemon=True).start()
        open_pipes = len(pipes)
        while open_pipes:
            chunk = chunks.get()
            if chunk.data:
                yield chunk
            else:
                open_pipes -= 1
        self.status = self.children.wait(self.child)


def _pump(pipe: IO[bytes], is_error: bool, chunks: queue.SimpleQueue[Chunk]) -> None:
    with pipe:
        while data := os.read(pipe.fileno(), 65536):
            chunks.put(Chunk(data, is_error))
    chunks.put(Chunk(b"", is_error))


def stream(children: Children, argv: Sequence[str], *, cwd: Path, environ: Mapping[str, str]) -> Output:
    """Raises HostError when the program cannot be started."""
    try:
        child = children.start(argv, cwd=cwd, environ=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except OSError as error:
        raise HostError(f"could not run {argv[0]}: {error}") from error
    return Output(children, child)


def capture(children: Children, argv: Sequence[str], *, cwd: Path, environ: Mapping[str, str]) -> str:
    """What the command prints on stdout. Raises HostError, with what it said on stderr, when it fails."""
    output = stream(children, argv, cwd=cwd, environ=environ)
    chunks = list(output)
    if output.status != 0:
        said = b"".join(chunk.data for chunk in chunks if chunk.is_error).decode(errors="replace").strip()
        raise HostError(f"'{' '.join(argv)}' failed with exit status {output.status}: {said}")
    return b"".join(chunk.data for chunk in chunks if not chunk.is_error).decode(errors="replace")
