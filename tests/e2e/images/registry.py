"""What an image registry of one test has seen and holds: uploads from its access log, bytes from its store."""

from __future__ import annotations

import re

import httpx

from tests.registry_server import RegistryServer

_MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json")
_BLOB = re.compile(r"digest=(?:sha256%3A|sha256:)([0-9a-f]{64})")


class Registry(RegistryServer):
    def uploads(self) -> list[str]:
        """What was sent and taken, oldest first: digests of blobs, and `repository:reference` of manifests."""
        taken = [r.path for r in self.requests() if r.method == "PUT" and r.status == 201]
        blobs = [(_BLOB.search(path), path) for path in taken]
        return [f"sha256:{m[1]}" if m else path.removeprefix("/v2/").replace("/manifests/", ":") for m, path in blobs]

    def stored_bytes(self) -> int:
        """Of all blobs and manifests: what was sent, since each is kept once."""
        return sum(blob.stat().st_size for blob in self.store.rglob("blobs/sha256/*/*/data"))

    def manifest(self, repository: str, reference: str) -> dict[str, object] | None:
        """None where there is none."""
        with self._client() as client:
            accept = {"Accept": ", ".join(_MANIFESTS)}
            answer = client.get(f"/v2/{repository}/manifests/{reference}", headers=accept)
        return dict(answer.json()) if answer.status_code == 200 else None

    def has_blob(self, repository: str, digest: str) -> bool:
        with self._client() as client:
            return client.head(f"/v2/{repository}/blobs/{digest}").status_code == 200

    def _client(self) -> httpx.Client:
        auth = (self.login.username, self.login.password) if self.login is not None else None
        return httpx.Client(base_url=f"http://{self.address}", auth=auth, trust_env=False)
