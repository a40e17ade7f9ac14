"""The only room that speaks HTTP: control plane, catalog, jobs. `client_for` gives the one client of an account.

httpx costs time to import, and a program that only declares resources needs none of it: names are loaded when asked
for.
"""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING

from pulumi_runpod.settings import Settings

if TYPE_CHECKING:
    from pulumi_runpod.client.api import RunPodClient as RunPodClient

_clients: dict[tuple[str, str, bool], RunPodClient] = {}
_lock = threading.Lock()


def client_for(settings: Settings) -> RunPodClient:
    """The process's client for this account: shared connections, quota and lists. Made when first asked for.

    Two settings are the same account when base URL and key are. Raises `SettingsError` without a key.
    """
    from pulumi_runpod.client.api import RunPodClient

    digest = hashlib.sha256(settings.key.encode()).hexdigest()
    account = (settings.api_base_url, digest, settings.accept_vanished)
    with _lock:
        if account not in _clients:
            _clients[account] = RunPodClient(settings)
        return _clients[account]


def __getattr__(name: str) -> object:
    if name == "RunPodClient":
        from pulumi_runpod.client.api import RunPodClient

        return RunPodClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = ["RunPodClient", "client_for"]
