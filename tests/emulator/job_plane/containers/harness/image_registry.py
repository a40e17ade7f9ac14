"""A registry of our own, and images that are pushed to it as `docker push` would."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import secrets
import tarfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import httpx

from tests.registry_server import LOGIN, RegistryServer

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG = "application/vnd.docker.container.image.v1+json"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
LABEL = "pulumi-runpod.test"
"""On every image of tests; its value makes each one new."""


class ImageRegistry(RegistryServer):
    def __init__(self, program: str, directory: Path, *, private: bool = False) -> None:
        super().__init__(program, directory, private=private)
        auth = (LOGIN.username, LOGIN.password) if private else None
        self._http = httpx.Client(base_url=f"http://{self.address}/v2", auth=auth)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()
        super().__exit__(kind, error, trace)

    def manifests_read(self, name: str) -> int:
        """How often a manifest was got from here, by whatever reference."""
        got = [asked.path for asked in self.requests() if (asked.method, asked.status) == ("GET", 200)]
        return sum(path.startswith(f"/v2/{name}/manifests/") for path in got)

    def push(self, program: bytes, *, name: str = "echo", tag: str = "1", padding: int = 0, **config: object) -> str:
        """A new image of one file, `/worker`; its reference by digest. `config`: as in the image specification."""
        layer, diff_id = _layer({"worker": program, **({"padding": bytes(padding)} if padding else {})})
        fields = {"Entrypoint": ["/worker"], "Labels": {LABEL: secrets.token_hex(8)}, **config}
        described = {
            "architecture": "amd64",
            "os": "linux",
            "config": fields,
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
        return f"{self.address}/{name}@{put.headers['Docker-Content-Digest']}"

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
