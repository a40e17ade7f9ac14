"""Serves the engine that started this process, and ends with it.

The engine reads the port from the first line of stdout and shows every later line to the user, so nothing here
prints: see `host_log`. It ends a host by SIGINT; when it dies itself, the pipe on stdin ends.
"""

from __future__ import annotations

import os
import selectors
import signal
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

import grpc
from pulumi.runtime.proto import language_pb2_grpc

from language_host.children import Children
from language_host.limits import MESSAGE_SIZE
from language_host.program import Programs
from language_host.providers import end_providers_of
from language_host.service import LanguageRuntime

CALLS_AT_ONCE = 64
"""Each running program or plugin holds one thread; a project has a handful of plugins."""


def serve(*, engine: str, version: str, exec_script: Path) -> None:
    """Returns when the engine is done with this host. Stops every child first."""
    end_of_engine = EndOfEngine()
    children = Children()
    programs = Programs(children=children, exec_script=exec_script)
    server = grpc.server(
        ThreadPoolExecutor(max_workers=CALLS_AT_ONCE),
        options=MESSAGE_SIZE,
    )
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(
        LanguageRuntime(children=children, programs=programs, version=version, engine=engine), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    was_killed = end_of_engine.wait()
    children.stop_all()
    server.stop(grace=0.2).wait()
    if was_killed:
        end_providers_of(engine)


class EndOfEngine:
    """Waits for a signal, or for the engine's pipe on stdin to end.

    Signals come through a pipe of our own: the kernel may deliver one to any of gRPC's threads, and a main thread that
    waits for a lock would never learn of it.
    """

    def __init__(self) -> None:
        self._heard, said = os.pipe()
        os.set_blocking(said, False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _leave_to_the_pipe)
        signal.set_wakeup_fd(said)

    def wait(self) -> bool:
        """Whether the engine died without a signal to this host."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._heard, selectors.EVENT_READ)
            # A terminal or /dev/null on stdin means that no engine started us.
            if stat.S_ISFIFO(os.fstat(0).st_mode):
                selector.register(0, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fd == self._heard:
                        return False
                    if not os.read(0, 4096):
                        return True


def _leave_to_the_pipe(_number: int, _frame: FrameType | None) -> None:
    """Signal handler that only keeps the default from happening."""
