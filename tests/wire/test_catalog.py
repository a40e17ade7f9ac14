"""The offline catalog: dated, consistent, and honest about what is approximate."""

from __future__ import annotations

from datetime import date

import pytest

from pulumi_runpod.wire.catalog import offline_catalog, parse_catalog

USD_PER_SECOND = {
    "AMPERE_16": 0.00016,
    "AMPERE_24": 0.00019,
    "ADA_24": 0.00031,
    "AMPERE_48": 0.00034,
    "ADA_48_PRO": 0.00053,
    "AMPERE_80": 0.00076,
    "ADA_80_PRO": 0.00116,
    "BLACKWELL_96": 0.00111,
    "HOPPER_141": 0.00155,
    "BLACKWELL_180": 0.00240,
}
"""As published; ADA_32_PRO has no listed price."""


def test_pools_cost_what_is_published() -> None:
    """USD per hour = published USD per second times 3600, for every type of a pool; one pool has no price."""
    pools = offline_catalog().pools

    assert set(pools) == {*USD_PER_SECOND, "ADA_32_PRO"}
    for pool, price in USD_PER_SECOND.items():
        assert [g.price.serverless for g in pools[pool]] == [pytest.approx(price * 3600)] * len(pools[pool])
    assert [g.price.serverless for g in pools["ADA_32_PRO"]] == [None]


def test_pool_names_tell_their_memory() -> None:
    """The number in a pool's name is the GB of its types."""
    for pool, gpus in offline_catalog().pools.items():
        assert {g.memory for g in gpus} == {int(pool.split("_")[1])}


def test_pod_prices_say_what_they_rest_on() -> None:
    """Two are published; all others are marked approximate."""
    sourced = {g.id: g.price.secure for g in offline_catalog().gpus.values() if g.pod_price_basis == "sourced"}

    assert sourced == {"NVIDIA GeForce RTX 4090": 0.44, "NVIDIA A100 80GB PCIe": 1.64}
    assert all(g.pod_price_basis in ("sourced", "approximate") for g in offline_catalog().gpus.values())


def test_the_copy_is_dated_and_a_live_catalog_is_not() -> None:
    """A reader can tell which one it has."""
    assert date.fromisoformat(offline_catalog().as_of or "")
    assert parse_catalog({"gpus": []}).as_of is None


def test_vcpus_are_a_power_of_two_within_the_flavor() -> None:
    """What is wrong is said with what to take instead; memory follows the flavor."""
    flavor = offline_catalog().cpus["cpu5c"]

    assert flavor.vcpu_mistake(4) is None
    assert "power of two from 2 to 32" in (flavor.vcpu_mistake(6) or "")
    assert flavor.vcpu_mistake(64)
    assert offline_catalog().memory_gb("cpu5c", 4) == 8
