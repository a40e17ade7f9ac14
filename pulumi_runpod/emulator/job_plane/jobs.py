"""All jobs: what of them survives a restart, and when they are forgotten. Who works on them is not decided here.

A job is a row from the moment it is accepted, so that an acknowledged job reaches an end state whatever happens to this
process. Payloads stay in the store as JSON text: what waits in memory is a few hundred bytes, however large the input.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager

from pulumi_runpod.emulator.job_plane.activity import Activity
from pulumi_runpod.emulator.job_plane.job import Job
from pulumi_runpod.emulator.platform.clock import Clock, Timer
from pulumi_runpod.emulator.platform.store import Store
from pulumi_runpod.wire.job import JobRequest, JobStatus

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    endpoint_id TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at REAL NOT NULL,
    queued_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    started_at REAL,
    finished_at REAL,
    worker_id TEXT,
    retries INTEGER NOT NULL DEFAULT 0,
    webhook_left INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    output TEXT,
    request TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS jobs_by_expiry ON jobs (expires_at);
CREATE TABLE IF NOT EXISTS job_chunks (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, job_seq INTEGER NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS job_chunks_by_job ON job_chunks (job_seq);
"""
MAX_CHUNK_BYTES = 1024 * 1024
"""Largest part of a stream."""
_COLUMNS = (
    "seq, id, endpoint_id, status, created_at, queued_at, expires_at, started_at, finished_at, worker_id, retries,"
    " webhook_left, error"
)


class Jobs:
    """Every job that is known. `on_final` learns of each job that ends, `on_expired` of each that is dropped early."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        store.execute_script(_SCHEMA)
        self.activity = Activity(store)
        self.live: dict[str, Job] = {}
        """Jobs without an end, by id."""
        self.on_final: Callable[[Job], None] = _ignore
        self.on_expired: Callable[[Job], None] = _ignore
        self._janitor: Timer | None = None

    def load(self) -> list[Job]:
        """Read what a former process left without an end, oldest first. Called once, before any other method."""
        rows = self._store.connection.execute(
            f"SELECT {_COLUMNS}, request FROM jobs WHERE status IN ('IN_QUEUE', 'IN_PROGRESS') ORDER BY seq"  # noqa: S608 - our own column list
        )
        for *columns, request in rows:
            job = Job(*columns)
            job.obey(JobRequest.model_validate_json(request).policy)
            self.live[job.id] = job
        self.activity.load()
        self._watch_expiry()
        return list(self.live.values())

    # Life of a job.

    def accept(self, endpoint_id: str, request: JobRequest, *, sync: bool, ttl_ms: int, webhook_attempts: int) -> Job:
        """Queue a job. Once this returns, the job is on disk."""
        now = self._clock.now()
        job_id = f"sync-{uuid.uuid4()}-u1" if sync else f"{uuid.uuid4()}-u1"
        job = Job(0, job_id, endpoint_id, "IN_QUEUE", now, now, now + ttl_ms / 1000)
        job.obey(request.policy)
        if request.webhook:
            job.webhook_left = webhook_attempts
        with self._store.atomic():
            inserted = self._store.connection.execute(
                "INSERT INTO jobs (id, endpoint_id, status, created_at, queued_at, expires_at, webhook_left, request)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    job.id,
                    endpoint_id,
                    job.status,
                    now,
                    now,
                    job.expires_at,
                    job.webhook_left,
                    request.model_dump_json(by_alias=True, exclude_unset=True),
                ),
            )
            self.activity.asked(endpoint_id, now)
        job.seq = inserted.lastrowid or 0
        self.live[job.id] = job
        self._watch_expiry(job.expires_at)
        return job

    def start(self, job: Job, worker_id: str) -> None:
        now = self._clock.now()
        self._store.connection.execute(
            "UPDATE jobs SET status = 'IN_PROGRESS', worker_id = ?, started_at = ? WHERE seq = ?",
            (worker_id, now, job.seq),
        )
        job.status, job.worker_id, job.started_at = "IN_PROGRESS", worker_id, now

    def take_back(self, job: Job) -> None:
        """The worker never got it: it waits again as if it had not been handed over."""
        self._to_queue(job, queued_at=job.queued_at, retries=job.retries)

    def try_again(self, job: Job) -> None:
        """Queue it for another attempt. What a former attempt put out is gone."""
        with self._store.atomic():
            self._to_queue(job, queued_at=self._clock.now(), retries=job.retries + 1)
            self._drop_chunks(job)
            self.activity.count(job.endpoint_id, "retried")
            self._store.on_commit(lambda: self._lives_again(job))

    def progress(self, job: Job, output: str) -> None:
        """What a running job shows of itself, JSON text."""
        self._store.connection.execute("UPDATE jobs SET output = ? WHERE seq = ?", (output, job.seq))
        job.changed()

    def finish(
        self, job: Job, status: JobStatus, *, retention: float, output: str | None = None, error: str | None = None
    ) -> None:
        """End a job. `output` is JSON text; `retention` the seconds that the result can be read."""
        now = self._clock.now()
        expires_at = min(job.expires_at, now + retention)

        def ended() -> None:
            self.live.pop(job.id, None)
            job.status, job.finished_at, job.error, job.expires_at = status, now, error, expires_at
            job.stop_timer()
            self._watch_expiry(expires_at)
            job.changed()
            self.on_final(job)

        with self._store.atomic():
            self._store.connection.execute(
                "UPDATE jobs SET status = ?, finished_at = ?, error = ?, output = ?, expires_at = ? WHERE seq = ?",
                (status, now, error, output, expires_at, job.seq),
            )
            if status != "CANCELLED":
                self.activity.count(job.endpoint_id, "completed" if status == "COMPLETED" else "failed")
            self._store.on_commit(ended)

    def together(self) -> AbstractContextManager[None]:
        """Many steps as one write: jobs change in memory once it is committed."""
        return self._store.atomic()

    def once_written(self, call: Callable[[], None]) -> None:
        """Call once what `together` holds is committed; at once outside of it."""
        self._store.on_commit(call)

    def eventually(self, job: Job, step: Callable[[], None]) -> None:
        """Take a step that no client can repeat, as soon as the disk takes it, unless the job has ended by then."""
        self._store.eventually(lambda: step() if job.id in self.live else None)

    def set_ttl(self, job: Job, ttl_ms: int) -> None:
        """Move the moment at which the job is deleted, counted from its submission."""
        expires_at = job.created_at + ttl_ms / 1000
        self._store.connection.execute("UPDATE jobs SET expires_at = ? WHERE seq = ?", (expires_at, job.seq))

        def moved() -> None:
            job.expires_at = expires_at
            self._watch_expiry(expires_at)

        self._store.on_commit(moved)

    def webhook_tried(self, job: Job, left: int) -> None:
        """Note how many attempts are left. In memory at once: a webhook that was delivered is never repeated here."""
        job.webhook_left = left
        self._store.eventually(lambda: self._execute("UPDATE jobs SET webhook_left = ? WHERE seq = ?", (left, job.seq)))

    # Streams.

    def add_chunk(self, job: Job, body: str) -> None:
        """One part of a stream, JSON text of `{"output": ...}`."""
        self._store.connection.execute("INSERT INTO job_chunks (job_seq, body) VALUES (?, ?)", (job.seq, body))
        job.changed()

    def drain_chunks(self, job: Job) -> list[str]:
        """Parts since the last call, as JSON texts: each is handed out once."""
        rows = self._store.connection.execute(
            "SELECT body FROM job_chunks WHERE job_seq = ? ORDER BY seq", (job.seq,)
        ).fetchall()
        if rows:
            self._drop_chunks(job)
        return [body for (body,) in rows]

    # Reading.

    def find(self, endpoint_id: str, job_id: str) -> Job | None:
        job = self.live.get(job_id)
        if job is None:
            row = self._store.connection.execute(
                f"SELECT {_COLUMNS} FROM jobs WHERE id = ?",  # noqa: S608 - our own column list
                (job_id,),
            ).fetchone()
            job = Job(*row) if row else None
            if job is not None and job.expires_at <= self._clock.now():
                return None
        return job if job is not None and job.endpoint_id == endpoint_id else None

    def request_of(self, job: Job) -> str:
        """The accepted body, JSON text of an object. Raises LookupError once the job is deleted."""
        row = self._store.connection.execute("SELECT request FROM jobs WHERE seq = ?", (job.seq,)).fetchone()
        if row is None:
            raise LookupError(f"job {job.id} is deleted")
        return str(row[0])

    def output_of(self, job: Job) -> str | None:
        row = self._store.connection.execute("SELECT output FROM jobs WHERE seq = ?", (job.seq,)).fetchone()
        return row[0] if row else None

    def owed_webhooks(self) -> list[Job]:
        """Ended jobs whose webhook was not delivered."""
        rows = self._store.connection.execute(
            f"SELECT {_COLUMNS} FROM jobs WHERE webhook_left > 0 AND status NOT IN ('IN_QUEUE', 'IN_PROGRESS')"  # noqa: S608 - our own column list
        )
        return [Job(*row) for row in rows]

    # Leaving.

    def forget_endpoint(self, endpoint_id: str) -> None:
        with self._store.atomic():
            execute = self._store.connection.execute
            execute(
                "DELETE FROM job_chunks WHERE job_seq IN (SELECT seq FROM jobs WHERE endpoint_id = ?)", (endpoint_id,)
            )
            execute("DELETE FROM jobs WHERE endpoint_id = ?", (endpoint_id,))
            self.activity.forget(endpoint_id)

    def clear(self) -> None:
        """The store was emptied: forget everything that memory holds."""
        for job in self.live.values():
            job.stop_timer()
            job.status = "CANCELLED"
            job.changed()
        self.live.clear()
        self.activity.clear()

    def _to_queue(self, job: Job, *, queued_at: float, retries: int) -> None:
        self._execute(
            "UPDATE jobs SET status = 'IN_QUEUE', queued_at = ?, retries = ?, worker_id = NULL, started_at = NULL,"
            " finished_at = NULL, error = NULL, output = NULL WHERE seq = ?",
            (queued_at, retries, job.seq),
        )

        def waits() -> None:
            job.stop_timer()
            job.status, job.queued_at, job.retries = "IN_QUEUE", queued_at, retries
            job.worker_id = job.started_at = job.finished_at = job.error = None
            job.changed()

        self._store.on_commit(waits)

    def _lives_again(self, job: Job) -> None:
        self.live[job.id] = job
        self._watch_expiry(job.expires_at)

    def _execute(self, sql: str, values: tuple[object, ...]) -> None:
        self._store.connection.execute(sql, values)

    def _drop_chunks(self, job: Job) -> None:
        self._store.connection.execute("DELETE FROM job_chunks WHERE job_seq = ?", (job.seq,))

    def _watch_expiry(self, moment: float | None = None) -> None:
        """Have the janitor come no later than `moment`; None: ask the store for the earliest."""
        if moment is None:
            (moment,) = self._store.connection.execute("SELECT min(expires_at) FROM jobs").fetchone()
            if moment is None:
                return
        if self._janitor is not None:
            if self._janitor.call is not None and self._janitor.moment <= moment:
                return
            self._janitor.cancel()
        self._janitor = self._clock.call_at(moment, self._sweep)

    def _sweep(self) -> None:
        """Delete what has expired, in any state."""
        self._janitor = None
        now = self._clock.now()

        def delete() -> None:
            expired = self._store.connection.execute(
                "SELECT seq, id FROM jobs WHERE expires_at <= ?", (now,)
            ).fetchall()
            with self._store.atomic():
                for _, job_id in expired:
                    if job_id in self.live:
                        self._expire(self.live[job_id])
            # Webhooks have read their jobs by now.
            with self._store.atomic():
                for seq, _ in expired:
                    self._execute("DELETE FROM job_chunks WHERE job_seq = ?", (seq,))
                    self._execute("DELETE FROM jobs WHERE seq = ?", (seq,))
                self._store.on_commit(self._watch_expiry)

        self._store.eventually(delete)

    def _expire(self, job: Job) -> None:
        """A waiting call gets TIMED_OUT; a later one gets that it does not exist."""
        error = "job expired: its time to live is over"

        def expired() -> None:
            self.live.pop(job.id, None)
            job.stop_timer()
            self.on_expired(job)
            job.status, job.error = "TIMED_OUT", error
            job.changed()
            self.on_final(job)

        self._execute("UPDATE jobs SET status = 'TIMED_OUT', error = ? WHERE seq = ?", (error, job.seq))
        self.activity.count(job.endpoint_id, "failed")
        self._store.on_commit(expired)


def _ignore(_: Job) -> None:
    """Nobody listens yet."""
