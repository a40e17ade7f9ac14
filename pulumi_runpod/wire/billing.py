"""Billing: USD by time bucket, for the account as a whole, per endpoint and per network volume.

`/v2/billing/endpoints` is about RunPod's public endpoints; what our endpoints cost is `/v2/billing/serverless`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pulumi_runpod.wire.model import Response

BILLING_PATH = "/v2/billing"
BucketSize = Literal["hour", "day", "week", "month", "year"]


class BillingTimeRange(Response):
    """Half-open: `end_time` is not in it."""

    start_time: datetime
    end_time: datetime


class BillingAmounts(Response):
    """The account as a whole."""

    total_amount: float = 0.0
    pod_gpu_amount: float = 0.0
    pod_cpu_amount: float = 0.0
    pod_disk_amount: float = 0.0
    serverless_gpu_amount: float = 0.0
    serverless_cpu_amount: float = 0.0
    serverless_disk_amount: float = 0.0
    serverless_fee_amount: float = 0.0
    storage_standard_amount: float = 0.0
    storage_high_performance_amount: float = 0.0
    endpoint_amount: float = 0.0
    cluster_gpu_amount: float = 0.0
    cluster_disk_amount: float = 0.0
    cluster_networking_amount: float = 0.0


class ServerlessBillingAmounts(Response):
    total_amount: float = 0.0
    gpu_amount: float = 0.0
    cpu_amount: float = 0.0
    disk_amount: float = 0.0
    fee_amount: float = 0.0


class NetworkVolumeBillingAmounts(Response):
    total_amount: float = 0.0
    standard_amount: float = 0.0
    high_performance_amount: float = 0.0


class BillingRecord(BillingTimeRange, BillingAmounts):
    """One bucket of the account."""


class ServerlessBillingRecord(BillingTimeRange, ServerlessBillingAmounts):
    """One bucket of one endpoint."""

    serverless_id: str


class NetworkVolumeBillingRecord(BillingTimeRange, NetworkVolumeBillingAmounts):
    """One bucket of one volume."""

    network_volume_id: str


class BillingQuery(BillingTimeRange):
    """The window as the service took it: widened to whole buckets."""

    bucket_size: BucketSize


class ServerlessBillingQuery(BillingQuery):
    serverless_id: str | None = None


class NetworkVolumeBillingQuery(BillingQuery):
    network_volume_id: str | None = None


class ServerlessBillingMetadata(Response):
    query: ServerlessBillingQuery
    record_count: int
    unique_serverless_count: int
    totals: ServerlessBillingAmounts


class NetworkVolumeBillingMetadata(Response):
    query: NetworkVolumeBillingQuery
    record_count: int
    unique_network_volume_count: int
    totals: NetworkVolumeBillingAmounts


class BillingMetadata(Response):
    query: BillingQuery
    record_count: int
    totals: BillingAmounts


class Billing(Response):
    """Answer of `GET /v2/billing`."""

    records: list[BillingRecord]
    metadata: BillingMetadata


class ServerlessBilling(Response):
    """Answer of `GET /v2/billing/serverless`."""

    records: list[ServerlessBillingRecord]
    metadata: ServerlessBillingMetadata


class NetworkVolumeBilling(Response):
    """Answer of `GET /v2/billing/network-volumes`."""

    records: list[NetworkVolumeBillingRecord]
    metadata: NetworkVolumeBillingMetadata
