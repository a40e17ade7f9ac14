"""Keys of a volume in the order of their bytes, page by page, without walking what a page does not need.

As published, empty directories are listed, as keys that end in a slash. Links to directories are not followed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pulumi_runpod.emulator.s3.paths import inside
from pulumi_runpod.wire.volume_s3 import UPLOADS_FOLDER


@dataclass
class Page:
    """`files` are (key, path), with path None for an empty directory; `prefixes` the common prefixes. Both in order."""

    files: list[tuple[str, Path | None]] = field(default_factory=list)
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
    last_prefix = ""
    for key, path in _walk(volume, str(volume), "", query):
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
            found.files.append((key, path))
        found.last = common or key
    return found


def _common_prefix(key: str, query: Query) -> str:
    if not query.delimiter:
        return ""
    end = key.find(query.delimiter, len(query.prefix))
    return "" if end < 0 else key[: end + len(query.delimiter)]


def _walk(volume: Path, folder: str, above: str, query: Query) -> Iterator[tuple[str, Path | None]]:
    """Keys in order. A directory that the delimiter folds into one prefix is told by its own key, and not entered."""
    try:
        with os.scandir(folder) as scanned:
            entries = sorted(
                ((above + e.name + ("/" if e.is_dir(follow_symlinks=False) else ""), e) for e in scanned),
                key=lambda pair: _bytes(pair[0]),
            )
    except FileNotFoundError:  # a worker removed it while we looked
        return
    if not entries and above:
        yield above, None
    for key, entry in entries:
        if not (key.startswith(query.prefix) or query.prefix.startswith(key)) or key == f"{UPLOADS_FOLDER}/":
            continue
        if not key.endswith("/"):
            path = inside(volume, Path(entry.path)) if entry.is_symlink() else Path(entry.path)
            if path is not None and path.is_file():
                yield key, path
        elif query.delimiter == "/" and len(key) > len(query.prefix):
            yield key, None
        elif not _all_before(key, query.after):
            yield from _walk(volume, entry.path, key, query)


def _all_before(folder: str, after: str) -> bool:
    """Whether every key below a directory has been told on an earlier page."""
    return _bytes(folder) < _bytes(after) and not after.startswith(folder)


def _bytes(text: str) -> bytes:
    # Names that are no UTF-8 still have an order.
    return text.encode("utf-8", "surrogateescape")
