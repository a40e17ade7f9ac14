"""ETags, content types and user metadata of files, by volume and key; forgotten when the file is changed by others.

A file that came through here has the ETag of its upload. One that a worker wrote gets its MD5 when it is first asked
for or listed, which takes its time: so does the service.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pulumi_runpod.emulator.platform.beneath import FileBeneath
from pulumi_runpod.emulator.platform.store import Store
from pulumi_runpod.emulator.s3.volumes import Volume

_SCHEMA = """
CREATE TABLE IF NOT EXISTS s3_files (
    volume_id TEXT NOT NULL,
    key TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    etag TEXT NOT NULL,
    content_type TEXT NOT NULL,
    metadata TEXT NOT NULL,
    PRIMARY KEY (volume_id, key)
) STRICT, WITHOUT ROWID;
"""
DEFAULT_CONTENT_TYPE = "binary/octet-stream"
_READ_STEP = 4 << 20


@dataclass(frozen=True)
class Meta:
    """What is stored with a file and not in it. `user` are the names and values of `x-amz-meta-*`."""

    content_type: str = DEFAULT_CONTENT_TYPE
    user: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FileInfo:
    file: FileBeneath
    size: int
    mtime_ns: int
    etag: str
    """Without quotes."""
    meta: Meta


class Etags:
    def __init__(self, store: Store) -> None:
        self._connection = store.connection
        store.execute_script(_SCHEMA)
        # Volumes are deleted by others, who know nothing of this table.
        self._connection.execute(
            "DELETE FROM s3_files WHERE volume_id NOT IN (SELECT id FROM objects WHERE kind = 'network volume')"
        )

    def put(self, volume: Volume, key: str, etag: str, meta: Meta) -> None:
        """Remember the ETag of the file as it is now; nothing of one that a worker has removed meanwhile."""
        stat = _stat(FileBeneath(volume.directory, tuple(key.split("/"))))
        if stat is None:
            return
        self._put(volume.id, key, stat.st_size, stat.st_mtime_ns, etag, meta)

    def forget(self, volume_id: str, key: str) -> None:
        self._connection.execute("DELETE FROM s3_files WHERE volume_id = ? AND key = ?", (volume_id, key))

    async def info(self, volume_id: str, key: str, file: FileBeneath) -> FileInfo | None:
        """None when the file has gone."""
        return (await self.infos(volume_id, [(key, file)]))[0]

    async def infos(self, volume_id: str, files: Sequence[tuple[str, FileBeneath]]) -> list[FileInfo | None]:
        """One for each (key, file), computing the ETags that are not known."""
        stats = await asyncio.to_thread(lambda: [_stat(file) for _, file in files])
        found: list[FileInfo | None] = []
        for (key, file), stat in zip(files, stats, strict=True):
            if stat is None:
                found.append(None)
                continue
            known = self._known(volume_id, key, stat)
            if known is None:
                try:
                    etag = await _md5(file)
                except OSError:
                    found.append(None)
                    continue
                known = etag, Meta()
                self._put(volume_id, key, stat.st_size, stat.st_mtime_ns, etag, Meta())
            found.append(FileInfo(file, stat.st_size, stat.st_mtime_ns, *known))
        return found

    def _known(self, volume_id: str, key: str, stat: os.stat_result) -> tuple[str, Meta] | None:
        row = self._connection.execute(
            "SELECT etag, content_type, metadata FROM s3_files"
            " WHERE volume_id = ? AND key = ? AND size = ? AND mtime_ns = ?",
            (volume_id, key, stat.st_size, stat.st_mtime_ns),
        ).fetchone()
        return (row[0], Meta(row[1], json.loads(row[2]))) if row else None

    def _put(self, volume_id: str, key: str, size: int, mtime_ns: int, etag: str, meta: Meta) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO s3_files VALUES (?, ?, ?, ?, ?, ?, ?)",
            (volume_id, key, size, mtime_ns, etag, meta.content_type, json.dumps(dict(meta.user))),
        )


def _stat(file: FileBeneath) -> os.stat_result | None:
    try:
        return file.stat()
    except OSError:
        return None


async def _md5(file: FileBeneath) -> str:
    """Ends early when nobody waits for it any more: a server that stops need not read 100 GB first."""
    unwanted = threading.Event()

    def compute() -> str:
        found = hashlib.md5(usedforsecurity=False)
        with file.open() as content:
            while not unwanted.is_set() and (piece := content.read(_READ_STEP)):
                found.update(piece)
        return found.hexdigest()

    try:
        return await asyncio.to_thread(compute)
    finally:
        unwanted.set()
