"""The process that has modules loaded, and forks: `python -u -m ... FOLDER EXEC_SCRIPT MODULE...`.

It listens in FOLDER, says `ready` on stdout when the language runtime is there, too, and ends, with all that it has
forked, when its stdin does. `multiprocessing` has a fork server of its own; its children are those of the one process
that has started it, while ours are asked for by processes that the engine starts.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import multiprocessing
import os
import runpy
import selectors
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkProcess
from pathlib import Path

from pulumi_runpod.gitops.fork_server.places import VIRTUALENV, Places

_PATIENCE_SECONDS = 10
"""For the rest of an order that has begun to come."""
_STDIN, _STDOUT = 0, 1
_PR_SET_PDEATHSIG = 1
"""From linux/prctl.h."""


@dataclass(frozen=True)
class Order:
    """What a new interpreter is to run; see `client.Run`."""

    arguments: list[str]
    environment: dict[str, str]
    directory: str
    descriptors: list[int]

    @staticmethod
    def receive(connection: socket.socket) -> Order:
        connection.settimeout(_PATIENCE_SECONDS)
        head, descriptors, *_ = socket.recv_fds(connection, 1, 3)
        with connection.makefile("rb") as told:
            size = int(head + told.readline())
            return Order(**json.loads(told.read(size)), descriptors=descriptors)

    def carry_out(self, outer_path: Sequence[str], places: Places) -> None:
        """As a new interpreter would; `outer_path` is `sys.path` without the folder of the main module."""
        for number, descriptor in enumerate(self.descriptors):
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.environ.clear()
        os.environ.update(self.environment)
        if os.environ.get(VIRTUALENV) == str(places.virtualenv):
            os.environ[VIRTUALENV] = sys.prefix
            os.environ["PATH"] = os.environ["PATH"].replace(f"{places.virtualenv}/bin", f"{sys.prefix}/bin")
        os.chdir(self.directory)
        first, *rest = self.arguments
        if first == "-m":
            sys.path[:] = [self.directory, *outer_path]
            sys.argv[:] = rest
            runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
        else:
            sys.path[:] = [str(Path(first).parent), *outer_path]
            sys.argv[:] = self.arguments
            runpy.run_path(first, run_name="__main__")


class ForkServer:
    """Forks for each order; who asked gets the exit status, and ends the child by going away."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._outer_path = sys.path[0 if sys.flags.safe_path else 1 :]
        self._asked_by: dict[ForkProcess, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(places.orders))
        self._listener.listen(128)

    def serve(self) -> None:
        """Until stdin ends."""
        self._selector.register(_STDIN, selectors.EVENT_READ)
        self._selector.register(self._listener, selectors.EVENT_READ)
        while True:
            for key, _ in self._selector.select():
                process = key.data
                if key.fileobj == _STDIN:
                    return
                if key.fileobj is self._listener:
                    self._answer(self._listener.accept()[0])
                elif process not in self._asked_by:
                    continue  # ended by what was told at the same time
                elif key.fileobj == process.sentinel:
                    self._tell(process)
                else:
                    self._end(process)

    def end_all(self) -> None:
        for process in list(self._asked_by):
            self._end(process)

    def leave(self) -> None:
        """In a child: it ends with the server, whose sockets it holds no longer: their other ends wait for that."""
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        os.setpgid(0, 0)
        self._selector.close()
        for one in (self._listener, *self._asked_by.values()):
            one.close()

    def _answer(self, connection: socket.socket) -> None:
        try:
            order = Order.receive(connection)
        except (OSError, ValueError, TypeError):  # it went away, or is none of ours
            connection.close()
            return
        process = multiprocessing.get_context("fork").Process(target=self._become, args=(order, connection))
        process.start()
        assert process.pid is not None
        with contextlib.suppress(OSError):  # it was first, and may have ended
            os.setpgid(process.pid, process.pid)
        for descriptor in order.descriptors:
            os.close(descriptor)
        self._asked_by[process] = connection
        for watched in (connection, process.sentinel):
            self._selector.register(watched, selectors.EVENT_READ, process)

    def _become(self, order: Order, connection: socket.socket) -> None:
        """In the child."""
        self.leave()
        connection.close()
        order.carry_out(self._outer_path, self._places)

    def _tell(self, process: ForkProcess) -> None:
        """It has ended, and what it has left in the background is ended, or its output would go on."""
        process.join()
        self._kill(process)
        with self._forget(process) as connection, contextlib.suppress(OSError):
            connection.sendall(b"%d" % (process.exitcode or 0))

    def _end(self, process: ForkProcess) -> None:
        """Who asked for it has gone, or the server goes."""
        self._forget(process).close()
        self._kill(process)
        process.join()

    def _kill(self, process: ForkProcess) -> None:
        """With all that it has started."""
        assert process.pid is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    def _forget(self, process: ForkProcess) -> socket.socket:
        connection = self._asked_by.pop(process)
        for watched in (connection, process.sentinel):
            self._selector.unregister(watched)
        return connection


def load(modules: Sequence[str]) -> None:
    """With every name that they offer: the names of this package are loaded when they are asked for."""
    for name in modules:
        module = importlib.import_module(name)
        for offered in getattr(module, "__all__", ()):
            getattr(module, offered)


def main(folder: str, exec_script: str, *modules: str) -> None:
    places = Places(Path(folder))
    server = ForkServer(places)
    if os.fork() == 0:
        # Imported here alone: it has no use for the whole SDK.
        from pulumi_runpod.gitops.fork_server import language_runtime

        server.leave()
        language_runtime.serve(places, exec_script)
        return
    # Its end is to be seen by who waits for the word: of the language runtime alone.
    os.dup2(os.open(os.devnull, os.O_WRONLY), _STDOUT)
    # Beside the engines, which take some time before they ask for anything; orders wait.
    gc.disable()
    load(modules)
    gc.freeze()  # or the collector of each child would write to, and so copy, what is shared
    gc.enable()
    server.serve()
    server.end_all()


if __name__ == "__main__":
    main(*sys.argv[1:])
