#!/usr/bin/env python3
"""Makes everything that this repository needs to run, once: `python3 tools/setup.py`. See bootstrap/main.py."""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this file is what tells the user so
    sys.exit(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}; run: python3.11 tools/setup.py")

from bootstrap.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
