"""Bills: by the second for workers, by size and time for volumes, in whole buckets of UTC."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from pulumi_runpod.emulator.control_plane.billing import storage_price
from pulumi_runpod.emulator.local import LocalRunPod

HOUR, DAY = 3600.0, 86_400.0


def consumed(runpod: LocalRunPod, endpoint: str, seconds: float, *, gpu: str | None = "NVIDIA L4") -> None:
    """A worker that began now and is gone `seconds` later: the row that the scheduler would have written."""
    now = runpod.call(lambda p: p.clock.now())
    row = (endpoint, "w", now, now + seconds, gpu, 0.00019)
    runpod.call(
        lambda p: p.store.connection.execute(
            "INSERT INTO consumption (endpoint_id, worker_id, started_at, accrued_until, open, gpu_type_id, gpu_count,"
            " vcpu_count, usd_per_second) VALUES (?, ?, ?, ?, 0, ?, 1, 0, ?)",
            row,
        )
    )


def test_a_worker_is_billed_by_the_second_rounded_up(runpod: LocalRunPod, api: httpx.Client) -> None:
    """99.2 s of an L4 are 100 s at 0.00019 USD; one record, for its endpoint, in one day."""
    consumed(runpod, "ep1", 99.2)
    body = api.get("/v2/billing/serverless").json()
    record = body["records"][0]

    assert (record["serverlessId"], record["gpuAmount"]) == ("ep1", pytest.approx(0.019))
    assert record["totalAmount"] == record["gpuAmount"]
    assert body["metadata"]["recordCount"] == body["metadata"]["uniqueServerlessCount"] == 1
    assert body["metadata"]["totals"]["totalAmount"] == pytest.approx(0.019)


def test_a_span_is_cut_at_the_buckets(runpod: LocalRunPod, api: httpx.Client) -> None:
    """Three hours and a bit in hours: the parts add up to the whole, and each is in its own hour."""
    consumed(runpod, "ep1", 3 * HOUR + 60)
    runpod.advance(4 * HOUR)
    body = api.get("/v2/billing/serverless?bucketSize=hour&lastN=24").json()
    amounts = [r["gpuAmount"] for r in body["records"]]

    assert 4 <= len(amounts) <= 5
    assert sum(amounts) == pytest.approx((3 * HOUR + 60) * 0.00019)
    assert all(r["startTime"][14:] == r["endTime"][14:] == "00:00Z" for r in body["records"])
    assert max(amounts) == pytest.approx(HOUR * 0.00019)


def test_records_are_per_endpoint_and_can_be_narrowed(runpod: LocalRunPod, api: httpx.Client) -> None:
    """Two endpoints, two records; a filter is echoed."""
    consumed(runpod, "ep1", 10)
    consumed(runpod, "ep2", 10, gpu=None)
    both = api.get("/v2/billing/serverless").json()
    one = api.get("/v2/billing/serverless?serverlessId=ep2").json()

    assert {r["serverlessId"] for r in both["records"]} == {"ep1", "ep2"}
    assert [r["cpuAmount"] for r in one["records"]] == [pytest.approx(0.0019)]
    assert one["metadata"]["query"]["serverlessId"] == "ep2"


def test_a_volume_is_billed_for_its_size_from_birth_to_end(runpod: LocalRunPod, api: httpx.Client, make: Any) -> None:
    """A day at 20 GB, a day at 40 GB, then deleted: later days are free, and the bill outlives the volume."""
    made = make.volume(size=20)
    runpod.advance(DAY)
    api.patch(f"/v2/network-volumes/{made['id']}", json={"size": 40})
    runpod.advance(DAY)
    api.delete(f"/v2/network-volumes/{made['id']}")
    runpod.advance(DAY)
    totals = api.get("/v2/billing/network-volumes?lastN=7").json()["metadata"]["totals"]

    assert totals["standardAmount"] == pytest.approx(60 * 0.07 / 30)
    assert totals["highPerformanceAmount"] == 0
    assert totals["totalAmount"] == totals["standardAmount"]


def test_above_one_terabyte_storage_is_cheaper() -> None:
    """1,000 GB at 0.07, the rest at 0.05 USD a month."""
    assert storage_price(1500, high_performance=False) == pytest.approx(70 + 25)


def test_the_account_adds_up_both(runpod: LocalRunPod, api: httpx.Client, make: Any) -> None:
    """GPU seconds and storage in one record, each under its own name."""
    make.volume(size=30)
    consumed(runpod, "ep1", 100)
    runpod.advance(HOUR)
    body = api.get("/v2/billing?bucketSize=year").json()
    record = body["records"][0]

    assert record["serverlessGpuAmount"] == pytest.approx(0.019)
    assert record["storageStandardAmount"] == pytest.approx(30 * 0.07 / 30 / 24)
    assert record["totalAmount"] == pytest.approx(record["serverlessGpuAmount"] + record["storageStandardAmount"])
    assert set(body["metadata"]["totals"]) == set(record) - {"startTime", "endTime"}


@pytest.mark.parametrize(
    ("query", "start", "end"),
    [
        ("startTime=2026-05-03T10:00:00Z&endTime=2026-05-05T00:00:00Z", "2026-05-03T00:00:00Z", "2026-05-05T00:00:00Z"),
        ("startTime=2026-05-03T10:00:00Z&endTime=2026-05-05T00:00:01Z", "2026-05-03T00:00:00Z", "2026-05-06T00:00:00Z"),
        (
            "startTime=2026-05-03T01:00:00%2B02:00&endTime=2026-05-05T00:00:00Z&bucketSize=month",
            "2026-05-01T00:00:00Z",
            "2026-06-01T00:00:00Z",
        ),
        (
            "startTime=2026-05-07T00:00:00Z&endTime=2026-05-08T00:00:00Z&bucketSize=week",
            "2026-05-04T00:00:00Z",
            "2026-05-11T00:00:00Z",
        ),
        ("lastN=2&bucketSize=month", "2026-04-01T00:00:00Z", "2026-06-01T00:00:00Z"),
        ("lastN=1&bucketSize=year", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
    ],
)
def test_windows_are_widened_to_whole_buckets(api: httpx.Client, query: str, start: str, end: str) -> None:
    """Start down, end up unless it is a boundary; weeks begin on Monday; lastN ends with the current bucket."""
    response = api.get(f"/v2/billing/pods?{query}").json()["metadata"]["query"]

    assert (response["startTime"], response["endTime"]) == (start, end)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("lastN=3&startTime=2026-05-01T00:00:00Z", 400),
        ("startTime=2026-05-02T00:00:00Z&endTime=2026-05-01T00:00:00Z", 400),
        ("lastN=0", 422),
        ("lastN=1000000000", 422),
        ("startTime=yesterday", 422),
        ("startTime=2026-05-02T00:00:00", 422),
        ("startTime=2026-13-02T00:00:00Z", 422),
        ("startTime=0001-01-01T00:00:00%2B23:00", 422),
        ("endTime=9999-12-31T23:59:59Z&bucketSize=year", 422),
        ("bucketSize=minute", 422),
    ],
)
def test_a_window_that_makes_no_sense_is_refused(api: httpx.Client, query: str, status: int) -> None:
    """As a problem, on every billing route."""
    for route in ("", "/serverless", "/network-volumes", "/pods", "/clusters", "/endpoints"):
        assert api.get(f"/v2/billing{route}?{query}").status_code == status
