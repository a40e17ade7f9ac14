"""The services that build images, as `make up` and `make down` use them. What runs is noted in `.local/images.json`,
for the program of the stacks. Refuses a RUNTIME that is neither empty nor `process`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class LocalImages:
    """Of the clone at `root`."""

    root: Path

    @property
    def note(self) -> Path:
        return self.root / ".local" / "images.json"

    def start(self) -> bool:
        """False: workers are processes, since somebody wants that, or there is no Docker engine."""
        runtime = os.environ.get("RUNTIME", "")
        if runtime not in ("", "process"):
            sys.exit(f"RUNTIME is {runtime!r}: set process, or nothing, for containers where a Docker engine answers")
        document = {} if runtime else json.loads(self._images("start", "--as-it-is"))
        started = sorted({*self._started(), *document.pop("started", [])})
        self._write({**document, "started": started})
        return bool(document)

    def prune(self, image: str) -> None:
        """What was built before, and what the builder needs no more."""
        self._images("prune", image)

    def stop(self) -> None:
        """What `start` has started."""
        if started := self._started():
            self._images("stop", *started)
        self.note.unlink(missing_ok=True)

    def _started(self) -> list[str]:
        """Also by earlier ones."""
        try:
            return list(json.loads(self.note.read_text()).get("started", []))
        except (FileNotFoundError, ValueError):
            return []

    def _write(self, fields: dict[str, object]) -> None:
        fresh = self.note.with_suffix(".new")
        fresh.write_text(json.dumps(fields))
        fresh.replace(self.note)

    def _images(self, *arguments: str) -> str:
        command = [sys.executable, str(self.root / "tools" / "images.py"), *arguments]
        done = subprocess.run(command, cwd=self.root, check=False, text=True, stdout=subprocess.PIPE)
        if done.returncode:
            sys.exit(done.returncode)
        return done.stdout
