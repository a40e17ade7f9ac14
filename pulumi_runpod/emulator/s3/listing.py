"""Keys of a volume in the order of their bytes, page by page, without walking what a page does not need.

As published, empty directories are listed, as keys that end in a slash. Links to directories are not followed.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pulumi_runpod.emulator.platform.beneath import FileBeneath, folder
from pulumi_runpod.wire.volume_s3 import UPLOADS_FOLDER

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass
class Page:
    """`files` are (key, file), with None for an empty directory; `prefixes` the common prefixes. Both in order."""

    files: list[tuple[str, FileBeneath | None]] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    last: str = ""
    """The last key or prefix of the page: the next page comes after it."""
    truncated: bool = False


@dataclass(frozen=True)
class Query:
    prefix: str = ""
    delimiter: str = ""
    after: str = ""
    """Only keys and common prefixes greater than this."""
    limit: int = 1000


def page(volume: Path, query: Query) -> Page:
    found = Page()
    if query.limit == 0:
        return found
    with contextlib.ExitStack() as stack:
        try:
            top = stack.enter_context(folder(volume, ()))
        except FileNotFoundError:
            return found
        keys = stack.enter_context(contextlib.closing(_walk(volume, top, "", query)))
        _fill(found, keys, query)
    return found


def _fill(found: Page, keys: Iterator[tuple[str, FileBeneath | None]], query: Query) -> None:
    last_prefix = ""
    for key, file in keys:
        if not key.startswith(query.prefix):
            continue
        common = _common_prefix(key, query)
        if common == last_prefix and common:
            continue
        if _bytes(common or key) <= _bytes(query.after):
            continue
        if len(found.files) + len(found.prefixes) == query.limit:
            found.truncated = True
            break
        if common:
            found.prefixes.append(common)
            last_prefix = common
        else:
            found.files.append((key, file))
        found.last = common or key


def _common_prefix(key: str, query: Query) -> str:
    if not query.delimiter:
        return ""
    end = key.find(query.delimiter, len(query.prefix))
    return "" if end < 0 else key[: end + len(query.delimiter)]


def _walk(volume: Path, at: int, above: str, query: Query) -> Generator[tuple[str, FileBeneath | None]]:
    """Keys in order, below the directory of descriptor `at`.

    A directory that the delimiter folds into one prefix is given by its own key, and not entered.
    """
    with os.scandir(at) as scanned:
        entries = sorted(
            ((above + e.name + ("/" if e.is_dir(follow_symlinks=False) else ""), e) for e in scanned),
            key=lambda pair: _bytes(pair[0]),
        )
    if not entries and above:
        yield above, None
    for key, entry in entries:
        if not (key.startswith(query.prefix) or query.prefix.startswith(key)) or key == f"{UPLOADS_FOLDER}/":
            continue
        if not key.endswith("/"):
            file = FileBeneath(volume, tuple(key.split("/")))
            if entry.is_file(follow_symlinks=False) or (entry.is_symlink() and _is_file(file)):
                yield key, file
        elif query.delimiter == "/" and len(key) > len(query.prefix):
            yield key, None
        elif not _all_before(key, query.after):
            try:
                below = os.open(entry.name, _DIRECTORY, dir_fd=at)
            except OSError:  # a worker removed it, or swapped it for a link, while we looked
                continue
            try:
                yield from _walk(volume, below, key, query)
            finally:
                os.close(below)


def _is_file(file: FileBeneath) -> bool:
    try:
        return stat.S_ISREG(file.stat().st_mode)
    except OSError:
        return False


def _all_before(folder: str, after: str) -> bool:
    """Whether every key below a directory was on an earlier page."""
    return _bytes(folder) < _bytes(after) and not after.startswith(folder)


def _bytes(text: str) -> bytes:
    # Names that are no UTF-8 still have an order.
    return text.encode("utf-8", "surrogateescape")
