"""Who called what: method, path, status and time of every call. Bounded; never a key, a query, a header or a body."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from fnmatch import fnmatchcase

KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Call:
    method: str
    path: str
    status: int
    """0: the connection was cut by a fault before an answer."""
    at: float
    """Seconds since the epoch, by the platform's clock."""


class RequestLog:
    """The last 10,000 calls, oldest first. `/_emulator/*` is not logged."""

    def __init__(self) -> None:
        self._calls: deque[tuple[str, str, int, float]] = deque(maxlen=KEPT)

    def add(self, method: str, path: str, status: int, at: float) -> None:
        self._calls.append((method, path, status, at))

    def calls(self, *, method: str | None = None, path: str = "*") -> list[Call]:
        """Calls of `method` (None: any) whose path matches the glob `path` (`*` matches `/`, too)."""
        return [Call(*c) for c in list(self._calls) if method in (None, c[0]) and fnmatchcase(c[1], path)]

    def clear(self) -> None:
        self._calls.clear()
