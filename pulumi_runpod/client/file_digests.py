"""SHA-256 of local files, computed once: kept in the user's cache by path, size and time of the last change.

A file that is changed without its size, its time and its inode changing is not noticed; `touch` it.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS digests (
    path TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    sha256 TEXT NOT NULL
) STRICT, WITHOUT ROWID
"""


def cache_dir() -> Path:
    """`$XDG_CACHE_HOME/pulumi-runpod`, or `~/.cache/pulumi-runpod`. Safe to delete."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "pulumi-runpod"


class FileDigests:
    """Processes may share one cache; where it cannot be written, nothing is remembered."""

    def __init__(self, folder: Path | None = None) -> None:
        self._file = (folder or cache_dir()) / "digests.sqlite"
        self.hashed = 0
        """Files that were really read."""

    def of(self, path: Path) -> tuple[int, str]:
        """(size in bytes, SHA-256) of a file. Raises OSError when it cannot be read."""
        real = path.resolve(strict=True)
        stat = real.stat()
        seen = (str(real), stat.st_size, stat.st_mtime_ns, stat.st_ino)
        known = self._get(seen)
        if known is None:
            with real.open("rb") as file:
                known = hashlib.file_digest(file, "sha256").hexdigest()
            self.hashed += 1
            self._put(seen, known)
        return stat.st_size, known

    def _get(self, seen: tuple[str, int, int, int]) -> str | None:
        with self._opened() as connection:
            if connection is None:
                return None
            row = connection.execute(
                "SELECT sha256 FROM digests WHERE path = ? AND size = ? AND mtime_ns = ? AND inode = ?", seen
            ).fetchone()
        return str(row[0]) if row else None

    def _put(self, seen: tuple[str, int, int, int], sha256: str) -> None:
        with self._opened() as connection:
            if connection is not None:
                connection.execute("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?, ?)", (*seen, sha256))

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection | None]:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self._file, isolation_level=None, timeout=30)
            connection.execute(_SCHEMA)
        except (OSError, sqlite3.Error):
            yield None
            return
        with closing(connection):
            yield connection
