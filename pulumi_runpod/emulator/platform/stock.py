"""How many GPUs of a pool (or workers of a CPU flavor) can be had in a data center.

Invented, since the service does not publish it: plentiful by default, and set where it should be scarce.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from pulumi_runpod.wire.catalog import Availability

PLENTY = 64


class Stock:
    """Capacity by `pool@data center`. Later settings win; globs are allowed on both sides of the `@`."""

    def __init__(self) -> None:
        self._set: dict[str, int] = {}

    def capacity(self, pool: str, data_center: str) -> int:
        """GPUs (for a CPU flavor: workers) that exist there for this account, in use or not."""
        place = f"{pool}@{data_center}"
        for pattern, count in reversed(self._set.items()):
            if fnmatchcase(place, pattern):
                return count
        return PLENTY

    def set(self, pattern: str, count: int) -> None:
        """`ADA_24@EU-RO-1`, `ADA_24@*`, `*@*`. Raises ValueError for a negative count or a pattern without `@`."""
        if "@" not in pattern:
            raise ValueError(f"{pattern!r} is no place: write POOL@DATA-CENTER, with globs if you like")
        if count < 0:
            raise ValueError(f"stock cannot be {count}")
        self._set.pop(pattern, None)
        self._set[pattern] = count

    def clear(self) -> None:
        self._set.clear()

    def listed(self) -> dict[str, int]:
        return dict(self._set)


def level(count: int) -> Availability:
    """What the catalog says of a capacity."""
    if count <= 0:
        return "NONE"
    if count < 4:
        return "LOW"
    return "MEDIUM" if count < 16 else "HIGH"
