"""Everything that survives a restart, in one SQLite file: objects of every kind, and whatever other tables a room adds.

Handlers run on one event loop and never await between read and write, so each request is atomic without locks. WAL with
`synchronous=NORMAL`: an acknowledged write survives a kill of the process.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
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
        self.connection = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("PRAGMA synchronous=NORMAL")
        self.connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        self.execute_script(_SCHEMA)
        self._depth = 0

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
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        else:
            self.connection.execute("COMMIT")
        finally:
            self._depth -= 1

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
        self.connection.close()


def _row(found: tuple[int, str, str, str]) -> Row:
    seq, object_id, body, private = found
    return Row(seq=seq, id=object_id, body=from_json(body), private=from_json(private))


def _text(value: JsonObject) -> str:
    return to_json(value).decode()
