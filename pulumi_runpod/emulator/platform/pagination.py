"""Cursor pages of lists: `cursor` and `limit` in, `pagination` out. A cursor is bound to the list that produced it."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from pulumi_runpod.emulator.platform.problem import ProblemError
from pulumi_runpod.wire.model import JsonObject

MAX_LIMIT = 1000


@dataclass(frozen=True)
class Page:
    """What a caller asks for: rows whose `seq` is below `before`, newest first, at most `limit`."""

    operation: str
    """The path of the list, ids filled in: what a cursor is bound to."""
    limit: int
    before: int | None

    @property
    def fetch(self) -> int:
        """How many rows to read: one more than is shown tells whether there is a next page."""
        return self.limit + 1

    def envelope(self, seqs: list[int]) -> JsonObject:
        """The `pagination` member, given the `seq` of every row that was read with `fetch`."""
        more = len(seqs) > self.limit
        return {"nextCursor": _encode(self.operation, seqs[self.limit - 1]) if more else None, "hasNextPage": more}


def parse_page(operation: str, query: Mapping[str, str], *, max_limit: int = MAX_LIMIT) -> Page:
    """Raises ProblemError 422 for a limit out of range and for a cursor that is broken or of another list."""
    limit = max_limit
    if (value := query.get("limit")) is not None:
        if not (value.isascii() and value.isdigit() and len(value) < 10 and 1 <= int(value) <= max_limit):
            raise ProblemError(
                422, "Request validation failed.", errors=[f"limit: must be an integer from 1 to {max_limit}"]
            )
        limit = int(value)
    before = None
    if (cursor := query.get("cursor")) is not None:
        before = _decode(operation, cursor)
        if before is None:
            raise ProblemError(422, "Request validation failed.", errors=["cursor: invalid for this list"])
    return Page(operation, limit, before)


def _encode(operation: str, seq: int) -> str:
    return base64.urlsafe_b64encode(f"{seq}.{_bond(operation, seq)}".encode()).decode().rstrip("=")


def _decode(operation: str, cursor: str) -> int | None:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    seq, _, bond = text.partition(".")
    if not seq.isdigit() or len(seq) > 18 or bond != _bond(operation, int(seq)):
        return None
    return int(seq)


def _bond(operation: str, seq: int) -> str:
    return hashlib.sha256(f"{operation}\n{seq}".encode()).hexdigest()[:16]
