"""Logs to a file, since a line on stdout or stderr would become a diagnostic on the user's screen.

Warnings go to ~/.cache/pulumi-runpod/language-host.log; PULUMI_RUNPOD_HOST_LOG=FILE logs every call to FILE instead.
"""

from __future__ import annotations

import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path

MAX_BYTES = 1_000_000


def log_to_file() -> None:
    """Opens no file until there is something to say, and stays silent where none can be written."""
    wanted = os.environ.get("PULUMI_RUNPOD_HOST_LOG")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pulumi-runpod"
    path = Path(wanted) if wanted else cache / "language-host.log"
    logging.raiseExceptions = False
    root = logging.getLogger()
    if not path.parent.is_dir():
        root.addHandler(logging.NullHandler())
        return
    handler = RotatingFileHandler(path, maxBytes=MAX_BYTES, backupCount=1, delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    root.addHandler(handler)
    root.setLevel(logging.INFO if wanted else logging.WARNING)
