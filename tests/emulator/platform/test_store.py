"""The database as a file: what a failed commit leaves, and what a damaged file is answered with."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from pulumi_runpod.emulator.platform.store import CannotWrite, DamagedError, Store
from pulumi_runpod.emulator.process.server import opened
from pulumi_runpod.emulator.process.server_settings import ServerError, ServerSettings
from tests.emulator.small_disk import fill, small_disk

KIND = "network volume"


def written(path: Path, count: int = 200) -> bytes:
    """A database with objects, closed, and its bytes."""
    store = Store(path)
    with store.atomic():
        for n in range(count):
            store.insert(KIND, f"v{n}", {"id": f"v{n}", "name": "x" * 200})
    store.close()
    return path.read_bytes()


def test_what_memory_holds_changes_after_the_commit_alone(tmp_path: Path) -> None:
    """A rolled-back block calls nothing; a committed one calls in order."""
    store = Store(tmp_path / "db")
    calls: list[str] = []
    with contextlib.suppress(RuntimeError), store.atomic():
        store.on_commit(lambda: calls.append("rolled back"))
        raise RuntimeError
    with store.atomic():
        store.on_commit(lambda: calls.append("first"))
        with store.atomic():
            store.on_commit(lambda: calls.append("second"))
        assert calls == []
    assert calls == ["first", "second"]
    store.close()


def test_a_commit_that_fails_is_rolled_back_and_the_next_one_works(tmp_path: Path) -> None:
    """A full disk shows itself at the commit, after every statement went well."""
    with small_disk(tmp_path / "disk", megabytes=2) as disk:
        store = Store(disk / "db")
        calls: list[str] = []
        filler = fill(disk)

        def write() -> None:
            with store.atomic():
                store.insert(KIND, "lost", {})
                store.on_commit(lambda: calls.append("lost"))

        with pytest.raises(CannotWrite) as full:
            write()
        assert full.value.sqlite_errorcode == sqlite3.SQLITE_FULL
        assert (store.list(KIND), calls) == ([], [])

        filler.unlink()
        store.insert(KIND, "kept", {})
        assert [row.id for row in store.list(KIND)] == ["kept"]
        store.close()


@pytest.mark.parametrize("kept", [0, 1, 100, 4096, 20_000, -1], ids=lambda n: f"{n} bytes")
def test_a_truncated_database_is_refused(tmp_path: Path, kept: int) -> None:
    """Never an account with less in it: SQLite alone takes an empty file for a new database."""
    path = tmp_path / "db"
    path.write_bytes(written(path)[:kept])
    with pytest.raises(DamagedError, match="cannot read"):
        Store(path)


def test_a_damaged_page_is_refused(tmp_path: Path) -> None:
    """Zeros in the middle of the file."""
    path = tmp_path / "db"
    content = bytearray(written(path))
    content[8192:12288] = bytes(4096)
    path.write_bytes(content)
    with pytest.raises(DamagedError, match="cannot read"):
        Store(path)


def test_a_server_says_in_one_line_that_its_database_is_damaged(tmp_path: Path) -> None:
    """Which file, and what to do."""
    (tmp_path / "runpod.sqlite").write_bytes(b"not a database at all" * 400)
    with pytest.raises(ServerError) as refused, opened(ServerSettings(state_dir=tmp_path)):
        raise AssertionError("unreachable")

    assert str(refused.value).count("\n") == 0
    assert str(tmp_path / "runpod.sqlite") in str(refused.value)
    assert "delete its folder" in str(refused.value)


def test_a_database_of_an_older_release_is_read(tmp_path: Path) -> None:
    """What was written before this check existed has the same tables, and no mark."""
    path = tmp_path / "db"
    written(path, count=3)
    store = Store(path)
    assert len(store.list(KIND)) == 3
    store.close()
