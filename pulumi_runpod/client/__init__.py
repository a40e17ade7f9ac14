"""The only room that uses HTTP: control plane, catalog, jobs. `client_for` gives the one client of an account.

httpx costs time to import, and a program that only declares resources needs none of it: names are loaded when asked
for.
"""

from __future__ import annotations

import atexit
import hashlib
import threading
from typing import TYPE_CHECKING

from pulumi_runpod.lazy_names import loader_of
from pulumi_runpod.settings import Settings

if TYPE_CHECKING:
    from pulumi_runpod.client.api import RunPodClient
    from pulumi_runpod.client.jobs import AsyncJobClient, JobClient, urls_of
    from pulumi_runpod.client.retry import RetryPolicy

_HOMES = {
    "AsyncJobClient": "pulumi_runpod.client.jobs",
    "JobClient": "pulumi_runpod.client.jobs",
    "RetryPolicy": "pulumi_runpod.client.retry",
    "RunPodClient": "pulumi_runpod.client.api",
    "urls_of": "pulumi_runpod.client.jobs",
}

_clients: dict[tuple[str, str, bool, bool, bool], RunPodClient] = {}
_lock = threading.Lock()


def client_for(settings: Settings) -> RunPodClient:
    """The process's client for this account: shared connections, quota and lists. Made when first asked for.

    Two settings are the same account when base URL and key are. Raises `SettingsError` without a key.
    """
    from pulumi_runpod.client.api import RunPodClient

    digest = hashlib.sha256(settings.key.encode()).hexdigest()
    choices = (settings.accept_vanished, settings.allow_plain_http, settings.allow_namesakes)
    account = (settings.api_base_url, digest, *choices)
    with _lock:
        if account not in _clients:
            _clients[account] = RunPodClient(settings)
        return _clients[account]


def close_clients() -> None:
    """Close every client of the process and forget it; the next `client_for` makes a new one."""
    with _lock:
        while _clients:
            _clients.popitem()[1].close()


atexit.register(close_clients)


__getattr__ = loader_of(__name__, _HOMES)


__all__ = ["AsyncJobClient", "JobClient", "RetryPolicy", "RunPodClient", "client_for", "close_clients", "urls_of"]
