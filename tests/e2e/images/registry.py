"""An image registry of one test's own, and what it saw: requests from its access log, bytes from its store."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import bcrypt
import httpx

_LISTENING = re.compile(r"listening on (127\.0\.0\.1:\d+)")
_REQUEST = re.compile(r'"(?P<method>[A-Z]+) (?P<path>\S+) HTTP/1\.1" (?P<status>\d{3})')
_MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json")


@dataclass(frozen=True)
class Login:
    username: str
    password: str


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    status: int


class Registry:
    """Use `running_registry`."""

    def __init__(self, address: str, directory: Path, login: Login | None) -> None:
        self.address, self._directory = address, directory
        self._auth = (login.username, login.password) if login is not None else None

    def requests(self) -> list[Request]:
        """All since its start. An upload is there when its last byte has been answered."""
        text = (self._directory / "access.log").read_text()
        return [Request(m["method"], m["path"], int(m["status"])) for m in map(_REQUEST.search, text.splitlines()) if m]

    def uploads(self) -> list[str]:
        """What was sent and taken, oldest first: digests of blobs, and `repository:reference` of manifests."""
        taken = [r.path for r in self.requests() if r.method == "PUT" and r.status == 201]
        blobs = [(re.search(r"digest=(sha256%3A|sha256:)([0-9a-f]{64})", p), p) for p in taken]
        return [f"sha256:{m[2]}" if m else p.removeprefix("/v2/").replace("/manifests/", ":") for m, p in blobs]

    def stored_bytes(self) -> int:
        """Of all blobs and manifests: what was sent, since each is kept once."""
        return sum(blob.stat().st_size for blob in (self._directory / "store").rglob("blobs/sha256/*/*/data"))

    def manifest(self, repository: str, reference: str) -> dict[str, object] | None:
        """None where there is none."""
        with httpx.Client(trust_env=False) as client:
            answer = client.get(
                f"http://{self.address}/v2/{repository}/manifests/{reference}",
                headers={"Accept": ", ".join(_MANIFESTS)},
                auth=self._auth,
            )
        return dict(answer.json()) if answer.status_code == 200 else None

    def has_blob(self, repository: str, digest: str) -> bool:
        with httpx.Client(trust_env=False) as client:
            return (
                client.head(f"http://{self.address}/v2/{repository}/blobs/{digest}", auth=self._auth).status_code == 200
            )


@contextmanager
def running_registry(program: Path, directory: Path, login: Login | None = None) -> Iterator[Registry]:
    """On a free port of loopback, with a store of its own; with `login`, for that user alone."""
    directory.mkdir(parents=True)
    configuration: dict[str, object] = {
        "version": 0.1,
        "log": {"level": "info"},
        "storage": {"filesystem": {"rootdirectory": str(directory / "store")}, "delete": {"enabled": True}},
        "http": {"addr": "127.0.0.1:0"},
    }
    if login is not None:
        hashed = bcrypt.hashpw(login.password.encode(), bcrypt.gensalt(4)).decode()
        (directory / "htpasswd").write_text(f"{login.username}:{hashed}\n")
        configuration["auth"] = {"htpasswd": {"realm": "tests", "path": str(directory / "htpasswd")}}
    (directory / "registry.yml").write_text(json.dumps(configuration))  # JSON is YAML
    with (directory / "access.log").open("wb") as access:
        process = subprocess.Popen(
            [program, "serve", directory / "registry.yml"],
            stdin=subprocess.DEVNULL,
            stdout=access,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"OTEL_TRACES_EXPORTER": "none"},
        )
    with process:
        try:
            yield Registry(_address(process), directory, login)
        finally:
            process.terminate()


def _address(process: subprocess.Popen[str]) -> str:
    """Read from its log, which goes on being read, so that the pipe never fills."""
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if match := _LISTENING.search(line):
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return match[1]
    raise AssertionError(f"the registry ended before it listened: {''.join(said)}")
