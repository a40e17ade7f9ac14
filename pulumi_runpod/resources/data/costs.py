"""What an endpoint or a network volume has cost: USD by time bucket, and in all."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Annotated, TypedDict, Unpack

import pulumi
from pydantic import Field, TypeAdapter

from pulumi_runpod.client.billing import Period, endpoint_billing, volume_billing
from pulumi_runpod.errors import InvalidInput
from pulumi_runpod.resources.data.account import Account
from pulumi_runpod.resources.data.query import checked, later
from pulumi_runpod.resources.data.question import Question, answered
from pulumi_runpod.wire.billing import BILLING_PATH, BucketSize, NetworkVolumeBilling, ServerlessBilling
from pulumi_runpod.wire.model import INTEGRAL, Maybe, Request, Text


class BillingPeriod(TypedDict, total=False):
    """Nothing given: the last 30 days. The service widens times to whole buckets."""

    start: datetime | str | None
    """With a zone; text as in `2026-11-01T00:00:00Z`."""
    end: datetime | str | None
    """Not in it."""
    last: int | None
    """The last so many buckets, the current one included; excludes `start` and `end`."""
    bucket: BucketSize | None
    """`hour`, `day` (the default), `week`, `month` or `year`."""


class BillingPeriodInputs(TypedDict, total=False):
    """`BillingPeriod`, as inputs."""

    start: pulumi.Input[datetime | str] | None
    end: pulumi.Input[datetime | str] | None
    last: pulumi.Input[int] | None
    bucket: pulumi.Input[BucketSize] | None


class _BillingQuery(Request):
    start: Maybe[datetime] = None
    end: Maybe[datetime] = None
    last: Maybe[Annotated[int, Field(ge=1), INTEGRAL]] = None
    bucket: BucketSize = "day"


class EndpointBillingQuery(_BillingQuery):
    endpoint_id: Text


class VolumeBillingQuery(_BillingQuery):
    volume_id: Text


def get_endpoint_billing(
    endpoint_id: str, *, account: Account | None = None, **period: Unpack[BillingPeriod]
) -> ServerlessBilling:
    """One record per bucket; the sum in `metadata.totals`. Raises `pulumi.RunError`."""
    name = "get_endpoint_billing"
    query = checked(name, EndpointBillingQuery, {"endpoint_id": endpoint_id, **_with_times(period)}, account)
    when = _period(name, query)
    question = Question(
        tok="runpod:index:getEndpointBilling",
        route=f"GET {BILLING_PATH}/serverless",
        ask=lambda client: endpoint_billing(client, query.endpoint_id, when),
        shape=TypeAdapter(ServerlessBilling),
        args={"serverlessId": query.endpoint_id, **when.params()},
    )
    return answered(name, question, account)


def get_endpoint_billing_output(
    endpoint_id: pulumi.Input[str], *, account: Account | None = None, **period: Unpack[BillingPeriodInputs]
) -> pulumi.Output[ServerlessBilling]:
    """`get_endpoint_billing`, once its inputs are known."""
    return later(get_endpoint_billing, account, {"endpoint_id": endpoint_id, **period})


def get_volume_billing(
    volume_id: str, *, account: Account | None = None, **period: Unpack[BillingPeriod]
) -> NetworkVolumeBilling:
    """One record per bucket; the sum in `metadata.totals`. Raises `pulumi.RunError`."""
    name = "get_volume_billing"
    query = checked(name, VolumeBillingQuery, {"volume_id": volume_id, **_with_times(period)}, account)
    when = _period(name, query)
    question = Question(
        tok="runpod:index:getVolumeBilling",
        route=f"GET {BILLING_PATH}/network-volumes",
        ask=lambda client: volume_billing(client, query.volume_id, when),
        shape=TypeAdapter(NetworkVolumeBilling),
        args={"networkVolumeId": query.volume_id, **when.params()},
    )
    return answered(name, question, account)


def get_volume_billing_output(
    volume_id: pulumi.Input[str], *, account: Account | None = None, **period: Unpack[BillingPeriodInputs]
) -> pulumi.Output[NetworkVolumeBilling]:
    """`get_volume_billing`, once its inputs are known."""
    return later(get_volume_billing, account, {"volume_id": volume_id, **period})


def _with_times(period: Mapping[str, object]) -> dict[str, object]:
    """Times that are text, read; what cannot be read stays, for the check to refuse."""
    result = dict(period)
    for name in ("start", "end"):
        text = result.get(name)
        if isinstance(text, str):
            with suppress(ValueError):
                result[name] = datetime.fromisoformat(text)
    return result


def _period(function: str, query: _BillingQuery) -> Period:
    try:
        return Period(start=query.start, end=query.end, last=query.last, bucket=query.bucket)
    except InvalidInput as error:
        raise pulumi.RunError(str(InvalidInput(function, error.failures))) from None
