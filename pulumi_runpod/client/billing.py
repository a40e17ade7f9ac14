"""What things have cost: USD by time bucket, for the account, its endpoints and its network volumes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pulumi_runpod.client import answer
from pulumi_runpod.client.api import RunPodClient
from pulumi_runpod.errors import Failure, InvalidInput
from pulumi_runpod.wire.billing import BILLING_PATH, Billing, BucketSize, NetworkVolumeBilling, ServerlessBilling


@dataclass(frozen=True)
class Period:
    """Which buckets: the last `last` ones, the current included, or those that touch `start` to `end` (exclusive).

    Nothing given: the last 30 days. Times need a zone; the service widens them to whole buckets.
    """

    start: datetime | None = None
    end: datetime | None = None
    last: int | None = None
    bucket: BucketSize = "day"

    def __post_init__(self) -> None:
        failures = []
        if self.last is not None and (self.start or self.end):
            failures.append(Failure("last", "excludes start and end: give one of them"))
        if self.last is not None and self.last < 1:
            failures.append(Failure("last", "must be at least 1"))
        for name, moment in (("start", self.start), ("end", self.end)):
            if moment is not None and moment.tzinfo is None:
                failures.append(Failure(name, "needs a time zone"))
        if not failures and self.start and self.end and self.start >= self.end:
            failures.append(Failure("end", "must be after start"))
        if failures:
            raise InvalidInput("the billing period", failures)

    def params(self) -> dict[str, str]:
        fields: dict[str, str] = {"bucketSize": self.bucket}
        if self.last is not None:
            fields["lastN"] = str(self.last)
        if self.start:
            fields["startTime"] = self.start.isoformat()
        if self.end:
            fields["endTime"] = self.end.isoformat()
        return fields


def account_billing(client: RunPodClient, period: Period | None = None) -> Billing:
    """Everything that the account has paid for."""
    result, response = client.fetch(BILLING_PATH, (period or Period()).params(), kind="billing")
    return answer.parsed(Billing, result, response)


def endpoint_billing(
    client: RunPodClient, endpoint_id: str | None = None, period: Period | None = None
) -> ServerlessBilling:
    """One record per endpoint and bucket; of one endpoint when it is named."""
    result, response = client.fetch(
        f"{BILLING_PATH}/serverless", _of("serverlessId", endpoint_id, period), kind="billing"
    )
    return answer.parsed(ServerlessBilling, result, response)


def volume_billing(
    client: RunPodClient, volume_id: str | None = None, period: Period | None = None
) -> NetworkVolumeBilling:
    """One record per network volume and bucket; of one volume when it is named."""
    result, response = client.fetch(
        f"{BILLING_PATH}/network-volumes", _of("networkVolumeId", volume_id, period), kind="billing"
    )
    return answer.parsed(NetworkVolumeBilling, result, response)


def _of(name: str, object_id: str | None, period: Period | None) -> dict[str, str]:
    return (period or Period()).params() | ({name: object_id} if object_id else {})
