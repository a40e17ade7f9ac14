"""Paths below a folder in which others plant links: what is outside is neither read, written nor opened up."""

from __future__ import annotations

import contextlib
import ctypes
import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pulumi_runpod.emulator.job_plane.workers.container import open_to_all
from pulumi_runpod.emulator.platform.beneath import FileBeneath, LeadsOutError, folder
from pulumi_runpod.emulator.s3.error import S3Error
from pulumi_runpod.emulator.s3.listing import Query, page
from pulumi_runpod.emulator.s3.paths import existing, put_at, remove_file, tree_size

NAMES = ("a", "b", "c", "file")
KEY = "/".join(NAMES)
ROUNDS = 400
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A volume with one file three directories deep."""
    root = tmp_path / "volume"
    root.joinpath(*NAMES[:-1]).mkdir(parents=True)
    root.joinpath(*NAMES).write_text("inside")
    return root


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A directory of the host that looks as the volume does."""
    outside = tmp_path / "outside"
    outside.joinpath(*NAMES[:-1]).mkdir(parents=True)
    outside.joinpath(*NAMES).write_text("secret")
    for path in [outside, *outside.rglob("*")]:
        path.chmod(0o700 if path.is_dir() else 0o600)
    return outside


def modes(top: Path) -> dict[str, tuple[int, str]]:
    """Mode and content of everything below a directory."""
    return {
        str(path.relative_to(top)): (stat.S_IMODE(path.lstat().st_mode), path.read_text() if path.is_file() else "")
        for path in [top, *top.rglob("*")]
    }


def link(root: Path, outside: Path, level: int, form: str) -> None:
    """Replace the part of `KEY` at a level by a link to its like outside."""
    place, target = root.joinpath(*NAMES[: level + 1]), outside.joinpath(*NAMES[: level + 1])
    place.rename(root.parent / "aside")
    place.symlink_to(target if form == "absolute" else os.path.relpath(target, place.parent))


@pytest.mark.parametrize("form", ["absolute", "relative"])
@pytest.mark.parametrize("level", range(len(NAMES)))
def test_a_link_at_any_level_leads_nowhere(root: Path, outside: Path, level: int, form: str) -> None:
    """Read, write, delete, list, count and open up: nothing outside is seen or changed."""
    before = modes(outside)
    link(root, outside, level, form)
    with pytest.raises(LeadsOutError):
        FileBeneath(root, NAMES).stat()
    with pytest.raises(OSError, match=r"link|symbolic"):
        FileBeneath(root, NAMES).open()
    assert existing(root, KEY) is None
    assert page(root, Query()).files == []
    assert tree_size(root) == 0
    open_to_all(root)
    draft = root.parent / "draft"
    draft.write_text("new")
    if level < len(NAMES) - 1:
        with pytest.raises(S3Error, match="leads out"):
            put_at(root, KEY, draft)
        assert remove_file(root, KEY) == 0
    else:  # the link itself is replaced, as by any rename
        put_at(root, KEY, draft)
        assert root.joinpath(*NAMES).read_text() == "new"

    assert modes(outside) == before


def test_links_within_are_followed(root: Path) -> None:
    """To a file, to a directory, over `..`, and through one another."""
    (root / "to-file").symlink_to("a/b/c/file")
    (root / "to-folder").symlink_to("a/b")
    (root / "a/up").symlink_to("../to-folder/c/../c")
    for names in (("to-file",), ("to-folder", "c", "file"), ("a", "up", "file")):
        with FileBeneath(root, names).open() as file:
            assert file.read() == b"inside"
    with folder(root, ("to-folder",)) as at:
        assert os.fstat(at).st_ino == (root / "a/b").stat().st_ino


@pytest.mark.parametrize("target", ["loop", "..", "a/../..", "/", "missing"])
def test_links_that_lead_nowhere_do_not_exist(root: Path, target: str) -> None:
    """A loop, the folder above, the root of the machine, nothing."""
    (root / "loop").symlink_to(target)
    with pytest.raises(OSError, match=r"."):
        FileBeneath(root, ("loop", "file")).stat()
    with pytest.raises(OSError, match=r"."), folder(root, ("loop",)):
        raise AssertionError("unreachable")


def test_a_pipe_in_place_of_a_file_does_not_block(root: Path) -> None:
    """It is no file: nobody waits for its writer."""
    os.mkfifo(root / "pipe")
    with pytest.raises(FileNotFoundError):
        FileBeneath(root, ("pipe",)).open()
    open_to_all(root)
    assert existing(root, "pipe") is None


@contextlib.contextmanager
def swapping(place: Path, target: Path) -> Iterator[threading.Event]:
    """Exchange a directory and a link to another, as fast as it goes. The event: it has done so often, or failed."""
    trap = place.parent / "trap"
    trap.symlink_to(target)
    exchange = ctypes.CDLL(None, use_errno=True).renameat2
    ended, often = threading.Event(), threading.Event()
    turns = 0

    def swap() -> None:
        nonlocal turns
        while not ended.is_set():
            if exchange(_AT_FDCWD, bytes(place), _AT_FDCWD, bytes(trap), _RENAME_EXCHANGE):
                break
            turns += 1
            if turns == ROUNDS:
                often.set()
        often.set()

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield often
    finally:
        ended.set()
        thread.join()
    assert turns >= ROUNDS


@pytest.mark.parametrize("level", range(len(NAMES) - 1))
def test_nothing_leaves_while_a_directory_is_swapped_for_a_link(root: Path, outside: Path, level: int) -> None:
    """Reads, writes, listings and `open_to_all` race with the swap: the outside stays as it is, and unread."""
    before = modes(outside)
    read: set[bytes] = set()
    draft = root.parent / "draft"

    def write() -> None:
        draft.write_text("inside")
        put_at(root, KEY, draft)

    def look() -> None:
        with FileBeneath(root, NAMES).open() as file:
            read.add(file.read())

    def listing() -> None:
        for _, file in page(root, Query()).files:
            if file is not None:
                with file.open() as content:
                    read.add(content.read())

    def rights() -> None:
        open_to_all(root)

    steps: tuple[Callable[[], None], ...] = (write, look, listing, rights)
    with swapping(root.joinpath(*NAMES[: level + 1]), outside.joinpath(*NAMES[: level + 1])) as often:
        turns = 0
        while turns < ROUNDS or not often.is_set():
            with contextlib.suppress(OSError, S3Error):
                steps[turns % len(steps)]()
            turns += 1

    assert read <= {b"inside"}
    assert modes(outside) == before
