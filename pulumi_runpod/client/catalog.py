"""The live catalog: GPU types and pools, CPU flavors, data centers with stock, and public templates.

Asked for once per account and process. For advice take `catalog_or_offline`, which never fails.
"""

from __future__ import annotations

import threading
from typing import Literal
from weakref import WeakKeyDictionary

from pulumi_runpod.client import answer
from pulumi_runpod.client.api import RunPodClient
from pulumi_runpod.errors import RunPodError
from pulumi_runpod.wire.catalog import (
    CPUS_PATH,
    DATA_CENTERS_PATH,
    GPUS_PATH,
    PUBLIC_TEMPLATES_PATH,
    Catalog,
    CpuType,
    DataCenter,
    GpuType,
    offline_catalog,
)
from pulumi_runpod.wire.template import Template

Source = Literal["official", "verified", "community"]

_STOCK = {"include": "AVAILABILITY", "product": "SERVERLESS"}
"""One without the other is refused."""

_read: WeakKeyDictionary[RunPodClient, Catalog] = WeakKeyDictionary()
_lock = threading.Lock()


def live_catalog(client: RunPodClient) -> Catalog:
    """The catalog with serverless stock: three calls the first time, none later. Raises as every call of the client."""
    with _lock:
        if client not in _read:
            _read[client] = Catalog(
                gpus={gpu.id: gpu for gpu in gpu_types(client)},
                cpus={cpu.id: cpu for cpu in cpu_flavors(client)},
                data_centers={center.id: center for center in data_centers(client)},
            )
        return _read[client]


def catalog_or_offline(client: RunPodClient | None) -> tuple[Catalog, RunPodError | None]:
    """The live catalog, or the dated copy in the package and why. `client` None: the copy, without a call."""
    if client is None:
        return offline_catalog(), None
    try:
        return live_catalog(client), None
    except RunPodError as error:
        return offline_catalog(), error


def gpu_types(client: RunPodClient) -> list[GpuType]:
    """GPU types with stock for serverless. `price.serverless` is USD per hour and GPU. Not cached."""
    result, response = client.fetch(GPUS_PATH, _STOCK, kind="GPU catalog")
    return [answer.parsed(GpuType, item, response) for item in answer.items(result, "gpus", response)]


def cpu_flavors(client: RunPodClient) -> list[CpuType]:
    """CPU flavors with stock for serverless. Not cached."""
    result, response = client.fetch(CPUS_PATH, _STOCK, kind="CPU catalog")
    return [answer.parsed(CpuType, item, response) for item in answer.items(result, "cpus", response)]


def data_centers(client: RunPodClient) -> list[DataCenter]:
    """Data centers with the tiers of network volumes they offer. Not cached."""
    result, response = client.fetch(DATA_CENTERS_PATH, kind="data center catalog")
    return [answer.parsed(DataCenter, item, response) for item in answer.items(result, "dataCenters", response)]


def public_templates(client: RunPodClient, source: Source = "official") -> list[Template]:
    """At most 100 templates that anybody may read. Not cached."""
    result, response = client.fetch(PUBLIC_TEMPLATES_PATH, {"source": source}, kind="template catalog")
    return [answer.parsed(Template, item, response) for item in answer.items(result, "templates", response)]
