"""Serves the engine that started this process, and ends with it.

The engine reads the port from the first line of stdout and shows every later line to the user, so nothing here
prints: see `host_log`. It ends a host by SIGINT; when it dies itself, the pipe on stdin ends.
"""

from __future__ import annotations

import os
import signal
import stat
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

import grpc
from pulumi.runtime.proto import language_pb2_grpc

from language_host.children import Children
from language_host.program import Programs
from language_host.service import LanguageRuntime

MESSAGE_LIMIT_BYTES = 400 * 1024 * 1024
"""The engine's own limit (rpcutil in the Pulumi SDK)."""

CALLS_AT_ONCE = 64
"""Each running program or plugin holds one thread; a project has a handful of plugins."""


def serve(*, engine: str, version: str, exec_script: Path) -> None:
    """Returns when the engine is done with this host. Stops every child first."""
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    _watch_engine(stop)
    children = Children()
    programs = Programs(children=children, exec_script=exec_script)
    server = grpc.server(
        ThreadPoolExecutor(max_workers=CALLS_AT_ONCE),
        options=[
            ("grpc.max_receive_message_length", MESSAGE_LIMIT_BYTES),
            ("grpc.max_send_message_length", MESSAGE_LIMIT_BYTES),
            ("grpc.so_reuseport", 0),
        ],
    )
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(
        LanguageRuntime(children=children, programs=programs, version=version, engine=engine), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    stop.wait()
    children.stop_all()
    server.stop(grace=0.2).wait()


def _watch_engine(stop: threading.Event) -> None:
    """Sets `stop` when the engine's pipe on stdin ends. A terminal or /dev/null there means nobody started us so."""
    if not stat.S_ISFIFO(os.fstat(0).st_mode):
        return

    def watch() -> None:
        # os.read, not sys.stdin: a buffered read in a daemon thread makes the interpreter abort at its end.
        while os.read(0, 4096):
            pass
        stop.set()

    threading.Thread(target=watch, daemon=True).start()
