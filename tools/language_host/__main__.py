"""`pulumi-language-python [flags] ENGINE`: what the engine starts, once or twice for every command."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from language_host.host_log import log_to_file
from language_host.server import serve


def main() -> None:
    """Takes the flags that the engine gives any plugin; only the engine's address matters."""
    parser = argparse.ArgumentParser(prog="pulumi-language-python", add_help=False)
    parser.add_argument("--exec-script", type=Path, required=True)
    parser.add_argument("--host-version", default="")
    arguments, rest = parser.parse_known_args()
    engine = next((one for one in reversed(rest) if not one.startswith("-")), "")
    log_to_file()
    serve(engine=engine, version=arguments.host_version, exec_script=arguments.exec_script)
    sys.stdout.flush()
    # Not a normal exit: that would wait for calls which nobody will answer any more.
    os._exit(0)


if __name__ == "__main__":
    main()
