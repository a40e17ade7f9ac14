"""Asking for costs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pulumi_runpod.client import RunPodClient
from pulumi_runpod.client.billing import Period, account_billing, endpoint_billing, volume_billing
from pulumi_runpod.errors import InvalidInput
from pulumi_runpod.wire import NETWORK_VOLUMES
from pulumi_runpod.wire.network_volume import CreateNetworkVolume

NOW = datetime(2026, 6, 2, tzinfo=UTC)


def test_a_fresh_account_has_cost_nothing(client: RunPodClient) -> None:
    """Each of the three answers, with the window that the service took."""
    assert account_billing(client).metadata.totals.total_amount == 0
    assert endpoint_billing(client, "ep1").records == []
    billed = endpoint_billing(client, period=Period(last=2, bucket="hour"))
    assert billed.metadata.query.end_time - billed.metadata.query.start_time == timedelta(hours=2)


def test_a_volume_is_found_by_its_id(client: RunPodClient) -> None:
    """Records of other volumes are left out."""
    body = CreateNetworkVolume.model_validate({"name": "v", "size": 10, "dataCenter": "EU-RO-1"})
    one, _ = (str(client.create(NETWORK_VOLUMES, body).model_dump()["id"]) for _ in range(2))

    assert {record.network_volume_id for record in volume_billing(client, one).records} <= {one}


@pytest.mark.parametrize(
    ("period", "text"),
    [
        ({"last": 0}, "last: must be at least 1"),
        ({"last": 2, "start": NOW}, "last: excludes start and end"),
        ({"start": NOW.replace(tzinfo=None)}, "start: needs a time zone"),
        ({"start": NOW, "end": NOW}, "end: must be after start"),
    ],
)
def test_a_period_that_makes_no_sense_is_refused(period: dict[str, object], text: str) -> None:
    """Before a call."""
    with pytest.raises(InvalidInput, match=text):
        Period(**period)  # type: ignore[arg-type]
