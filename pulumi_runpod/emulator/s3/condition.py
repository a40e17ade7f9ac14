"""Conditions and ranges of a read: `If-Match` and its kin, and one `Range`. Several ranges at once are refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from starlette.datastructures import Headers

from pulumi_runpod.emulator.s3.error import S3Error, not_implemented
from pulumi_runpod.emulator.s3.etags import FileInfo

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def is_unmodified(headers: Headers, info: FileInfo, *, prefix: str = "") -> bool:
    """True: answer 304. Raises S3Error 412 when what must hold does not. `prefix` is that of a copy's conditions."""
    modified = datetime.fromtimestamp(info.mtime_ns // 1_000_000_000, UTC)
    match, none_match = headers.get(f"{prefix}if-match"), headers.get(f"{prefix}if-none-match")
    since, unless_since = _date(headers, f"{prefix}if-modified-since"), _date(headers, f"{prefix}if-unmodified-since")
    if match is not None:
        if not _names(match, info.etag):
            raise S3Error("PreconditionFailed", "At least one of the conditions did not hold: If-Match.")
    elif unless_since is not None and modified > unless_since:
        raise S3Error("PreconditionFailed", "At least one of the conditions did not hold: If-Unmodified-Since.")
    if none_match is not None:
        return _names(none_match, info.etag)
    return since is not None and modified <= since


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """(first, length) of what is asked for; None: all of it. Raises S3Error when nothing of it exists."""
    if header is None:
        return None
    if "," in header:
        raise not_implemented("More than one range")
    found = _RANGE.fullmatch(header.replace(" ", ""))
    if found is None or found.groups() == ("", ""):
        return None  # as HTTP has it: what is not understood is ignored
    first, last = found.groups()
    if first:
        start, end = int(first), min(int(last) if last else size - 1, size - 1)
    else:
        start, end = max(0, size - int(last)), size - 1
    if start > end:
        raise S3Error("InvalidRange", f"The requested range is not satisfiable: the object has {size} bytes.")
    return start, end - start + 1


def _names(header: str, etag: str) -> bool:
    return header.strip() == "*" or etag in {e.strip().removeprefix("W/").strip('"') for e in header.split(",")}


def _date(headers: Headers, name: str) -> datetime | None:
    text = headers.get(name)
    if text is None:
        return None
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None
