"""Reads the quota that an answer reports: `RateLimit`, `RateLimit-Policy`, `Retry-After`.

Structured-field lists: members and parameters come in any order, `t` may be missing, unknown parameters may come.
What cannot be read is left out, never an error: a quota is advice until a 429.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_MEMBER = re.compile(r'\s*"((?:[^"\\]|\\.)*)"\s*((?:;[^,"]*(?:"(?:[^"\\]|\\.)*"[^,"]*)*)?)\s*(?:,|$)')
_PARAMETER = re.compile(r";\s*([a-z*][a-z0-9_.*-]*)\s*=\s*(\d{1,15})(?=\s*(?:;|$))")


@dataclass(frozen=True)
class Quota:
    """One window: `remaining` calls until it resets in `reset` seconds; `limit` calls per `seconds` by policy."""

    name: str
    remaining: int
    reset: int | None = None
    limit: int | None = None
    seconds: int | None = None


def quotas(headers: Mapping[str, str]) -> tuple[Quota, ...]:
    """The windows of an answer; empty where the headers are missing or say nothing."""
    policy = dict(_members(headers.get("ratelimit-policy", "")))
    found = []
    for name, parameters in _members(headers.get("ratelimit", "")):
        if "r" not in parameters:
            continue
        result = policy.get(name, {})
        found.append(Quota(name, parameters["r"], parameters.get("t"), result.get("q"), result.get("w")))
    return tuple(found)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait before a refused request may be sent again: the longest of all that the answer asks for."""
    asked: list[float] = [q.reset for q in quotas(headers) if q.remaining == 0 and q.reset is not None]
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit() and len(text) <= 9:
        asked.append(float(text))
    return max(asked, default=None)


def _members(text: str) -> Iterator[tuple[str, dict[str, int]]]:
    position = 0
    while position < len(text):
        match = _MEMBER.match(text, position)
        if match is None:
            # A member that is not a quoted name: go on after the next comma.
            comma = text.find(",", position)
            if comma < 0:
                return
            position = comma + 1
            continue
        yield match[1], {name: int(value) for name, value in _PARAMETER.findall(match[2])}
        if match.end() == position:
            return
        position = match.end()
