"""Everything that survives a restart, in one SQLite file: objects of every kind, and whatever other tables a room adds.

Handlers run on one event loop and never await between read and write, so each request is atomic without locks. WAL with
`synchronous=NORMAL`: an acknowledged write survives a kill of the process.

A write can fail at any time, as on a full disk. So what memory holds changes after the commit (`on_commit`), and a
write that nobody can repeat waits until the disk takes it (`eventually`).
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic_core import from_json, to_json

from pulumi_runpod.wire.model import JsonObject

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    private TEXT NOT NULL DEFAULT '{}',
    UNIQUE (kind, id)
) STRICT;
"""
# A commit costs what pages it writes: one of the table and one of its only index. Checkpoints wait for the disk, so
# they are rare: at 16 MB of log.
_CHECKPOINT_PAGES = 4000
_NEXT_TRY_S = 1.0
"""Real seconds between two attempts of a write that the disk refuses."""

CannotWrite = sqlite3.OperationalError
"""What a write raises when the disk is full, read-only or failing. Nothing was written."""


class DamagedError(Exception):
    """The file is no whole database of the local RunPod; the text names it and says what to do."""


def why_not_written(error: sqlite3.DatabaseError) -> str:
    """One line for the sender of the request."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    if code == sqlite3.SQLITE_FULL:
        return "disk full: nothing was stored. Free space for the state directory of the local RunPod, then try again"
    if code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return "the database of the local RunPod is damaged: stop it, and restore or delete its state directory"
    return f"the local RunPod cannot write to its state directory ({error}): nothing was stored"


@dataclass(frozen=True)
class Row:
    """An object as stored: `body` is what the API returns, `private` what it never does (passwords, versions)."""

    seq: int
    id: str
    body: JsonObject
    private: JsonObject


class Store:
    """`path` None keeps everything in memory."""

    def __init__(self, path: Path | None = None) -> None:
        if path is not None:
            _verify(path) if path.exists() else _make(path)
        self.connection = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("PRAGMA synchronous=NORMAL")
        self.connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        self.execute_script(_SCHEMA)
        self._depth = 0
        self._on_commit: list[Callable[[], object]] = []
        self._unwritten: deque[Callable[[], None]] = deque()
        self._next_try: asyncio.TimerHandle | None = None

    def execute_script(self, sql: str) -> None:
        """Declare tables: each room that keeps its own calls this once, with `IF NOT EXISTS`."""
        self.connection.executescript(sql)

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """All or nothing; an inner block joins the outer one."""
        if self._depth:
            yield
            return
        self.connection.execute("BEGIN IMMEDIATE")
        self._depth += 1
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException:
            self._on_commit.clear()
            # SQLite has rolled back by itself after some failures; after others, a failed COMMIT leaves it open.
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise
        finally:
            self._depth -= 1
        calls, self._on_commit = self._on_commit, []
        for call in calls:
            call()

    def on_commit(self, call: Callable[[], object]) -> None:
        """Call once the current `atomic` block is committed, and never if it is not. Outside of one: at once."""
        if self._depth:
            self._on_commit.append(call)
        else:
            call()

    def eventually(self, write: Callable[[], None]) -> None:
        """Make a write that nobody will ask for again, now or as soon as the disk takes it, in the order of the calls.

        `write` may be called several times, and raises `CannotWrite` until it succeeds. What is still unwritten when
        the process ends is lost.
        """
        self._unwritten.append(write)
        if len(self._unwritten) == 1:
            self.write_again()

    def write_again(self) -> None:
        """Try what the disk refused. No-op when there is nothing."""
        if self._next_try is not None:
            self._next_try.cancel()
            self._next_try = None
        while self._unwritten:
            try:
                self._unwritten[0]()
            except CannotWrite:
                self._next_try = asyncio.get_running_loop().call_later(_NEXT_TRY_S, self.write_again)
                return
            except BaseException:
                self._unwritten.popleft()
                raise
            self._unwritten.popleft()

    def insert(self, kind: str, object_id: str, body: JsonObject, private: JsonObject | None = None) -> str:
        """Returns the body as it was stored: JSON text."""
        text = _text(body)
        self.connection.execute(
            "INSERT INTO objects (kind, id, body, private) VALUES (?, ?, ?, ?)",
            (kind, object_id, text, _text(private) if private else "{}"),
        )
        return text

    def update(self, kind: str, object_id: str, body: JsonObject, private: JsonObject | None = None) -> str:
        """Replace the body, and the private part when one is given. Returns the body as JSON text."""
        text = _text(body)
        self.connection.execute(
            "UPDATE objects SET body = ?, private = coalesce(?, private) WHERE kind = ? AND id = ?",
            (text, None if private is None else _text(private), kind, object_id),
        )
        return text

    def get(self, kind: str, object_id: str) -> Row | None:
        found = self.connection.execute(
            "SELECT seq, id, body, private FROM objects WHERE kind = ? AND id = ?", (kind, object_id)
        ).fetchone()
        return _row(found) if found else None

    def text(self, kind: str, object_id: str) -> str | None:
        """The body as JSON text: for answers that pass it on as it is."""
        found = self.connection.execute(
            "SELECT body FROM objects WHERE kind = ? AND id = ?", (kind, object_id)
        ).fetchone()
        return found[0] if found else None

    def texts(self, kind: str, *, before: int | None = None, limit: int = -1) -> list[tuple[int, str, str]]:
        """`(seq, id, body as JSON text)`, newest first: `list` for answers that pass bodies on as they are."""
        return self.connection.execute(
            "SELECT seq, id, body FROM objects WHERE kind = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
            (kind, before if before is not None else 1 << 62, limit),
        ).fetchall()

    def referring(self, kind: str, member: str, value: str) -> list[Row]:
        """Objects whose body names `value` in `member`, which holds one string or a list of them. Newest first."""
        found = self.connection.execute(
            "SELECT seq, id, body, private FROM objects WHERE kind = ? AND EXISTS"
            " (SELECT 1 FROM json_each(body, ?) AS named WHERE named.value = ?) ORDER BY seq DESC",
            (kind, f"$.{member}", value),
        ).fetchall()
        return [_row(r) for r in found]

    def total(self, kind: str, member: str) -> int:
        """The sum of a number over all bodies of a kind; `member` is a path such as `workers.max`."""
        found = self.connection.execute(
            "SELECT coalesce(sum(json_extract(body, ?)), 0) FROM objects WHERE kind = ?", (f"$.{member}", kind)
        ).fetchone()
        return int(found[0])

    def list(self, kind: str, *, before: int | None = None, limit: int = -1) -> list[Row]:
        """Newest first; `before` is the `seq` after which a page goes on."""
        found = self.connection.execute(
            "SELECT seq, id, body, private FROM objects WHERE kind = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
            (kind, before if before is not None else 1 << 62, limit),
        ).fetchall()
        return [_row(r) for r in found]

    def delete(self, kind: str, object_id: str) -> bool:
        deleted = self.connection.execute("DELETE FROM objects WHERE kind = ? AND id = ?", (kind, object_id))
        return deleted.rowcount > 0

    def clear(self) -> None:
        """Forget every row of every table."""
        tables = self.connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        with self.atomic():
            for (table,) in tables:
                self.connection.execute(f'DELETE FROM "{table}"')  # noqa: S608 - names come from the schema itself

    def close(self) -> None:
        if self._next_try is not None:
            self._next_try.cancel()
        self.connection.close()


def _make(path: Path) -> None:
    """A new database appears whole or not at all, so that an empty file is always a damaged one."""
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(beside, isolation_level=None)) as connection:
        connection.executescript(_SCHEMA)
    beside.replace(path)


def _verify(path: Path) -> None:
    """Raises DamagedError for a file that SQLite would take for an empty database, or read in part."""
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            ((checked,),) = connection.execute("PRAGMA quick_check(1)").fetchall()
            ((pages,),) = connection.execute("PRAGMA page_count").fetchall()
            ((page_size,),) = connection.execute("PRAGMA page_size").fetchall()
            if checked == "ok":
                tables = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'objects'").fetchall()
                checked = checked if tables else "it is empty, or no database of the local RunPod"
        # Closed, it has no log of writes beside it, unless the disk is full. SQLite reads a cut last page as zeros.
        cut = path.stat().st_size != pages * page_size and not path.with_name(path.name + "-wal").exists()
        checked = "its end is missing" if cut and checked == "ok" else checked
    except CannotWrite:
        raise
    except sqlite3.DatabaseError as failure:
        checked = str(failure)
    if checked == "ok":
        return
    raise DamagedError(
        f"cannot read {path}: {checked.splitlines()[-1]}. Restore the file from a copy, or delete its folder to start "
        "with an empty account"
    )


def _row(found: tuple[int, str, str, str]) -> Row:
    seq, object_id, body, private = found
    return Row(seq=seq, id=object_id, body=from_json(body), private=from_json(private))


def _text(value: JsonObject) -> str:
    return to_json(value).decode()
