"""The catalog: GPU types and their serverless pools, CPU flavors, data centers; and the dated offline copy of it.

Prices and pools are taken from the live catalog where one answers. The offline copy (`catalog.json`) says its date and
which of its figures are approximate.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from typing import Literal

from pydantic import Field

from pulumi_runpod.wire.model import JsonObject, Response
from pulumi_runpod.wire.network_volume import VolumeType

Availability = Literal["NONE", "LOW", "MEDIUM", "HIGH"]
Region = Literal[
    "NORTH_AMERICA", "SOUTH_AMERICA", "EUROPE", "ASIA", "MIDDLE_EAST", "AFRICA", "OCEANIA", "ANTARCTICA", "UNKNOWN"
]
Compliance = Literal[
    "GDPR", "ISO_IEC_27001", "ISO_14001", "PCI_DSS", "HITRUST", "SOC_1_TYPE_2", "SOC_2_TYPE_2", "SOC_3_TYPE_2",
    "ITAR", "FISMA_HIGH", "HIPAA", "RENEWABLE",
]  # fmt: skip
GPUS_PATH = "/v2/catalog/gpus"
CPUS_PATH = "/v2/catalog/cpus"
DATA_CENTERS_PATH = "/v2/catalog/datacenters"
PUBLIC_TEMPLATES_PATH = "/v2/catalog/templates"


class GpuPrice(Response):
    """USD per hour for one GPU."""

    secure: float
    community: float
    serverless: float | None = None
    """Absent when the type is in no serverless pool open to the caller."""


class GpuMaxCount(Response):
    secure: int
    community: int


class DataCenterStock(Response):
    id: str
    name: str
    availability: Availability


class CudaStock(Response):
    version: str
    available: bool


class GpuType(Response):
    id: str
    """What pods ask for, and what `excludedTypes` of an endpoint names: `NVIDIA GeForce RTX 4090`."""
    name: str
    pool: str | None
    """What endpoints ask for: `ADA_24`."""
    manufacturer: str
    memory: int
    """GB."""
    secure: bool
    community: bool
    price: GpuPrice
    max_count: GpuMaxCount
    availability: Availability | None = None
    data_centers: list[DataCenterStock] = Field(default_factory=list)
    cuda_versions: list[CudaStock] = Field(default_factory=list)
    pod_price_basis: Literal["sourced", "approximate"] | None = None
    """Offline copy only: whether the pod prices are published figures."""


class VcpuRange(Response):
    min: int
    max: int


class CpuPrice(Response):
    """USD per hour and vCPU."""

    secure_per_vcpu: float
    serverless_per_vcpu: float


class CpuType(Response):
    id: str
    name: str
    group: str
    vcpu: VcpuRange
    ram_gb_per_vcpu: float
    price: CpuPrice
    availability: Availability | None = None
    data_centers: list[DataCenterStock] = Field(default_factory=list)

    def vcpu_mistake(self, count: int) -> str | None:
        """What is wrong with a vCPU count for this flavor, or None."""
        if count & (count - 1) or not self.vcpu.min <= count <= self.vcpu.max:
            return f"{count} vCPUs of {self.id}: take a power of two from {self.vcpu.min} to {self.vcpu.max}"
        return None


class ResourceStock(Response):
    id: str
    name: str
    availability: Availability


class DataCenter(Response):
    id: str
    name: str
    region: Region | str
    global_network: bool
    network_volume_types: list[VolumeType | str]
    """First: the primary tier, which a volume gets when it names none. Empty: no network volumes here."""
    compliance: list[Compliance | str]
    gpu_availability: list[ResourceStock] = Field(default_factory=list)
    cpu_availability: list[ResourceStock] = Field(default_factory=list)


@dataclass(frozen=True)
class Catalog:
    """Everything the catalog says, by id; `as_of` is the date of an offline copy, None for a live one."""

    gpus: dict[str, GpuType]
    cpus: dict[str, CpuType]
    data_centers: dict[str, DataCenter]
    as_of: str | None = None

    @cached_property
    def pools(self) -> dict[str, list[GpuType]]:
        """GPU types by serverless pool, in the catalog's order."""
        found: dict[str, list[GpuType]] = {}
        for gpu in self.gpus.values():
            if gpu.pool is not None:
                found.setdefault(gpu.pool, []).append(gpu)
        return found

    @property
    def volume_data_centers(self) -> list[str]:
        """Ids of the data centers that have network volumes."""
        return [d.id for d in self.data_centers.values() if d.network_volume_types]

    def memory_gb(self, cpu_id: str, vcpu_count: int) -> int:
        """GB of a CPU worker. Raises KeyError for an unknown flavor."""
        return int(vcpu_count * self.cpus[cpu_id].ram_gb_per_vcpu)


def parse_catalog(fields: JsonObject, *, as_of: str | None = None) -> Catalog:
    """A catalog from `{"gpus": [...], "cpus": [...], "dataCenters": [...]}`. Raises pydantic's ValidationError."""
    gpus = [GpuType.model_validate(g) for g in fields.get("gpus", [])]
    cpus = [CpuType.model_validate(c) for c in fields.get("cpus", [])]
    centers = [DataCenter.model_validate(d) for d in fields.get("dataCenters", [])]
    return Catalog(
        gpus={g.id: g for g in gpus},
        cpus={c.id: c for c in cpus},
        data_centers={d.id: d for d in centers},
        as_of=as_of,
    )


@cache
def offline_catalog() -> Catalog:
    """The copy that ships with the package."""
    document: JsonObject = json.loads(resources.files("pulumi_runpod.wire").joinpath("catalog.json").read_text("utf-8"))
    return parse_catalog(document, as_of=document["asOf"])
