"""CPU flavors, data centers with the network volumes they offer, and public templates."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, get_args

import pulumi
from pydantic import Field, TypeAdapter

from pulumi_runpod.client.catalog import Source, cpu_flavors, data_centers, public_templates
from pulumi_runpod.resources.data.account import Account
from pulumi_runpod.resources.data.query import checked, later
from pulumi_runpod.resources.data.question import Question, answered
from pulumi_runpod.wire.catalog import (
    CPUS_PATH,
    DATA_CENTERS_PATH,
    PUBLIC_TEMPLATES_PATH,
    Availability,
    CpuType,
    DataCenter,
    Region,
    offline_catalog,
)
from pulumi_runpod.wire.model import INTEGRAL, Maybe, Request
from pulumi_runpod.wire.network_volume import VolumeType
from pulumi_runpod.wire.template import Template

_STOCK: Sequence[Availability] = get_args(Availability)
_CPUS: Question[list[CpuType]] = Question(
    tok="runpod:index:getCpuFlavors",
    route=f"GET {CPUS_PATH}",
    ask=cpu_flavors,
    shape=TypeAdapter(list[CpuType]),
    member="cpus",
    offline=lambda: list(offline_catalog().cpus.values()),
)
_DATA_CENTERS: Question[list[DataCenter]] = Question(
    tok="runpod:index:getDataCenters",
    route=f"GET {DATA_CENTERS_PATH}",
    ask=data_centers,
    shape=TypeAdapter(list[DataCenter]),
    member="dataCenters",
    offline=lambda: list(offline_catalog().data_centers.values()),
)


class CpuQuery(Request):
    vcpu_count: Maybe[Annotated[int, Field(ge=2), INTEGRAL]] = None
    max_price_per_vcpu_hour: Maybe[Annotated[float, Field(ge=0, allow_inf_nan=False)]] = None
    min_stock: Maybe[Availability] = None


class DataCenterQuery(Request):
    volume_types: Maybe[list[VolumeType]] = None
    regions: Maybe[Annotated[list[Region], Field(min_length=1)]] = None


class TemplateQuery(Request):
    source: Source = "official"
    serverless: Maybe[bool] = None


def get_cpu_flavors(
    *,
    vcpu_count: int | None = None,
    max_price_per_vcpu_hour: float | None = None,
    min_stock: Availability | None = None,
    account: Account | None = None,
) -> list[CpuType]:
    """In the catalog's order. Raises `pulumi.RunError`.

    :param vcpu_count: A power of two that the flavor has.
    :param max_price_per_vcpu_hour: USD, serverless.
    :param min_stock: NONE, LOW, MEDIUM or HIGH. What the catalog says nothing of (the dated copy) is kept.
    """
    given = {"vcpu_count": vcpu_count, "max_price_per_vcpu_hour": max_price_per_vcpu_hour, "min_stock": min_stock}
    query = checked("get_cpu_flavors", CpuQuery, given, account)
    limit, least = query.max_price_per_vcpu_hour, query.min_stock or "NONE"
    return [
        cpu
        for cpu in answered("get_cpu_flavors", _CPUS, account)
        if (query.vcpu_count is None or cpu.vcpu_mistake(query.vcpu_count) is None)
        and (limit is None or cpu.price.serverless_per_vcpu <= limit)
        and (cpu.availability is None or _STOCK.index(cpu.availability) >= _STOCK.index(least))
    ]


def get_cpu_flavors_output(
    *,
    vcpu_count: pulumi.Input[int] | None = None,
    max_price_per_vcpu_hour: pulumi.Input[float] | None = None,
    min_stock: pulumi.Input[Availability] | None = None,
    account: Account | None = None,
) -> pulumi.Output[list[CpuType]]:
    """`get_cpu_flavors`, once its inputs are known."""
    given = {"vcpu_count": vcpu_count, "max_price_per_vcpu_hour": max_price_per_vcpu_hour, "min_stock": min_stock}
    return later(get_cpu_flavors, account, given)


def get_data_centers(
    *,
    volume_types: Sequence[VolumeType] | None = None,
    regions: Sequence[Region] | None = None,
    account: Account | None = None,
) -> list[DataCenter]:
    """In the catalog's order. `network_volume_types` of each: the tiers it offers, the primary one first.

    Raises `pulumi.RunError`.

    :param volume_types: Offers all of these; an empty list: has network volumes of some tier.
    :param regions: Lies in one of these: `EUROPE`, `NORTH_AMERICA`, ...
    """
    given = {"volume_types": volume_types, "regions": regions}
    query = checked("get_data_centers", DataCenterQuery, given, account)
    return [
        center
        for center in answered("get_data_centers", _DATA_CENTERS, account)
        if (query.regions is None or center.region in query.regions)
        and (query.volume_types is None or _has_volumes(center, query.volume_types))
    ]


def get_data_centers_output(
    *,
    volume_types: pulumi.Input[Sequence[pulumi.Input[VolumeType]]] | None = None,
    regions: pulumi.Input[Sequence[pulumi.Input[Region]]] | None = None,
    account: Account | None = None,
) -> pulumi.Output[list[DataCenter]]:
    """`get_data_centers`, once its inputs are known."""
    return later(get_data_centers, account, {"volume_types": volume_types, "regions": regions})


def get_public_templates(
    *, source: Source = "official", serverless: bool | None = None, account: Account | None = None
) -> list[Template]:
    """At most 100, as the service gives no more. Raises `pulumi.RunError`.

    :param source: `official`, `verified` or `community`.
    :param serverless: True: for endpoints alone; False: for pods alone.
    """
    given = {"source": source, "serverless": serverless}
    query = checked("get_public_templates", TemplateQuery, given, account)
    question = Question(
        tok="runpod:index:getPublicTemplates",
        route=f"GET {PUBLIC_TEMPLATES_PATH}",
        ask=partial(public_templates, source=query.source),
        shape=TypeAdapter(list[Template]),
        member="templates",
        args={"source": query.source},
    )
    found = answered("get_public_templates", question, account)
    return [template for template in found if query.serverless in (None, template.serverless)]


def get_public_templates_output(
    *,
    source: pulumi.Input[Source] = "official",
    serverless: pulumi.Input[bool] | None = None,
    account: Account | None = None,
) -> pulumi.Output[list[Template]]:
    """`get_public_templates`, once its inputs are known."""
    return later(get_public_templates, account, {"source": source, "serverless": serverless})


def _has_volumes(center: DataCenter, types: Sequence[VolumeType]) -> bool:
    return bool(center.network_volume_types) and set(types) <= set(center.network_volume_types)
