"""The choice of a pool: the cheapest that fits, where it must run."""

from __future__ import annotations

from decimal import Decimal

from catalogs import LARGE, MARKET, MIDDLE, SMALL, gpu
from hypothesis import given
from hypothesis import strategies as st

from pulumi_runpod.planning.chooser import choose
from pulumi_runpod.planning.gpu_need import GpuNeed
from pulumi_runpod.planning.pools import pools_of
from pulumi_runpod.wire.catalog import DataCenter, GpuType, offline_catalog


def chosen(need: float, *gpus: GpuType, data_centers: tuple[str, ...] = (), deployed: str | None = None) -> str | None:
    choice = choose(GpuNeed(vram_gb=need), pools_of(gpus).values(), data_centers=data_centers, deployed=deployed)
    return choice.chosen.pool.id if choice.chosen else None


def test_the_cheapest_pool_that_fits_is_taken() -> None:
    """12 GB and headroom fit in 16 GB, and nothing larger is paid for."""
    assert chosen(12, LARGE, MIDDLE, SMALL) == "SMALL_16"


def test_the_headroom_counts() -> None:
    """14 GB would fit in 16 GB bare, but not with 20 % on top."""
    assert chosen(14, LARGE, MIDDLE, SMALL) == "MIDDLE_24"


def test_nothing_fits_where_nothing_is_large_enough() -> None:
    """There is no choice then, and each pool is rejected with its reason."""
    choice = choose(GpuNeed(vram_gb=500), MARKET.pools.values())
    assert choice.chosen is None
    assert choice.rejected[0][1] == "16 GB is less than 600 GB"
    assert choice.explained() == "no serverless pool has 600 GB with a known price"


def test_a_pool_without_stock_where_it_must_run_is_passed_over() -> None:
    """Stock elsewhere does not help."""
    empty = gpu("CHEAP_24", memory=24, serverless=0.2, stock={"EU-RO-1": "NONE", "US-KS-2": "HIGH"})
    assert chosen(12, empty, MIDDLE, data_centers=("EU-RO-1",)) == "MIDDLE_24"
    assert chosen(12, empty, MIDDLE, data_centers=("US-KS-2",)) == "CHEAP_24"


def test_without_any_stock_the_cheapest_is_still_named() -> None:
    """Workers wait for stock; a plan without a pool could not be deployed at all."""
    empty = gpu("CHEAP_24", memory=24, serverless=0.2, stock={"EU-RO-1": "NONE"})
    assert chosen(12, empty, data_centers=("EU-RO-1",)) == "CHEAP_24"


def test_a_pool_is_as_small_as_its_smallest_type() -> None:
    """RunPod deals any type of a pool, so the pool counts for the smallest."""
    types = (
        gpu("MIXED", memory=48, serverless=0.3, name="large type"),
        gpu("MIXED", memory=16, serverless=0.3, name="small type"),
    )
    assert chosen(18, *types, MIDDLE) == "MIDDLE_24"


def test_a_pool_without_a_serverless_price_is_not_offered() -> None:
    """A pool that serverless does not sell is rejected, however large."""
    assert chosen(12, gpu("PODS_32", memory=32, serverless=None)) is None


def test_an_old_driver_is_no_choice_for_a_new_cuda() -> None:
    """A need can name the CUDA version that its image was built for."""
    old = gpu("OLD_24", memory=24, serverless=0.2, cuda=("11.8", "12.4"))
    new = gpu("NEW_24", memory=24, serverless=0.4, cuda=("12.4", "12.8"))
    choice = choose(GpuNeed(vram_gb=12, min_cuda_version="12.8"), pools_of((old, new)).values())
    assert choice.chosen is not None
    assert choice.chosen.pool.id == "NEW_24"
    assert [reason for _, reason in choice.rejected] == ["no host with CUDA 12.8"]


def test_a_new_price_does_not_move_what_is_deployed() -> None:
    """The deployed pool stays while it fits, and the cheaper one is named."""
    choice = choose(GpuNeed(vram_gb=12), MARKET.pools.values(), deployed="MIDDLE_24")
    assert choice.chosen is not None
    assert choice.chosen.pool.id == "MIDDLE_24"
    assert choice.kept
    assert choice.cheaper is not None
    assert choice.cheaper.pool.id == "SMALL_16"


def test_a_deployed_pool_that_no_longer_fits_is_left() -> None:
    """A larger need moves the endpoint: staying would run out of memory."""
    choice = choose(GpuNeed(vram_gb=18), MARKET.pools.values(), deployed="SMALL_16")
    assert choice.chosen is not None
    assert choice.chosen.pool.id == "MIDDLE_24"
    assert not choice.kept


def test_data_centers_where_volume_and_pool_meet_are_named() -> None:
    """A volume needs a data center that has volumes and stock of the pool."""
    centers = [
        DataCenter.model_validate(
            {
                "id": name,
                "name": name,
                "region": "EUROPE",
                "globalNetwork": True,
                "networkVolumeTypes": types,
                "compliance": [],
            }
        )
        for name, types in (("EU-RO-1", ["STANDARD"]), ("US-KS-2", []), ("EU-CZ-1", ["STANDARD"]))
    ]
    choice = choose(GpuNeed(vram_gb=12), MARKET.pools.values(), volume_centers=centers)
    assert choice.fits[0].volume_data_centers == ("EU-RO-1",)


def test_a_4090_and_an_a100_cost_what_the_offline_copy_says() -> None:
    """Reserved prices of the dated copy: $0.44 and $1.64 an hour; serverless $1.116 and $2.736."""
    pools = pools_of(offline_catalog().gpus.values())
    fields = {name: (pools[name].reserved_per_hour, pools[name].price_per_hour) for name in ("ADA_24", "AMPERE_80")}
    assert fields == {
        "ADA_24": (Decimal("0.44"), Decimal("1.116")),
        "AMPERE_80": (Decimal("1.64"), Decimal("2.736")),
    }


def test_sdxl_runs_in_16_gb() -> None:
    """What SDXL needs by its weights is served by the cheapest pool of the dated copy."""
    choice = choose(GpuNeed(weights_gb=6.94), pools_of(offline_catalog().gpus.values()).values())
    assert choice.chosen is not None
    assert choice.chosen.pool.id == "AMPERE_16"


@given(small=st.decimals("1", "190", places=1), more=st.decimals("0", "50", places=1))
def test_a_larger_need_is_never_cheaper(small: Decimal, more: Decimal) -> None:
    """The price of the choice grows with the need, and the choice always holds it."""
    pools = pools_of(offline_catalog().gpus.values()).values()
    first, second = (choose(GpuNeed(vram_gb=need), pools).chosen for need in (small, small + more))
    if second is not None:
        assert first is not None
        assert first.price_per_hour <= second.price_per_hour
        assert second.pool.memory_gb >= (small + more) * Decimal("1.2")
