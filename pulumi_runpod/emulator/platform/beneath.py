"""Files below a folder in which others write: every path is walked by descriptors, and none leads out of the folder.

Workers fill volumes as they like, symbolic links included, and can swap a directory for a link at any moment. So the
kernel never gets a path of several names: each name is opened relative to the directory before it, without following
links, and links are resolved here, step by step, over the directories that are open. A relative link that stays within
the folder is followed, as in a Hugging Face cache. An absolute one, and one that leads out, does not exist.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe or a device in place of the file must neither block nor become the terminal.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_LINK_ERRORS = (errno.ELOOP, errno.ENOTDIR, errno.EMLINK)
"""What opening a link as a directory without following it fails with, by system."""
_MOST_DETOURS = 40
"""Links on the way to one file, as in the kernel; likewise directories that are removed as soon as they are made."""


class LeadsOutError(FileNotFoundError):
    """A link on the way is absolute, or leads out of the folder."""


@contextlib.contextmanager
def folder(root: Path, names: Sequence[str], *, make: bool = False) -> Iterator[int]:
    """A descriptor of the directory `names` below `root`; `make` makes what is missing, with mode 0755.

    Raises FileNotFoundError, LeadsOutError, and NotADirectoryError where a file is in the way.
    """
    with _Walk(root) as walk:
        walk.enter(names, make=make)
        yield walk.at


@dataclass(frozen=True)
class FileBeneath:
    """A file or directory `names` below `root`. It is looked up anew by each call."""

    root: Path
    names: tuple[str, ...]

    def stat(self) -> os.stat_result:
        """Of what links lead to. Raises OSError."""
        with self._resolved() as (at, name):
            found = os.stat(name, dir_fd=at, follow_symlinks=False)
        if stat.S_ISLNK(found.st_mode):
            raise LeadsOutError(errno.ENOENT, "swapped for a link")
        return found

    def open(self) -> BinaryIO:
        """The file for reading. Raises OSError, for what is not a regular file as well."""
        with self._resolved() as (at, name):
            descriptor = os.open(name, _FILE, dir_fd=at)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise FileNotFoundError(errno.ENOENT, "not a regular file")
        return os.fdopen(descriptor, "rb")

    @contextlib.contextmanager
    def _resolved(self) -> Iterator[tuple[int, str]]:
        """The directory that holds it, and its name there, once every link is followed."""
        with _Walk(self.root) as walk:
            *above, name = self.names or (".",)
            walk.enter(above)
            for _ in range(_MOST_DETOURS):
                if name in (".", ".."):
                    walk.enter([name])
                    name = "."
                    break
                if not stat.S_ISLNK(os.stat(name, dir_fd=walk.at, follow_symlinks=False).st_mode):
                    break
                *above, name = walk.link(name)
                walk.enter(above)
            yield walk.at, name


class _Walk:
    """The directories that are open on the way, the folder itself first."""

    def __init__(self, root: Path) -> None:
        self._open = [os.open(root, _DIRECTORY)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for descriptor in self._open:
            os.close(descriptor)

    @property
    def at(self) -> int:
        return self._open[-1]

    def enter(self, names: Sequence[str], *, make: bool = False) -> None:
        left, detours = list(reversed(names)), _MOST_DETOURS + (len(names) if make else 0)
        while left:
            name = left.pop()
            if name in ("", "."):
                continue
            if name == "..":
                if len(self._open) == 1:
                    raise LeadsOutError(errno.ENOENT, "a link leads out of the folder")
                os.close(self._open.pop())
                continue
            try:
                self._open.append(os.open(name, _DIRECTORY, dir_fd=self.at))
            except FileNotFoundError:
                if not make or not detours:
                    raise
                self._make(name)
                left.append(name)
                detours -= 1
            except OSError as failure:
                if failure.errno not in _LINK_ERRORS or not detours:
                    raise
                left.extend(reversed(self.link(name)))
                detours -= 1

    def link(self, name: str) -> list[str]:
        """The names of a link's target. Raises NotADirectoryError for what is no link, LeadsOutError for `/...`."""
        try:
            target = os.readlink(name, dir_fd=self.at)
        except OSError as failure:
            if failure.errno == errno.EINVAL:
                raise NotADirectoryError(errno.ENOTDIR, "a file is in the way", name) from None
            raise
        if target.startswith("/"):
            raise LeadsOutError(errno.ENOENT, "an absolute link")
        return target.rstrip("/").split("/")

    def _make(self, name: str) -> None:
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o755, dir_fd=self.at)
