"""The image registry of the toolchain as a process of a test's own: a free port of loopback, a store, an access log."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

_LISTENING = re.compile(r"listening on (127\.0\.0\.1:\d+)")
_REQUEST = re.compile(r'"(?P<method>[A-Z]+) (?P<path>\S+) HTTP/1\.1" (?P<status>\d{3})')


@dataclass(frozen=True)
class Login:
    username: str
    password: str


LOGIN = Login("puller", "right-password")
_HTPASSWD = "puller:$2y$05$abcdefghijklmnopqrstuuBO.kmgTJhdt40M5ZyHgFmcpBdUb9aS.\n"
"""bcrypt of that password."""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    status: int


class RegistryServer:
    """`private`: for `LOGIN` alone, to read as well. A context manager; its files stay in `directory`."""

    def __init__(self, program: str | Path, directory: Path, *, private: bool = False) -> None:
        directory.mkdir(parents=True)
        self.store, self._access_log = directory / "store", directory / "access.log"
        self.login = LOGIN if private else None
        configuration: dict[str, object] = {
            "version": 0.1,
            "log": {"level": "info", "formatter": "text"},
            "storage": {"filesystem": {"rootdirectory": str(self.store)}, "delete": {"enabled": True}},
            "http": {"addr": "127.0.0.1:0"},
        }
        if private:
            (directory / "htpasswd").write_text(_HTPASSWD)
            configuration["auth"] = {"htpasswd": {"realm": "tests", "path": str(directory / "htpasswd")}}
        (directory / "registry.yml").write_text(json.dumps(configuration))  # JSON is YAML
        with self._access_log.open("wb") as access_log:
            self._process = subprocess.Popen(
                [program, "serve", directory / "registry.yml"],
                stdin=subprocess.DEVNULL,
                stdout=access_log,
                stderr=subprocess.PIPE,
                text=True,
                env=os.environ | {"OTEL_TRACES_EXPORTER": "none"},
            )
        self.address = self._listening_on()
        assert self._process.stderr is not None
        # Nobody else reads on: what it says must not fill the pipe.
        self._reader = threading.Thread(target=self._process.stderr.read)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stderr is not None
        self._process.terminate()
        self._process.wait(20)
        self._reader.join()
        self._process.stderr.close()

    def requests(self) -> list[Request]:
        """All since its start. An upload is there when its last byte has been answered."""
        found = map(_REQUEST.search, self._access_log.read_text().splitlines())
        return [Request(m["method"], m["path"], int(m["status"])) for m in found if m]

    def _listening_on(self) -> str:
        assert self._process.stderr is not None
        said = []
        for line in self._process.stderr:
            said.append(line)
            if match := _LISTENING.search(line):
                return match[1]
        self._process.wait()
        self._process.stderr.close()
        raise AssertionError(f"the registry ended before it listened: {''.join(said)}")
