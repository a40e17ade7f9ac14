"""How bytes become a file: in the state directory, out of every worker's reach, in a thread, and then in one move.

Half a file is never seen. Memory stays flat: one batch is being written while the next is received.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import BinaryIO

from pulumi_runpod.emulator.s3.error import S3Error

_BATCH = 1 << 20
_COPY_STEP = 4 << 20
_TRIES = 20


class Draft:
    """A file that is being written. Leave the block, and it is gone, unless it was moved to its place."""

    def __init__(self, uploads: Path) -> None:
        self._folder = uploads
        self.path = self._folder / f"draft-{secrets.token_hex(8)}"

    def __enter__(self) -> Draft:
        in_uploads(self._folder, lambda: self.path.touch(mode=0o600, exist_ok=False))
        return self

    def __exit__(self, *_: object) -> None:
        self.path.unlink(missing_ok=True)
        remove_empty(self._folder)


def in_uploads(folder: Path, make: Callable[[], None]) -> None:
    """Make something in a volume's folder of unfinished uploads, which the request that empties it removes."""
    for _ in range(_TRIES):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            make()
        except FileNotFoundError:
            continue
        return
    raise S3Error("NoSuchBucket", "The network volume has been deleted.")


async def write(path: Path, pieces: AsyncIterator[bytes], update: Callable[[bytes], None]) -> int:
    """Write `pieces` to a file, handing every batch to `update` as well. Returns the size in bytes."""
    size = 0
    file = await asyncio.to_thread(path.open, "wb")
    with file:
        writing: asyncio.Task[None] | None = None
        try:
            async for batch in _batches(pieces):
                if writing:
                    await writing
                writing = asyncio.create_task(asyncio.to_thread(_write_batch, file, batch, update))
                size += len(batch)
        finally:
            if writing:
                await writing
    return size


async def _batches(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    held: list[bytes] = []
    size = 0
    async for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= _BATCH:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


def _write_batch(file: BinaryIO, batch: bytes, update: Callable[[bytes], None]) -> None:
    update(batch)
    file.write(batch)


def append(source: BinaryIO, target: BinaryIO) -> None:
    """Copy an open file to the end of another."""
    shutil.copyfileobj(source, target, _COPY_STEP)


def remove_empty(folder: Path) -> None:
    """Remove a directory that holds nothing."""
    try:
        folder.rmdir()
    except OSError:
        return
