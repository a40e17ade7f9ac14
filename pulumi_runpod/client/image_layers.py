"""How large the layers of an image are, as its registry tells: for what is said after a build.

Asks once, and takes no answer for "not known": a size is worth no failure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import httpx

from pulumi_runpod.client.transport import PooledTransport
from pulumi_runpod.client.version import USER_AGENT

_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_REFERENCE = re.compile(r"^(?P<host>[^/]+)/(?P<name>[^@:]+)(:[^@]+)?@(?P<digest>sha256:[0-9a-f]{64})$")
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_LOOPBACK = re.compile(r"^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$")
_SECONDS = 10.0


def layer_sizes(reference: str, login: tuple[str, str] | None = None) -> list[int]:
    """Bytes as pushed, the lowest layer first, of `HOST/NAME@sha256:...` for linux/amd64; empty when it is not known.

    `login` is the registry's username and password. A registry on loopback is spoken to without TLS.
    """
    match = _REFERENCE.match(reference)
    if match is None:
        return []
    url = f"{'http' if _LOOPBACK.match(match['host']) else 'https'}://{match['host']}/v2/{match['name']}/manifests"
    try:
        with httpx.Client(
            transport=PooledTransport(), timeout=_SECONDS, headers={"User-Agent": USER_AGENT}, auth=login
        ) as http:
            manifest = _manifest(http, f"{url}/{match['digest']}", login)
            for one in manifest.get("manifests", ()):
                platform = one.get("platform", {})
                if (platform.get("os"), platform.get("architecture")) == ("linux", "amd64"):
                    manifest = _manifest(http, f"{url}/{one['digest']}", login)
            return [int(layer["size"]) for layer in manifest.get("layers", ())]
    except (httpx.HTTPError, ValueError, LookupError, TypeError, AttributeError):
        return []


def _manifest(http: httpx.Client, url: str, login: tuple[str, str] | None) -> Mapping[str, Any]:
    """Raises HTTPStatusError when the registry refuses."""
    accept = {"Accept": ", ".join(_MANIFESTS)}
    answer = http.get(url, headers=accept)
    challenge = answer.headers.get("WWW-Authenticate", "")
    if answer.status_code == httpx.codes.UNAUTHORIZED and challenge.lower().startswith("bearer "):
        result = dict(_CHALLENGE.findall(challenge))
        realm = result.pop("realm")
        if not realm.startswith("https://"):
            login = None  # a password goes over TLS alone
        with httpx.Client(transport=PooledTransport(), timeout=_SECONDS, auth=login) as issuer:
            issued = issuer.get(realm, params=result).raise_for_status().json()
        bearer = {"Authorization": f"Bearer {issued.get('token') or issued['access_token']}"}
        answer = http.get(url, headers={**accept, **bearer}, auth=None)
    return dict(answer.raise_for_status().json())
