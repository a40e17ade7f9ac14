"""Routes of the catalog: GPU types, CPU flavors, data centers and public templates, with availability and filters.

Where which GPU can be had is not published: every data center offers every type, as `Stock` says.
"""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pulumi_runpod.emulator.control_plane.catalog_query import (
    Availability,
    CenterFilter,
    center_filter,
    cpu_availability,
    cuda_key,
    gpu_availability,
)
from pulumi_runpod.emulator.control_plane.public_template import SOURCES, public_templates
from pulumi_runpod.emulator.control_plane.validation import invalid
from pulumi_runpod.emulator.platform.problem import not_found
from pulumi_runpod.emulator.platform.route import json_response, methods
from pulumi_runpod.emulator.platform.state import Platform
from pulumi_runpod.emulator.platform.stock import level
from pulumi_runpod.wire.catalog import (
    CPUS_PATH,
    DATA_CENTERS_PATH,
    GPUS_PATH,
    PUBLIC_TEMPLATES_PATH,
    CpuType,
    DataCenter,
    GpuType,
)
from pulumi_runpod.wire.model import JsonObject

CUDA_VERSIONS = ("12.4", "12.6", "12.8", "12.9", "13.0")
"""What every NVIDIA host offers here."""
_ON_REQUEST = {"availability", "data_centers", "cuda_versions", "pod_price_basis"}


class CatalogRoutes:
    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.catalog = platform.catalog

    async def gpus(self, request: Request) -> Response:
        asked = gpu_availability(request.query_params)
        shown = [self._gpu(gpu, asked) for gpu in self.catalog.gpus.values()]
        if asked is not None and asked.country_codes:
            shown = [gpu for gpu in shown if "dataCenters" in gpu]
        return json_response(json.dumps({"gpus": shown}))

    async def gpu(self, request: Request) -> Response:
        asked = gpu_availability(request.query_params)
        gpu = self.catalog.gpus.get(request.path_params["id"])
        if gpu is None:
            raise not_found("GPU type")
        return json_response(json.dumps(self._gpu(gpu, asked)))

    async def cpus(self, request: Request) -> Response:
        asked = cpu_availability(request.query_params)
        return json_response(json.dumps({"cpus": [self._cpu(cpu, asked) for cpu in self.catalog.cpus.values()]}))

    async def cpu(self, request: Request) -> Response:
        asked = cpu_availability(request.query_params)
        cpu = self.catalog.cpus.get(request.path_params["id"])
        if cpu is None:
            raise not_found("CPU type")
        return json_response(json.dumps(self._cpu(cpu, asked)))

    async def data_centers(self, request: Request) -> Response:
        wanted = center_filter(request.query_params)
        centers = [c for c in self.catalog.data_centers.values() if _passes(c, wanted)]
        return json_response(json.dumps({"dataCenters": [self._center(c, wanted) for c in centers]}))

    async def data_center(self, request: Request) -> Response:
        wanted = center_filter(request.query_params)
        center = self.catalog.data_centers.get(request.path_params["id"])
        if center is None:
            raise not_found("data center")
        return json_response(json.dumps(self._center(center, wanted)))

    async def templates(self, request: Request) -> Response:
        source = request.query_params.get("source", "official")
        if source not in SOURCES:
            raise invalid("$query.source", f"value must be one of {', '.join(map(repr, SOURCES))}")
        return json_response(json.dumps({"templates": public_templates(source)}))

    def _gpu(self, gpu: GpuType, asked: Availability | None) -> JsonObject:
        body = gpu.model_dump(by_alias=True, exclude=_ON_REQUEST)
        if gpu.price.serverless is None:
            del body["price"]["serverless"]
        if asked is None:
            return body
        offered = gpu.pool is not None or set(asked.products) != {"SERVERLESS"}
        versions = [v for v in CUDA_VERSIONS if _suits(v, asked)] if gpu.manufacturer == "NVIDIA" else []
        constrained = bool(asked.cuda_versions or asked.min_cuda_version)
        place = gpu.pool or gpu.id
        body |= self._stock(place, asked, offered=offered and (bool(versions) or not constrained))
        if versions:
            body["cudaVersions"] = [{"version": v, "available": body["availability"] != "NONE"} for v in versions]
        return body

    def _cpu(self, cpu: CpuType, asked: Availability | None) -> JsonObject:
        body = cpu.model_dump(by_alias=True, exclude=_ON_REQUEST)
        return body if asked is None else body | self._stock(cpu.id, asked, offered=asked.count <= cpu.vcpu.max)

    def _stock(self, place: str, asked: Availability, *, offered: bool) -> JsonObject:
        """`availability`, and `dataCenters` unless it is NONE everywhere."""
        stock, found, most = self.platform.stock, [], 0
        for center in self.catalog.data_centers.values():
            if asked.country_codes and country(center.id) not in asked.country_codes:
                continue
            free = stock.capacity(place, center.id) // asked.count if offered else 0
            most = max(most, free)
            if free:
                found.append({"id": center.id, "name": center.name, "availability": level(free)})
        return {"availability": level(most), **({"dataCenters": found} if found else {})}

    def _center(self, center: DataCenter, wanted: CenterFilter) -> JsonObject:
        body = center.model_dump(by_alias=True, exclude={"gpu_availability", "cpu_availability"})
        stock = self.platform.stock
        if wanted.gpus:
            body["gpuAvailability"] = [
                {"id": g.id, "name": g.name, "availability": level(stock.capacity(g.pool or g.id, center.id))}
                for g in self.catalog.gpus.values()
            ]
        if wanted.cpus:
            body["cpuAvailability"] = [
                {"id": c.id, "name": c.name, "availability": level(stock.capacity(c.id, center.id))}
                for c in self.catalog.cpus.values()
            ]
        return body


def routes(platform: Platform) -> list[Route]:
    catalog = CatalogRoutes(platform)
    return [
        methods(GPUS_PATH, {"GET": catalog.gpus}),
        methods(GPUS_PATH + "/{id}", {"GET": catalog.gpu}),
        methods(CPUS_PATH, {"GET": catalog.cpus}),
        methods(CPUS_PATH + "/{id}", {"GET": catalog.cpu}),
        methods(DATA_CENTERS_PATH, {"GET": catalog.data_centers}),
        methods(DATA_CENTERS_PATH + "/{id}", {"GET": catalog.data_center}),
        methods(PUBLIC_TEMPLATES_PATH, {"GET": catalog.templates}),
    ]


def country(data_center_id: str) -> str:
    """ISO code of a data center's country: `EU-RO-1` is in RO, `US-KS-2` in US."""
    region, part, *_ = data_center_id.split("-")
    return part if region in ("EU", "EUR", "AP", "OC") else region


def _suits(version: str, asked: Availability) -> bool:
    if asked.cuda_versions:
        return version in asked.cuda_versions
    return asked.min_cuda_version is None or cuda_key(version) >= asked.min_cuda_version


def _passes(center: DataCenter, wanted: CenterFilter) -> bool:
    return (
        (not wanted.regions or center.region in wanted.regions)
        and set(wanted.volume_types) <= set(center.network_volume_types)
        and set(wanted.compliance) <= set(center.compliance)
        and wanted.global_network in (None, center.global_network)
    )
