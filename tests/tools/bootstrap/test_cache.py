"""Keys and entries of the cache that clones share."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path

import pytest

from bootstrap.cache import key_of, link, obtain, prune
from bootstrap.console import Console


def test_a_key_depends_on_contents_and_not_on_where_they_lie(tmp_path: Path) -> None:
    """Two clones with the same files get the same key."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "go.sum").write_text("sum")
    assert key_of({"sum": tmp_path / "a" / "go.sum"}) == key_of({"sum": tmp_path / "b" / "go.sum"})
    (tmp_path / "b" / "go.sum").write_text("other")
    assert key_of({"sum": tmp_path / "a" / "go.sum"}) != key_of({"sum": tmp_path / "b" / "go.sum"})


def test_a_key_covers_every_source_file_but_nothing_that_python_compiled(tmp_path: Path) -> None:
    """Running the sources does not change their key; adding or renaming one does."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "one.py").write_text("1")
    before = key_of({"sources": tmp_path})
    (tmp_path / "sub" / "__pycache__").mkdir()
    (tmp_path / "sub" / "__pycache__" / "one.pyc").write_text("compiled")
    assert key_of({"sources": tmp_path}) == before
    (tmp_path / "sub" / "one.py").rename(tmp_path / "sub" / "two.py")
    assert key_of({"sources": tmp_path}) != before


def test_neighbouring_inputs_cannot_be_mistaken_for_one_another() -> None:
    """Where one ends and the next begins is part of the key."""
    assert key_of({"a": "bc", "d": ""}) != key_of({"a": "b", "d": "c"})


def test_an_entry_is_built_once(tmp_path: Path, console: Console) -> None:
    """The second time it is just there."""
    built = []

    def build(directory: Path) -> None:
        built.append(directory)
        (directory / "program").write_text("whole")

    first = obtain(tmp_path, "tool", build=build, console=console)
    assert obtain(tmp_path, "tool", build=build, console=console) == first
    assert len(built) == 1
    assert (first / "program").read_text() == "whole"


def test_a_build_that_fails_leaves_nothing_and_is_tried_again(tmp_path: Path, console: Console) -> None:
    """Nobody ever sees half an entry."""

    def fail(directory: Path) -> None:
        (directory / "program").write_text("half")
        raise RuntimeError("out of disk")

    with pytest.raises(RuntimeError, match="out of disk"):
        obtain(tmp_path, "tool", build=fail, console=console)
    assert not (tmp_path / "tool").exists()
    assert not list(tmp_path.glob(".building-*"))
    obtain(tmp_path, "tool", build=lambda directory: None, console=console)


def test_what_a_killed_build_left_is_not_built_upon(tmp_path: Path, console: Console) -> None:
    """A kill gives no chance to clean up, so the next build does."""
    (tmp_path / ".building-tool").mkdir()
    (tmp_path / ".building-tool" / "program").write_text("half")
    entry = obtain(tmp_path, "tool", build=lambda directory: None, console=console)
    assert list(entry.iterdir()) == []


def test_two_at_once_build_once_and_the_second_says_that_it_waits(
    tmp_path: Path, console: Console, heard: io.StringIO
) -> None:
    """The lock is freed with the entry in place."""
    inside, may_end = threading.Event(), threading.Event()
    built = []

    def slow(directory: Path) -> None:
        built.append(1)
        inside.set()
        assert may_end.wait(30)

    class Waiting(io.StringIO):
        """Lets the first build end once the second has said that it waits."""

        def write(self, text: str) -> int:
            if "waiting for it" in text:
                may_end.set()
            return super().write(text)

    first = threading.Thread(target=obtain, args=(tmp_path, "tool"), kwargs={"build": slow, "console": console})
    first.start()
    assert inside.wait(30)
    said = Waiting()
    obtain(tmp_path, "tool", build=slow, console=Console(said))
    first.join(30)
    assert built == [1]
    assert "another set-up is working on tool" in said.getvalue()
    assert heard.getvalue() == ""


def test_a_link_is_replaced_in_one_step(tmp_path: Path) -> None:
    """And left alone where it is right."""
    link(tmp_path / "pulumi", Path("/old"))
    link(tmp_path / "pulumi", Path("/new"))
    assert (tmp_path / "pulumi").readlink() == Path("/new")
    before = (tmp_path / "pulumi").lstat().st_ino
    link(tmp_path / "pulumi", Path("/new"))
    assert (tmp_path / "pulumi").lstat().st_ino == before
    assert [path.name for path in tmp_path.iterdir()] == ["pulumi"]


def test_only_what_was_not_used_for_long_is_pruned(tmp_path: Path, console: Console) -> None:
    """Each set-up that finds an entry counts as a use; Go's caches only serve builds, so they go too."""
    for name in ("old-1", "used-2"):
        obtain(tmp_path, name, build=lambda directory: None, console=console)
        os.utime(tmp_path / name, (0, 0))
    obtain(tmp_path, "used-2", build=lambda directory: None, console=console)
    (tmp_path / "go" / "build").mkdir(parents=True)
    deleted = prune(tmp_path, unused_seconds=3600)
    assert deleted == [tmp_path / "old-1", tmp_path / "go" / "build"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["go", "locks", "used-2"]
