"""Data sources against a local RunPod: what they answer, how often they ask, and what they say when they cannot."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pulumi
import pytest
from pulumi.runtime.settings import SETTINGS

import pulumi_runpod as runpod
from pulumi_runpod.client import RunPodClient, close_clients
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.resources.data.account import OFFLINE_VARIABLE
from pulumi_runpod.resources.data.costs import BillingPeriod, BillingPeriodInputs
from pulumi_runpod.resources.data.gpus import GpuFilterInputs, GpuFilters, GpuQuery
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire import ENDPOINTS, NETWORK_VOLUMES
from pulumi_runpod.wire.endpoint import CreateEndpoint
from pulumi_runpod.wire.network_volume import CreateNetworkVolume

OFFLINE_ANSWER = ("AMPERE_16", None)


class Monitor:
    """In place of the engine's connection: a data source only asks which run this is."""


@pytest.fixture
def new_run(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """`new_run()`: from here on, another run of the engine."""

    def begin() -> None:
        monkeypatch.setattr(SETTINGS, "monitor", Monitor())

    begin()
    return begin


@pytest.fixture
def account(
    local_runpod: LocalRunPod, new_run: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> Iterator[LocalRunPod]:
    """The environment of the program names the test's local RunPod."""
    for name, value in local_runpod.environment.items():
        monkeypatch.setenv(name, value)
    yield local_runpod
    close_clients()


@pytest.fixture
def client(account: LocalRunPod) -> Iterator[RunPodClient]:
    with RunPodClient(Settings.load({}, account.environment)) as client:
        yield client


def catalog_calls(local: LocalRunPod) -> list[str]:
    return [call.path for call in local.calls(path="/v2/catalog/*")]


def test_pools_come_cheapest_first_with_price_memory_and_stock(account: LocalRunPod) -> None:
    """So that the first of a filtered list is the one to take; a pool without a price is never first."""
    pools = runpod.get_gpu_pools()
    prices = [pool.price_per_hour for pool in pools]
    sold = [price for price in prices if price is not None]

    assert sold == sorted(sold)
    assert prices[: len(sold)] == sold
    assert {pool.id: pool.memory_gb for pool in pools}["ADA_24"] == 24
    assert all(pool.stock in ("NONE", "LOW", "MEDIUM", "HIGH") for pool in pools)


def test_filters_hold_together(account: LocalRunPod) -> None:
    """What is left satisfies each of them, and something is left out by each."""
    everything = runpod.get_gpu_pools()
    found = runpod.get_gpu_pools(min_memory_gb=48, max_price_per_hour=2, min_stock="LOW")

    assert found
    assert all(p.memory_gb >= 48 and p.price_per_hour <= 2 and p.stock != "NONE" for p in found if p.price_per_hour)
    assert 0 < len(found) < len(runpod.get_gpu_pools(min_memory_gb=48)) < len(everything)
    assert runpod.get_gpu_pool(min_memory_gb=48) == runpod.get_gpu_pools(min_memory_gb=48)[0]


def test_stock_is_judged_in_the_data_centers_that_are_named(account: LocalRunPod) -> None:
    """A pool that is out of stock there is left out, however much of it there is elsewhere."""
    here = runpod.get_gpu_pools(data_centers=["EU-RO-1"])
    nowhere = runpod.get_gpu_pools(data_centers=["XX-XX-9"])

    assert here
    assert all(pool.data_centers["EU-RO-1"] != "NONE" for pool in here)
    assert nowhere == []


def test_types_are_those_that_endpoints_can_get(account: LocalRunPod) -> None:
    """Each is in a pool; the filters are those of the pools."""
    types = runpod.get_gpu_types(min_memory_gb=80)

    assert types
    assert all(gpu.pool is not None and gpu.memory >= 80 for gpu in types)


def test_no_pool_that_fits_is_one_line_that_names_what_there_is(account: LocalRunPod) -> None:
    """An empty list would fail in the program, with a traceback."""
    with pytest.raises(pulumi.RunError, match=r"^get_gpu_pool: no pool fits min_memory_gb=500\. There are .*ADA_24"):
        runpod.get_gpu_pool(min_memory_gb=500)


def test_the_rest_of_the_catalog_is_reported_and_filtered(account: LocalRunPod) -> None:
    """CPU flavors by vCPUs, data centers by tiers of volumes, public templates by source and use."""
    assert {cpu.id for cpu in runpod.get_cpu_flavors(vcpu_count=8)} <= {cpu.id for cpu in runpod.get_cpu_flavors()}
    assert runpod.get_cpu_flavors(vcpu_count=1024) == []
    assert runpod.get_cpu_flavors(max_price_per_vcpu_hour=0) == []
    centers = runpod.get_data_centers(volume_types=[], regions=["EUROPE"])
    assert centers
    assert all(center.network_volume_types and center.region == "EUROPE" for center in centers)
    fast = runpod.get_data_centers(volume_types=["HIGH_PERFORMANCE"])
    assert all("HIGH_PERFORMANCE" in center.network_volume_types for center in fast)
    assert [t.name for t in runpod.get_public_templates(source="verified", serverless=True)] == ["Diffusion"]
    assert runpod.get_public_templates(source="verified", serverless=False) == []


def test_an_endpoint_and_a_volume_tell_of_themselves(client: RunPodClient) -> None:
    """Workers, releases, and what both have cost."""
    body = {"name": "e", "type": "QUEUE", "image": "registry.example.com/team/worker:1", "gpu": {"pools": ["ADA_24"]}}
    body["scaling"] = {"type": "QUEUE_DELAY", "queueDelay": 4}
    endpoint = client.create(ENDPOINTS, CreateEndpoint.model_validate(body)).model_dump()["id"]
    storage = CreateNetworkVolume.model_validate({"name": "v", "size": 10, "dataCenter": "EU-RO-1"})
    volume = client.create(NETWORK_VOLUMES, storage).model_dump()["id"]

    assert runpod.get_endpoint_workers(endpoint).summary.total == 0
    assert len(runpod.get_endpoint_releases(endpoint).releases) == 1
    assert runpod.get_endpoint_billing(endpoint, last=2, bucket="hour").metadata.query.serverless_id == endpoint
    result = runpod.get_volume_billing(volume, start="2026-01-01T00:00:00Z", end="2026-02-01T00:00:00Z")
    assert result.metadata.query.network_volume_id == volume
    assert result.metadata.query.start_time.isoformat() == "2026-01-01T00:00:00+00:00"


def test_a_question_is_one_call_in_a_run(account: LocalRunPod, new_run: Callable[[], None]) -> None:
    """Filters are no other question, threads share the answer, and the next run asks anew."""
    run = contextvars.copy_context  # which run this is, Pulumi keeps in the context
    threads = [
        threading.Thread(target=run().run, args=(runpod.get_gpu_pools,), kwargs={"min_memory_gb": 1 + n})
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    runpod.get_gpu_types()
    runpod.get_gpu_pool()
    once = catalog_calls(account)
    new_run()
    runpod.get_gpu_types()

    assert once == ["/v2/catalog/gpus"]
    assert catalog_calls(account) == 2 * once


def test_a_named_account_is_asked_and_not_the_stacks_own(account: LocalRunPod) -> None:
    """Its answers are kept apart from those of the first."""
    with LocalRunPod(api_key="rpa_second") as second:
        other = runpod.Account(api_key="rpa_second", api_base_url=second.api)
        runpod.get_gpu_types(account=other)
        assert (len(catalog_calls(second)), catalog_calls(account)) == (1, [])
        runpod.get_gpu_types()
        assert (len(catalog_calls(second)), len(catalog_calls(account))) == (1, 1)


def test_a_failure_is_one_line_and_the_next_question_is_asked_anew(account: LocalRunPod) -> None:
    """It names what the program called and what to do; a failure is not kept as an answer."""
    account.fault("http.status", path="/v2/catalog/gpus", status=403, times=1)
    with pytest.raises(pulumi.RunError, match=r"^get_gpu_types: GET /v2/catalog/gpus -> 403") as result:
        runpod.get_gpu_types()

    assert "\n" not in str(result.value)
    assert runpod.get_gpu_types()


def test_the_key_is_shown_nowhere(account: LocalRunPod) -> None:
    """Neither by an account nor by the refusal of a key that is wrong or malformed."""
    wrong = runpod.Account(api_key="rpa_wrong-key", api_base_url=account.api)
    malformed = runpod.Account(api_key="rpa_wrong key", api_base_url=account.api)

    assert "wrong" not in repr(wrong)
    for whose in (wrong, malformed):
        with pytest.raises(pulumi.RunError) as result:
            runpod.get_gpu_types(account=whose)
        assert "rpa_wrong" not in str(result.value)


@pytest.mark.parametrize(
    ("ask", "text"),
    [
        (lambda: runpod.get_gpu_pools(min_memory_gb=0), "min_memory_gb: must be at least 1, got 0"),
        (lambda: runpod.get_gpu_pools(min_stock="SOME"), "min_stock: must be 'NONE', 'LOW', 'MEDIUM' or 'HIGH'"),  # type: ignore[arg-type]  # the mistake
        (lambda: runpod.get_gpu_pools(data_centers="EU-RO-1"), "data_centers: must be a list"),
        (lambda: runpod.get_gpu_types(min_memory=24), "min_memory: is no such field: did you mean min_memory_gb"),  # type: ignore[call-arg]  # the mistake
        (lambda: runpod.get_cpu_flavors(vcpu_count=True), "vcpu_count: must be a whole number"),
        (lambda: runpod.get_data_centers(regions=["MARS"]), "regions[0]: must be"),  # type: ignore[list-item]  # the mistake
        (lambda: runpod.get_public_templates(source="mine"), "source: must be 'official'"),  # type: ignore[arg-type]  # the mistake
        (lambda: runpod.get_endpoint_workers(""), "endpoint_id: must not be empty"),
        (lambda: runpod.get_endpoint_billing("e", last=0), "last: must be at least 1"),
        (lambda: runpod.get_endpoint_billing("e", start="soon"), "start: must be a valid datetime"),
        (lambda: runpod.get_volume_billing("v", last=1, end="2026-01-01T00:00:00Z"), "last: excludes start and end"),
        (lambda: runpod.get_volume_billing("v", end="2026-01-01"), "end: needs a time zone"),
        (lambda: runpod.get_gpu_types(account="rpa_key"), "account: must be an Account"),  # type: ignore[arg-type]  # the mistake
    ],
)
def test_a_bad_argument_is_reported_before_any_call(account: LocalRunPod, ask: Callable[[], object], text: str) -> None:
    """Which one, what is wrong with it, and in one line."""
    with pytest.raises(pulumi.RunError) as error:
        ask()

    assert text in str(error.value)
    assert "\n" not in str(error.value)
    assert account.calls() == []


def test_all_bad_arguments_are_reported_at_once(account: LocalRunPod) -> None:
    """Nobody corrects them one by one."""
    with pytest.raises(pulumi.RunError, match=r"min_memory_gb: .*max_price_per_hour: "):
        runpod.get_gpu_pools(min_memory_gb=0, max_price_per_hour=-1)


def test_the_dated_copy_answers_where_the_program_asks_for_no_call(
    account: LocalRunPod, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same switch as for components; it knows prices and no stock."""
    monkeypatch.setenv(OFFLINE_VARIABLE, "1")
    pool = runpod.get_gpu_pools(min_stock="HIGH")[0]

    assert (pool.id, pool.stock) == OFFLINE_ANSWER
    assert runpod.get_cpu_flavors()
    assert runpod.get_data_centers()
    assert account.calls() == []


@pytest.mark.parametrize(
    ("plain", "inputs"), [(GpuFilters, GpuFilterInputs), (BillingPeriod, BillingPeriodInputs), (GpuFilters, GpuQuery)]
)
def test_both_forms_of_a_data_source_take_the_same_arguments(plain: type, inputs: type) -> None:
    """A filter that one of them lacks would be refused by the other."""
    assert list(inputs.__annotations__) == list(plain.__annotations__)


class Answers(pulumi.runtime.Mocks):
    """A program's own test double: what it says of data sources, by token."""

    def __init__(self, **by_token: Any) -> None:
        self.by_token = by_token
        self.asked: list[tuple[str, Any]] = []

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        return f"{args.name}-id", dict(args.inputs)

    def call(self, args: pulumi.runtime.MockCallArgs) -> Any:
        self.asked.append((args.token, args.args))
        return self.by_token.get(args.token.rsplit(":", 1)[1], {})


WORKERS = {
    "workers": [],
    "summary": {"running": 3, "idle": 0, "initializing": 0, "throttled": 0, "unhealthy": 0, "total": 3},
}


def test_under_mocks_the_program_is_answered_by_them(account: LocalRunPod) -> None:
    """In the shape of the API, by token and arguments; nothing is called."""
    mocks = Answers(getEndpointWorkers=WORKERS)
    pulumi.runtime.set_mocks(mocks, preview=False)

    assert runpod.get_endpoint_workers("ep1").summary.running == 3
    assert mocks.asked == [("runpod:index:getEndpointWorkers", {"endpointId": "ep1"})]
    assert account.calls() == []


def test_under_mocks_that_say_nothing_the_catalog_is_the_dated_copy(account: LocalRunPod) -> None:
    """A program that picks a pool is tested without more; what has no copy says what to answer."""
    pulumi.runtime.set_mocks(Answers(), preview=False)

    assert runpod.get_gpu_pool().id == OFFLINE_ANSWER[0]
    with pytest.raises(pulumi.RunError, match=r"let Mocks\.call answer runpod:index:getEndpointWorkers as GET"):
        runpod.get_endpoint_workers("ep1")
    assert account.calls() == []


def test_mocks_that_answer_in_another_shape_are_reported_so() -> None:
    """With the first field that is wrong."""
    pulumi.runtime.set_mocks(Answers(getGpuTypes={"gpus": [{"id": "x"}]}), preview=False)

    with pytest.raises(pulumi.RunError, match=r"answered runpod:index:getGpuTypes with something else .* gpus\.0\."):
        runpod.get_gpu_types()


def test_outputs_are_waited_for_and_plain_functions_refuse_them() -> None:
    """The plain form has no value to send, and names the form that waits."""
    mocks = Answers(getEndpointWorkers=WORKERS)
    pulumi.runtime.set_mocks(mocks, preview=False)

    def waited() -> pulumi.Output[None]:
        volume = runpod.NetworkVolume("v", size=10, data_center="EU-RO-1")
        with pytest.raises(pulumi.RunError, match=r"endpoint_id: is an Output, .* call get_endpoint_workers_output"):
            runpod.get_endpoint_workers(volume.id)  # type: ignore[arg-type]  # the mistake
        with pytest.raises(pulumi.RunError, match=r"account\.api_key: is an Output"):
            runpod.get_gpu_types(account=runpod.Account(api_key=pulumi.Output.secret("rpa_x")))

        def check(workers: Any) -> None:
            assert workers.summary.running == 3

        return runpod.get_endpoint_workers_output(volume.id).apply(check)

    pulumi.runtime.test(waited)()
    assert mocks.asked == [("runpod:index:getEndpointWorkers", {"endpointId": "v-id"})]


def test_a_secret_key_makes_no_answer_secret_and_a_secret_argument_does() -> None:
    """What is read with a key does not hold it; what is read of a secret might."""
    pulumi.runtime.set_mocks(Answers(getEndpointWorkers=WORKERS), preview=False)

    async def asked() -> None:
        account = runpod.Account(api_key=pulumi.Output.secret("rpa_x"))
        assert not await runpod.get_endpoint_workers_output("ep1", account=account).is_secret()
        assert await runpod.get_endpoint_workers_output(pulumi.Output.secret("ep1"), account=account).is_secret()

    pulumi.runtime.test(asked)()
