"""The catalog: what it lists, and which filters go together."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from pulumi_runpod.emulator.local import LocalRunPod

ASKED = "include=AVAILABILITY&product=SERVERLESS"


def test_gpus_have_pools_memory_and_prices(api: httpx.Client) -> None:
    """The 4090 is ADA_24, 24 GB, 1.116 USD an hour; without a pool there is no serverless price; no stock unasked."""
    gpus = {g["id"]: g for g in api.get("/v2/catalog/gpus").json()["gpus"]}
    card = gpus["NVIDIA GeForce RTX 4090"]

    assert (card["pool"], card["memory"], card["price"]["serverless"]) == ("ADA_24", 24, 1.116)
    assert gpus["AMD Instinct MI300X OAM"]["pool"] is None
    assert "serverless" not in gpus["AMD Instinct MI300X OAM"]["price"]
    assert not {"availability", "dataCenters", "cudaVersions", "podPriceBasis"} & set(card)


def test_an_id_with_blanks_is_encoded(api: httpx.Client) -> None:
    """One GPU type by its id; an unknown one is 404."""
    assert api.get("/v2/catalog/gpus/NVIDIA%20GeForce%20RTX%204090").json()["pool"] == "ADA_24"
    assert api.get("/v2/catalog/gpus/ADA_24").status_code == 404


def test_availability_follows_the_stock(runpod: LocalRunPod, api: httpx.Client) -> None:
    """Sold out in one data center: it is not listed; in all: NONE, and no list."""
    path = f"/v2/catalog/gpus/NVIDIA%20L4?{ASKED}"
    runpod.call(lambda p: p.stock.set("AMPERE_24@EU-RO-1", 0))
    some = api.get(path).json()
    api.put("/_emulator/stock", json={"stock": {"AMPERE_24@*": 0}})
    none = api.get(path).json()

    assert some["availability"] == "HIGH"
    assert "EU-RO-1" not in [d["id"] for d in some["dataCenters"]]
    assert none["availability"] == "NONE"
    assert "dataCenters" not in none


def test_countries_narrow_the_list_and_keep_a_single_type(runpod: LocalRunPod, api: httpx.Client) -> None:
    """A type that cannot be had there drops out of the list; asked for by id it is NONE."""
    runpod.call(lambda p: p.stock.set("ADA_24@EU-RO-1", 0))
    listed = api.get(f"/v2/catalog/gpus?{ASKED}&countryCodes=RO").json()["gpus"]
    single = api.get(f"/v2/catalog/gpus/NVIDIA%20GeForce%20RTX%204090?{ASKED}&countryCodes=RO").json()

    assert "NVIDIA GeForce RTX 4090" not in [g["id"] for g in listed]
    assert {d["id"] for g in listed for d in g["dataCenters"]} == {"EU-RO-1"}
    assert single["availability"] == "NONE"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        (f"{ASKED}&count=2", 200),
        (f"{ASKED}&count=0", 422),
        (f"{ASKED}&cloud=SECURE", 200),
        (f"{ASKED}&cloud=MOON", 422),
        (f"{ASKED}&countryCodes=fr", 422),
        ("countryCodes=FR", 400),
        (f"{ASKED}&cudaVersions=12.8,12.6", 200),
        (f"{ASKED}&cudaVersions=12", 422),
        (f"{ASKED}&minCudaVersion=12", 200),
        (f"{ASKED}&cudaVersions=12.8&minCudaVersion=12.1", 400),
        ("include=NONSENSE&product=POD", 422),
        ("include=AVAILABILITY&product=POD,CLUSTER,SERVERLESS", 200),
        ("include=AVAILABILITY&product=NONSENSE", 422),
        ("bogus=1", 200),
    ],
)
def test_filters_of_gpus(api: httpx.Client, query: str, status: int) -> None:
    """400 for what does not go together, 422 for what is malformed, and unknown names are ignored."""
    assert api.get(f"/v2/catalog/gpus?{query}").status_code == status
    assert api.get(f"/v2/catalog/gpus/NVIDIA%20L4?{query}").status_code == status


def test_cuda_versions_are_compared_as_numbers(api: httpx.Client) -> None:
    """A floor of 12.8 leaves out 12.6; a version that nobody offers makes the type unavailable."""
    path = f"/v2/catalog/gpus/NVIDIA%20L4?{ASKED}"
    above = api.get(f"{path}&minCudaVersion=12.8").json()
    never = api.get(f"{path}&cudaVersions=99.1").json()

    assert [v["version"] for v in above["cudaVersions"]] == ["12.8", "12.9", "13.0"]
    assert never["availability"] == "NONE"
    assert "cudaVersions" not in never


@pytest.mark.parametrize(
    ("query", "status"), [("vcpuCount=4", 400), (f"{ASKED}&vcpuCount=4", 200), (f"{ASKED}&vcpuCount=6", 422)]
)
def test_filters_of_cpus(api: httpx.Client, query: str, status: int) -> None:
    """A power of two, with availability only."""
    assert api.get(f"/v2/catalog/cpus?{query}").status_code == status


def test_data_centers_are_filtered_by_families(api: httpx.Client) -> None:
    """Regions are alternatives, volume types and compliance all have to hold, and families go together."""

    def ids(query: str) -> set[str]:
        return {d["id"] for d in api.get(f"/v2/catalog/datacenters?{query}").json()["dataCenters"]}

    everything = ids("")
    assert ids("regions=EUROPE") | ids("regions=NORTH_AMERICA") == ids("regions=EUROPE,NORTH_AMERICA") == everything
    assert ids("networkVolumeTypes=STANDARD,HIGH_PERFORMANCE") < ids("networkVolumeTypes=STANDARD") < everything
    assert ids("regions=EUROPE&compliance=GDPR,SOC_2_TYPE_2") == {"EU-RO-1"}
    assert ids("globalNetwork=false") == {"EU-FR-1"}
    for query in ("regions=MOON", "globalNetwork=yes", "include=X"):
        assert api.get(f"/v2/catalog/datacenters?{query}").status_code == 422


def test_data_centers_tell_their_stock_on_request(runpod: LocalRunPod, api: httpx.Client) -> None:
    """Per GPU and per CPU flavor."""
    runpod.call(lambda p: p.stock.set("ADA_24@EU-RO-1", 2))
    body: Any = api.get("/v2/catalog/datacenters/EU-RO-1?include=GPU_AVAILABILITY,CPU_AVAILABILITY").json()
    levels = {g["id"]: g["availability"] for g in body["gpuAvailability"]}

    assert levels["NVIDIA GeForce RTX 4090"] == "LOW"
    assert {c["id"] for c in body["cpuAvailability"]} == {"cpu3c", "cpu3g", "cpu5c", "cpu5g"}
    assert "gpuAvailability" not in api.get("/v2/catalog/datacenters/EU-RO-1").json()


def test_public_templates_come_by_source(api: httpx.Client) -> None:
    """`official` by default; an unknown source is 422."""
    assert api.get("/v2/catalog/templates").json() == api.get("/v2/catalog/templates?source=official").json()
    assert api.get("/v2/catalog/templates?source=community").json()["templates"][0]["public"] is True
    assert api.get("/v2/catalog/templates?source=mine").status_code == 422
