"""A registry of our own on a free port of loopback, and images that are pushed to it as `docker push` would."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import secrets
import subprocess
import tarfile
import threading
from collections.abc import Mapping
from pathlib import Path

import httpx

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG = "application/vnd.docker.container.image.v1+json"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
LABEL = "pulumi-runpod.test"
"""On every image of tests; its value makes each one new."""
USER, PASSWORD = "puller", "right-password"
_HTPASSWD = "puller:$2y$05$abcdefghijklmnopqrstuuBO.kmgTJhdt40M5ZyHgFmcpBdUb9aS.\n"
"""bcrypt of that password."""


class ImageRegistry:
    """`private`: nobody reads without the password."""

    def __init__(self, program: str, directory: Path, *, private: bool = False) -> None:
        directory.mkdir()
        self._access_log = directory / "access.log"
        config = {
            "version": 0.1,
            "log": {"level": "info", "formatter": "text"},
            "storage": {"filesystem": {"rootdirectory": str(directory / "data")}},
            "http": {"addr": "127.0.0.1:0"},
        }
        if private:
            (directory / "htpasswd").write_text(_HTPASSWD)
            config["auth"] = {"htpasswd": {"realm": "tests", "path": str(directory / "htpasswd")}}
        (directory / "config.yml").write_text(json.dumps(config))
        with self._access_log.open("w") as access_log:
            self._process = subprocess.Popen(
                [program, "serve", str(directory / "config.yml")],
                stdout=access_log,
                stderr=subprocess.PIPE,
                text=True,
                env=os.environ | {"OTEL_TRACES_EXPORTER": "none"},
            )
        assert self._process.stderr is not None
        said = []
        for line in self._process.stderr:
            said.append(line)
            if found := re.search(r"listening on (127\.0\.0\.1:\d+)", line):
                self.host = found[1]
                break
        else:
            raise AssertionError("".join(said))
        # Nobody reads on: what it says must not fill the pipe.
        self._reader = threading.Thread(target=self._process.stderr.read)
        self._reader.start()
        auth = (USER, PASSWORD) if private else None
        self._http = httpx.Client(base_url=f"http://{self.host}/v2", auth=auth)

    def close(self) -> None:
        self._http.close()
        assert self._process.stderr is not None
        self._process.terminate()
        self._process.wait(20)
        self._reader.join()
        self._process.stderr.close()

    def manifests_read(self, name: str) -> int:
        """How often a manifest was got from here, by whatever reference."""
        return len(re.findall(rf'"GET /v2/{name}/manifests/\S+ HTTP/1.1" 200', self._access_log.read_text()))

    def push(self, program: bytes, *, name: str = "echo", tag: str = "1", padding: int = 0, **config: object) -> str:
        """A new image of one file, `/worker`; its reference by digest. `config`: as in the image specification."""
        layer, diff_id = _layer({"worker": program, **({"padding": bytes(padding)} if padding else {})})
        told = {"Entrypoint": ["/worker"], "Labels": {LABEL: secrets.token_hex(8)}, **config}
        described = {
            "architecture": "amd64",
            "os": "linux",
            "config": told,
            "rootfs": {"type": "layers", "diff_ids": [diff_id]},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": self._blob(name, json.dumps(described).encode(), _CONFIG),
            "layers": [self._blob(name, layer, _LAYER)],
        }
        text = json.dumps(manifest)
        put = self._http.put(f"/{name}/manifests/{tag}", content=text, headers={"Content-Type": _MANIFEST})
        put.raise_for_status()
        return f"{self.host}/{name}@{put.headers['Docker-Content-Digest']}"

    def _blob(self, name: str, data: bytes, kind: str) -> dict[str, object]:
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        described: dict[str, object] = {"mediaType": kind, "size": len(data), "digest": digest}
        if self._http.head(f"/{name}/blobs/{digest}").status_code == 200:
            return described
        begun = self._http.post(f"/{name}/blobs/uploads/")
        begun.raise_for_status()
        where = httpx.URL(begun.headers["Location"]).copy_merge_params({"digest": digest})
        self._http.put(where, content=data).raise_for_status()
        return described


_layers: dict[str, tuple[bytes, str]] = {}


def _layer(files: Mapping[str, bytes]) -> tuple[bytes, str]:
    """Compressed, and the digest of it uncompressed."""
    key = hashlib.sha256(b"".join(files.values())).hexdigest()
    if key not in _layers:
        raw = io.BytesIO()
        with tarfile.open(fileobj=raw, mode="w") as tar:
            for name, data in files.items():
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(data), 0o755
                tar.addfile(entry, io.BytesIO(data))
        _layers[key] = (
            gzip.compress(raw.getvalue(), 1, mtime=0),
            f"sha256:{hashlib.sha256(raw.getvalue()).hexdigest()}",
        )
    return _layers[key]
