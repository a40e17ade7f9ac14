"""Billing routes: what workers consumed, second by second, and what volumes held, added up by bucket.

A bucket without spend has no record. Pods, clusters and public endpoints do not exist here, so theirs stay empty.
Container disk is not priced. UNCERTAIN: the service prices high-performance storage in its console alone; `HIGH_PRICE`
is a guess. The price above 1 TB is applied per volume.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pulumi_runpod.emulator.control_plane.billing_window import Window, parse_window
from pulumi_runpod.emulator.control_plane.rules.network_volume import PAST_VOLUME
from pulumi_runpod.emulator.platform.route import json_response, methods
from pulumi_runpod.emulator.platform.state import Platform
from pulumi_runpod.wire import billing as wire
from pulumi_runpod.wire.model import JsonObject
from pulumi_runpod.wire.network_volume import NETWORK_VOLUMES

MONTH_S = 30 * 24 * 3600
STANDARD_PRICE, STANDARD_PRICE_ABOVE_1_TB, HIGH_PRICE = 0.07, 0.05, 0.14
"""USD per GB and month of 30 days."""
_OF_ACCOUNT = {
    "gpu_amount": "serverless_gpu_amount",
    "cpu_amount": "serverless_cpu_amount",
    "standard_amount": "storage_standard_amount",
    "high_performance_amount": "storage_high_performance_amount",
}

Bucket = tuple[datetime, datetime, str]
"""`(start, end, id)`."""
A = TypeVar("A", wire.BillingAmounts, wire.ServerlessBillingAmounts, wire.NetworkVolumeBillingAmounts)


@dataclass(frozen=True)
class _Spend:
    """A part of one bucket, USD."""

    bucket: Bucket
    member: str
    """The amount that it adds to, besides the total."""
    usd: float


class BillingRoutes:
    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    async def account(self, request: Request) -> Response:
        window = self._window(request)
        amounts: dict[tuple[datetime, datetime], wire.BillingAmounts] = {}
        totals = wire.BillingAmounts()
        for spend in (*self._workers(window, None), *self._volumes(window, None)):
            place, member = spend.bucket[:2], _OF_ACCOUNT[spend.member]
            amounts[place] = _added(amounts.get(place, wire.BillingAmounts()), member, spend.usd)
            totals = _added(totals, member, spend.usd)
        records = [
            {"startTime": _text(start), "endTime": _text(end), **amounts[start, end].model_dump(by_alias=True)}
            for start, end in sorted(amounts)
        ]
        return _answer(window, records, totals.model_dump(by_alias=True))

    async def serverless(self, request: Request) -> Response:
        window, wanted = self._window(request), request.query_params.get("serverlessId")
        summed, totals = _summed(self._workers(window, wanted), wire.ServerlessBillingAmounts)
        return _answer_by_id(window, summed, totals, "serverlessId", wanted, "uniqueServerlessCount")

    async def network_volumes(self, request: Request) -> Response:
        window, wanted = self._window(request), request.query_params.get("networkVolumeId")
        summed, totals = _summed(self._volumes(window, wanted), wire.NetworkVolumeBillingAmounts)
        return _answer_by_id(window, summed, totals, "networkVolumeId", wanted, "uniqueNetworkVolumeCount")

    async def pods(self, request: Request) -> Response:
        return self._nothing(request, ("gpuAmount", "cpuAmount", "diskAmount"), "podId", "uniquePodCount")

    async def clusters(self, request: Request) -> Response:
        amounts = ("gpuAmount", "diskAmount", "networkingAmount")
        return self._nothing(request, amounts, "clusterId", "uniqueClusterCount")

    async def public_endpoints(self, request: Request) -> Response:
        return _answer(self._window(request), [], {"totalAmount": 0.0})

    def _nothing(self, request: Request, amounts: tuple[str, ...], id_name: str, count_name: str) -> Response:
        window, wanted = self._window(request), request.query_params.get(id_name)
        totals = dict.fromkeys(("totalAmount", *amounts), 0.0)
        query = {**_query(window), **({id_name: wanted} if wanted is not None else {})}
        return _answer(window, [], totals, query=query, **{count_name: 0})

    def _window(self, request: Request) -> Window:
        return parse_window(request.query_params, datetime.fromtimestamp(self.platform.clock.now(), UTC))

    def _workers(self, window: Window, endpoint_id: str | None) -> Iterator[_Spend]:
        """Each start of a worker is billed by the second, rounded up to a whole one."""
        self.platform.scheduler.accrue()
        rows = self.platform.store.connection.execute(
            "SELECT endpoint_id, started_at, accrued_until, gpu_type_id, usd_per_second FROM consumption"
            " WHERE started_at < ? AND endpoint_id = coalesce(?, endpoint_id)",
            (window.end.timestamp(), endpoint_id),
        )
        for owner, started, until, gpu_type, price in rows.fetchall():
            member = "gpu_amount" if gpu_type is not None else "cpu_amount"
            for start, end, seconds in window.shares(started, started + math.ceil(until - started)):
                yield _Spend((start, end, owner), member, seconds * price)

    def _volumes(self, window: Window, volume_id: str | None) -> Iterator[_Spend]:
        store, now = self.platform.store, self.platform.clock.now()
        for row in (*store.list(NETWORK_VOLUMES.kind), *store.list(PAST_VOLUME)):
            if volume_id is not None and row.id != volume_id:
                continue
            high = row.body["type"] == "HIGH_PERFORMANCE"
            member = "high_performance_amount" if high else "standard_amount"
            sizes: list[tuple[float, int]] = [*map(tuple, row.private["sizes"])]
            ends = [begin for begin, _ in sizes[1:]] + [row.private.get("deletedAt", now)]
            for (begin, size), until in zip(sizes, ends, strict=True):
                price = storage_price(size, high_performance=high) / MONTH_S
                for start, end, seconds in window.shares(begin, until):
                    yield _Spend((start, end, row.id), member, seconds * price)


def routes(platform: Platform) -> list[Route]:
    billing = BillingRoutes(platform)
    by_name = {
        "": billing.account,
        "/serverless": billing.serverless,
        "/network-volumes": billing.network_volumes,
        "/pods": billing.pods,
        "/clusters": billing.clusters,
        "/endpoints": billing.public_endpoints,
    }
    return [methods(wire.BILLING_PATH + name, {"GET": handler}) for name, handler in by_name.items()]


def storage_price(size: int, *, high_performance: bool) -> float:
    """USD per month for a volume of `size` GB."""
    if high_performance:
        return size * HIGH_PRICE
    return min(size, 1000) * STANDARD_PRICE + max(size - 1000, 0) * STANDARD_PRICE_ABOVE_1_TB


def _summed(spends: Iterable[_Spend], kind: type[A]) -> tuple[list[tuple[Bucket, A]], A]:
    """Amounts by bucket and id, oldest first, and their totals."""
    amounts: dict[Bucket, A] = {}
    totals = kind()
    for spend in spends:
        amounts[spend.bucket] = _added(amounts.get(spend.bucket, kind()), spend.member, spend.usd)
        totals = _added(totals, spend.member, spend.usd)
    return sorted(amounts.items(), key=lambda item: item[0]), totals


def _added(amounts: A, member: str, usd: float) -> A:
    update = {member: getattr(amounts, member) + usd, "total_amount": amounts.total_amount + usd}
    return amounts.model_copy(update=update)


def _query(window: Window) -> JsonObject:
    start, end = (_text(moment) for moment in (window.start, window.end))
    return {"startTime": start, "endTime": end, "bucketSize": window.bucket_size}


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _answer(window: Window, records: list[JsonObject], totals: JsonObject, **metadata: object) -> Response:
    fields: JsonObject = {"query": _query(window), "recordCount": len(records), "totals": totals, **metadata}
    return json_response(json.dumps({"records": records, "metadata": fields}))


def _answer_by_id(
    window: Window, summed: list[tuple[Bucket, A]], totals: A, id_name: str, wanted: str | None, count_name: str
) -> Response:
    records = [
        {"startTime": _text(start), "endTime": _text(end), id_name: owner, **amounts.model_dump(by_alias=True)}
        for (start, end, owner), amounts in summed
    ]
    query = {**_query(window), **({id_name: wanted} if wanted is not None else {})}
    unique = {count_name: len({owner for (_, _, owner), _ in summed})}
    return _answer(window, records, totals.model_dump(by_alias=True), query=query, **unique)
