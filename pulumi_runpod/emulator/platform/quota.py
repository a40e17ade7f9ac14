"""How a quota is written: the words of the `RateLimit-Policy` header.

The numbers of the service are not published (its document's example is 60 a minute). The local default is far above
what one machine can ask, so that nobody is slowed down, while the headers are there to be read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

DEFAULT_QUOTA = '"minute";q=1000000;w=60'
_NAMES = {60: "minute", 3600: "hour", 86_400: "day"}
_MEMBER = re.compile(r'^(?:"([a-z0-9_-]{1,20})"\s*;)?\s*q\s*=\s*(\d{1,9})\s*;\s*w\s*=\s*(\d{1,9})$')


@dataclass(frozen=True)
class Window:
    name: str
    quota: int
    """Calls per window."""
    seconds: int


def parse_quota(text: str) -> tuple[Window, ...]:
    """`q=60;w=3`, or several members as in the `RateLimit-Policy` header: `"minute";q=60;w=60, "hour";q=3000;w=3600`.

    Empty: no limit and no headers, as for callers that the service exempts. Raises ValueError.
    """
    windows = []
    for member in filter(None, (m.strip() for m in text.split(","))):
        result = _MEMBER.match(member)
        if not result or not int(result[2]) or not int(result[3]):
            raise ValueError(f"{member!r} is no quota: write q=CALLS;w=SECONDS, such as q=60;w=60")
        seconds = int(result[3])
        windows.append(Window(result[1] or _NAMES.get(seconds, f"{seconds}s"), int(result[2]), seconds))
    return tuple(windows)
