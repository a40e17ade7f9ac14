"""Keeps pages of other sites out: a browser on this machine reaches the server, and so does any page that it shows.

Two ways in are closed. A page of another origin that calls the control API or the console is refused by `Origin` and
`Sec-Fetch-Site`. A host name that a site points at 127.0.0.1 (DNS rebinding) is refused by `Host`, for every
path, while the key is the default one, which everybody knows; a key of one's own is out of such a page's reach.
"""

from __future__ import annotations

import functools
import ipaddress
from urllib.parse import urlsplit

from starlette.types import Scope

OWN_PREFIXES = ("/_emulator", "/console")
"""What steers the local RunPod: no other origin may call it."""


def refusal(scope: Scope, *, own: bool, default_key: bool) -> str | None:
    """Why this request is refused; None: it is not. `own`: its path is one of `OWN_PREFIXES`."""
    host = origin = site = mode = None
    for name, value in scope["headers"]:
        if name == b"host":
            host = value
        elif name == b"origin":
            origin = value
        elif name == b"sec-fetch-site":
            site = value
        elif name == b"sec-fetch-mode":
            mode = value
    if default_key and host is not None and not _names_this_machine(host):
        return (
            f"Host {host.decode('latin-1')!r} is not a name of this machine: with the default key only localhost and "
            "loopback addresses are answered. Call http://127.0.0.1, or start the server with --api-key"
        )
    if not own:
        return None
    if origin is not None and not _same_host(origin, host):
        return f"a page of {origin.decode('latin-1')!r} may not call the local RunPod: open its own /console"
    # Following a link to the page is harmless; whatever else another site makes a browser ask for is not its business.
    if site not in (None, b"same-origin", b"none") and mode != b"navigate":
        return "a page of another site may not call the local RunPod: open its own /console"
    return None


@functools.lru_cache(maxsize=64)
def _names_this_machine(host: bytes) -> bool:
    try:
        name = urlsplit(f"//{host.decode('ascii')}").hostname or ""
    except ValueError:
        return False
    # RFC 6761: browsers never ask a name server for names below `localhost`.
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _same_host(origin: bytes, host: bytes | None) -> bool:
    _, separator, rest = origin.partition(b"://")
    return bool(separator) and host is not None and rest.lower() == host.lower()
