"""Has the fork server run Python with given arguments, and waits for the end of it.

As a script it stands in for `bin/python` of a virtual environment. So it imports little: it starts for each provider.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys

_READS = 65536
_MODULE_ARGUMENTS = ["-u", "-m"]
"""How the official shim starts a provider."""


class Run:
    """One forked interpreter. `stop` may be called from any thread.

    `arguments`: `-m MODULE ...` or `SCRIPT ...`; `descriptors`: its stdin, stdout and stderr.
    """

    def __init__(
        self,
        server: str,
        arguments: list[str],
        environment: dict[str, str],
        directory: str,
        descriptors: tuple[int, int, int],
    ) -> None:
        order = {"arguments": arguments, "environment": environment, "directory": directory}
        text = json.dumps(order).encode()
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.connect(server)
        socket.send_fds(self._connection, [b"%d\n" % len(text)], descriptors)
        self._connection.sendall(text)

    def wait(self) -> int:
        """The exit status, negative for a signal. Raises `ConnectionError` when the server, or `stop`, ended it."""
        told = b""
        with self._connection:
            while part := self._connection.recv(_READS):
                told += part
        if not told:
            raise ConnectionAbortedError("it was ended")
        return int(told)

    def stop(self) -> None:
        try:
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:  # it has ended already
            return


def main(server: str, python: str, arguments: list[str]) -> int:
    if arguments[:2] != _MODULE_ARGUMENTS:
        os.execv(python, [python, *arguments])  # noqa: S606 - no shell is wanted
    # The engine ends a plugin by SIGINT; then the server, losing the connection, ends what it forked.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        directory = os.getcwd()  # noqa: PTH109 - pathlib would take longer to import than all the rest
        status = Run(server, arguments[1:], dict(os.environ), directory, (0, 1, 2)).wait()
    except OSError as error:
        print(f"the fork server is gone: {error}", file=sys.stderr)
        return 1
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
