"""Progress for a person: what is going on and for how long, on stderr; a clone that has everything sees one line."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TextIO

SECONDS_BETWEEN_LINES = 15.0
"""Where the output is no terminal: a log wants few lines."""


@dataclass
class Console:
    """Prints steps; on a terminal the current one is redrawn in place."""

    out: TextIO = field(default_factory=lambda: sys.stderr)

    def say(self, line: str) -> None:
        print(line, file=self.out, flush=True)

    @contextmanager
    def step(self, title: str, note: str = "") -> Iterator[Step]:
        """A piece of work that takes a while: says what it is now, with the note, and at the end how long it took."""
        step = Step(title, self.out)
        self.say(f"{title} ...{f' ({note})' if note else ''}")
        yield step
        step.close()
        self.say(f"{title}: done in {step.elapsed()}")


@dataclass
class Step:
    """One running piece of work."""

    title: str
    out: TextIO
    started: float = field(default_factory=time.monotonic)
    _shown_at: float = field(default_factory=time.monotonic)
    _width: int = 0

    def elapsed(self) -> str:
        seconds = int(time.monotonic() - self.started)
        return f"{seconds} s" if seconds < 60 else f"{seconds // 60} min {seconds % 60:02} s"

    def update(self, what: str) -> None:
        """Shows what is going on, at most as often as a reader can use it."""
        line = f"  {self.title}: {what} ({self.elapsed()})"
        now = time.monotonic()
        if self.out.isatty():
            if now - self._shown_at >= 0.2:
                self.out.write("\r" + line.ljust(self._width))
                self.out.flush()
                self._width, self._shown_at = len(line), now
        elif now - self._shown_at >= SECONDS_BETWEEN_LINES:
            print(line, file=self.out, flush=True)
            self._shown_at = now

    def close(self) -> None:
        if self._width:
            self.out.write("\r" + " " * self._width + "\r")
            self._width = 0
