"""What each endpoint has been asked for, and how it went: counts since it was made, and when a request last came.

Kept beside the jobs because it outlives them: jobs are deleted after minutes, the rules of idle days look back on days.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pulumi_runpod.emulator.platform.store import Store

_SCHEMA = """
CREATE TABLE IF NOT EXISTS endpoint_activity (
    endpoint_id TEXT PRIMARY KEY,
    last_request_at REAL NOT NULL,
    completed INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    retried INTEGER NOT NULL DEFAULT 0
) STRICT;
"""
_GRAIN = 60.0
"""Seconds: `last_request_at` serves rules of days, and is not written for every job."""


@dataclass(frozen=True)
class Tally:
    """Ended and retried jobs (of a load balancer: requests) of an endpoint since it was made."""

    completed: int = 0
    failed: int = 0
    retried: int = 0


class Activity:
    """Of all endpoints. The caller is inside a write of the store, or makes one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.execute_script(_SCHEMA)
        self._last: dict[str, float] = {}

    def load(self) -> None:
        """Read what a former process left."""
        self._last = dict(
            self._store.connection.execute("SELECT endpoint_id, last_request_at FROM endpoint_activity").fetchall()
        )

    def asked(self, endpoint_id: str, now: float) -> None:
        """A job or a load balancer's request came."""
        if now - self._last.get(endpoint_id, float("-inf")) < _GRAIN:
            return
        self._store.connection.execute(
            "INSERT INTO endpoint_activity (endpoint_id, last_request_at) VALUES (?, ?)"
            " ON CONFLICT (endpoint_id) DO UPDATE SET last_request_at = excluded.last_request_at",
            (endpoint_id, now),
        )
        self._store.on_commit(lambda: self._last.update({endpoint_id: now}))

    def count(self, endpoint_id: str, what: Literal["completed", "failed", "retried"]) -> None:
        self._store.connection.execute(
            f"UPDATE endpoint_activity SET {what} = {what} + 1 WHERE endpoint_id = ?",  # noqa: S608 - one of three words
            (endpoint_id,),
        )

    def tally(self, endpoint_id: str) -> Tally:
        row = self._store.connection.execute(
            "SELECT completed, failed, retried FROM endpoint_activity WHERE endpoint_id = ?", (endpoint_id,)
        ).fetchone()
        return Tally(*row) if row else Tally()

    def last_request_at(self, endpoint_id: str) -> float | None:
        """Seconds since the epoch of the platform's clock, to the minute; None where none ever came."""
        return self._last.get(endpoint_id)

    def forget(self, endpoint_id: str) -> None:
        self._store.connection.execute("DELETE FROM endpoint_activity WHERE endpoint_id = ?", (endpoint_id,))
        self._store.on_commit(lambda: self._last.pop(endpoint_id, None))

    def clear(self) -> None:
        """The store was emptied."""
        self._last.clear()
