"""Jobs from submission to output, sync and asyncio, on real worker processes of the local RunPod."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from raw_server import http, served

from pulumi_runpod.client import AsyncJobClient, JobClient, RetryPolicy, RunPodClient, urls_of
from pulumi_runpod.client.job_calls import job_request
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.errors import (
    AmbiguousCreate,
    ConnectionFailed,
    InvalidInput,
    JobCancelled,
    JobFailed,
    JobGone,
    JobNotFinished,
    JobTimedOut,
    NotFound,
    RateLimited,
    Unauthorized,
)
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire import ENDPOINTS
from pulumi_runpod.wire.endpoint import CreateEndpoint, Endpoint, RequestUrls

IMAGE = "registry.example.com/team/echo:1"
WORKER = f"{sys.executable} {Path(__file__).with_name('tiny_worker.py')}"


@pytest.fixture(scope="module")
def running() -> Iterator[LocalRunPod]:
    with LocalRunPod(workers={IMAGE: WORKER}) as running:
        yield running


@pytest.fixture(scope="module")
def settings(running: LocalRunPod) -> Settings:
    return Settings.load({}, running.environment)


@pytest.fixture(scope="module")
def endpoint(settings: Settings) -> Endpoint:
    body = CreateEndpoint.model_validate(
        {
            "name": "echo",
            "type": "QUEUE",
            "image": IMAGE,
            "gpu": {"pools": ["ADA_24"]},
            "scaling": {"type": "REQUEST_COUNT", "requestCount": 1},
            "workers": {"min": 1, "max": 2},
            "timeout": 60_000,
        }
    )
    with RunPodClient(settings) as client:
        return cast("Endpoint", client.create(ENDPOINTS, body))


@pytest.fixture
def jobs(endpoint: Endpoint, settings: Settings) -> Iterator[JobClient]:
    with JobClient(urls_of(endpoint), settings) as jobs:
        yield jobs


@pytest.mark.parametrize("value", [{"a": 1}, [1, 2], "text", 7, None, True, {"input": "nested"}])
def test_the_output_is_what_the_worker_returned(jobs: JobClient, value: object) -> None:
    """Any JSON goes there and back."""
    assert jobs.output({"echo": value}, timeout=60) == value


def test_runsync_answers_in_one_request(jobs: JobClient) -> None:
    """A quick job is final in the answer."""
    job = jobs.run_sync({"echo": 1}, wait=30)

    assert (job.status, job.output) == ("COMPLETED", 1)
    assert job.worker_id


def test_runsync_may_come_back_before_the_job_is_done(jobs: JobClient) -> None:
    """Then waiting goes on by id."""
    job = jobs.run_sync({"echo": 1, "sleep": 2}, wait=1)

    assert not job.is_final
    assert jobs.wait(job.id, timeout=60).output == 1


def test_waiting_tells_of_every_state(jobs: JobClient) -> None:
    """The last one reported is the final one."""
    seen: list[str] = []
    job = jobs.wait(jobs.run({"echo": 1, "sleep": 0.5}).id, timeout=30, on_change=lambda j: seen.append(j.status))

    assert seen[-1] == job.status == "COMPLETED"
    assert len(seen) == len(set(seen))


def test_a_stream_gives_every_part_in_order(jobs: JobClient) -> None:
    """And ends when the job does."""
    job = jobs.run({"parts": ["a", {"b": 2}, 3]})

    assert list(jobs.stream(job.id, timeout=60)) == ["a", {"b": 2}, 3]


def test_a_stream_of_a_failed_job_raises(jobs: JobClient) -> None:
    """After the parts that came."""
    job = jobs.run({"parts": ["a"], "fail": "ValueError: no"})
    stream = jobs.stream(job.id, timeout=60)

    assert next(stream) == "a"
    with pytest.raises(JobFailed, match="ValueError: no"):
        next(stream)


def test_a_worker_error_is_reported(jobs: JobClient) -> None:
    """`wait` hands the failed job over, `output` raises it."""
    job = jobs.wait(jobs.run({"fail": "ValueError: bad prompt"}).id, timeout=60)
    assert (job.status, job.error) == ("FAILED", "ValueError: bad prompt")

    with pytest.raises(JobFailed, match="FAILED: ValueError: bad prompt"):
        jobs.output({"fail": "ValueError: bad prompt"}, timeout=60)


def test_a_failed_job_can_be_put_in_the_queue_again(jobs: JobClient) -> None:
    """Same id."""
    job = jobs.wait(jobs.run({"fail": "once"}).id, timeout=60)

    assert jobs.retry(job.id).id == job.id
    assert jobs.wait(job.id, timeout=60).status == "FAILED"


def test_a_running_job_can_be_stopped(jobs: JobClient) -> None:
    """It ends CANCELLED, and asking for its output raises."""
    job = jobs.run({"echo": 1, "sleep": 4})

    assert jobs.cancel(job.id).status == "CANCELLED"
    with pytest.raises(JobCancelled):
        list(jobs.stream(job.id, timeout=60))


def test_a_job_beyond_its_time_is_reported_with_the_limits(hasty: RetryPolicy) -> None:
    """The message names what to raise. (Answered from a script: a real time-out takes its time.)"""
    ended = http("200 OK", '{"id": "j", "status": "TIMED_OUT"}')
    with (
        served(http("200 OK", '{"id": "j", "status": "IN_QUEUE"}'), ended) as server,
        client_of(server.url, hasty) as jobs,
        pytest.raises(JobTimedOut, match="executionTimeout"),
    ):
        jobs.output({"echo": 1})


def test_we_stop_waiting_and_the_job_goes_on(jobs: JobClient) -> None:
    """The message names its state and how to stop it."""
    job = jobs.run({"echo": 1, "sleep": 3})

    with pytest.raises(JobNotFinished, match="job cancel"):
        jobs.wait(job.id, timeout=0.3)
    assert jobs.wait(job.id, timeout=60).output == 1


def test_an_unknown_job_explains_how_long_results_are_kept(jobs: JobClient) -> None:
    """404 is not "the service is broken"."""
    with pytest.raises(JobGone, match="30 minutes after `run` and 1 minute"):
        jobs.status("3f0c2b9e-u1")


def test_the_queue_can_be_emptied_and_counted(jobs: JobClient) -> None:
    """Waiting jobs go; the count is answered."""
    before = jobs.health()
    for _ in range(6):
        jobs.run({"sleep": 1})

    assert jobs.purge_queue().removed >= 1
    assert jobs.health().jobs.completed >= before.jobs.completed


def test_asyncio_does_the_same(endpoint: Endpoint, settings: Settings) -> None:
    """Every operation of the async client, several jobs at once."""

    async def use() -> None:
        async with AsyncJobClient(urls_of(endpoint), settings) as jobs:
            assert await asyncio.gather(*(jobs.output({"echo": n}, timeout=60) for n in range(4))) == [0, 1, 2, 3]
            assert (await jobs.run_sync({"echo": 1}, wait=30)).output == 1
            job = await jobs.run({"parts": [1, 2]})
            assert [part async for part in jobs.stream(job.id, timeout=60)] == [1, 2]
            assert (await jobs.status(job.id)).status == "COMPLETED"
            slow = await jobs.run({"sleep": 4})
            assert (await jobs.cancel(slow.id)).status == "CANCELLED"
            failed = await jobs.wait((await jobs.run({"fail": "x"})).id, timeout=60)
            assert (await jobs.retry(failed.id)).id == failed.id
            assert (await jobs.purge_queue()).removed >= 0
            assert (await jobs.health()).workers.unhealthy == 0
            with pytest.raises(JobGone):
                await jobs.status("3f0c2b9e-u1")

    asyncio.run(use())


def test_both_clients_have_the_same_operations() -> None:
    """No operation is forgotten in one of them."""

    def operations(kind: type) -> set[str]:
        return {name for name in vars(kind) if not name.startswith("_")} - {"close", "aclose"}

    assert operations(JobClient) == operations(AsyncJobClient)


def test_a_wrong_key_is_reported(endpoint: Endpoint, settings: Settings) -> None:
    """401 of the job API, whose error bodies have another shape."""
    wrong = Settings.load({"runpod:apiKey": "wrong-key", "runpod:apiBaseUrl": settings.api_base_url}, {})
    with JobClient(urls_of(endpoint), wrong) as jobs, pytest.raises(Unauthorized, match="runpod:apiKey"):
        jobs.health()


def test_a_deleted_endpoint_is_reported(jobs: JobClient, settings: Settings, endpoint: Endpoint) -> None:
    """404 on a submission is the endpoint's, not a job's."""
    gone = urls_of(endpoint).model_dump_json().replace(endpoint.id, "gone0000000000")
    with (
        JobClient(RequestUrls.model_validate_json(gone, by_name=True), settings) as jobs,
        pytest.raises(NotFound, match="Does the endpoint still exist"),
    ):
        jobs.run({"echo": 1})


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"input": 1, "policy": {"executionTimeout": 10}}, "policy.executionTimeout"),
        ({"input": 1, "policy": {"ttl": "long"}}, "policy.ttl"),
        ({"input": 1, "webhook": None}, "webhook"),
    ],
)
def test_a_wrong_request_is_refused_before_it_is_sent(body: dict[str, object], text: str) -> None:
    """With the path of the mistake."""
    with pytest.raises(InvalidInput, match=text):
        job_request(body)


@pytest.mark.parametrize("wait", [0, 0.5, 91])
def test_a_wait_that_proxies_would_cut_is_refused(jobs: JobClient, wait: float) -> None:
    """1 to 90 seconds."""
    with pytest.raises(InvalidInput, match="must be from 1 to 90 seconds"):
        jobs.run_sync({"echo": 1}, wait=wait)


def test_a_payload_beyond_the_limit_is_not_sent(jobs: JobClient) -> None:
    """10 MB for `run`: the message says what to do instead."""
    with pytest.raises(InvalidInput, match="pass large data by URL"):
        jobs.run({"echo": "x" * 11_000_000})


def test_a_load_balancer_has_no_queue() -> None:
    """Its endpoint tells no `run` URL; the message tells where its requests go instead."""
    with pytest.raises(InvalidInput, match=r"type QUEUE\. .* requests with the API key to http://127\.0\.0\.1:1$"):
        JobClient(RequestUrls(base="http://127.0.0.1:1", health="http://127.0.0.1:1/ping"), Settings())


def client_of(url: str, hasty: RetryPolicy) -> JobClient:
    urls = {name: f"{url}/v2/ep/{name}" for name in ("run", "runSync", "purgeQueue", "health")}
    urls |= {name: f"{url}/v2/ep/{name}/{{job_id}}" for name in ("status", "stream", "cancel", "retry")}
    return JobClient(
        RequestUrls.model_validate(urls),
        Settings.load({"runpod:apiKey": "k"}, {}),
        policy=hasty,
        sleep=lambda _: None,
        random=lambda: 0.0,
    )


def test_a_submission_that_a_gateway_cut_is_not_repeated(hasty: RetryPolicy) -> None:
    """524 after 100 seconds is what RunPod's edge answers: the job may be running."""
    with served(http("524 Origin Time-out", "")) as server, client_of(server.url, hasty) as jobs:
        with pytest.raises(AmbiguousCreate, match="look at the endpoint's queue"):
            jobs.run({"echo": 1})
        assert server.connections == 1


def test_a_status_that_a_gateway_cut_is_asked_again(hasty: RetryPolicy) -> None:
    """Reading changes nothing."""
    final = http("200 OK", '{"id": "j", "status": "COMPLETED", "output": 1}')
    with served(http("502 Bad Gateway", ""), final) as server, client_of(server.url, hasty) as jobs:
        assert jobs.status("j").output == 1


def test_cancelling_is_repeated_and_retrying_is_not(hasty: RetryPolicy) -> None:
    """A second cancel does nothing more; a second retry may start the job twice."""
    with served(http("502 Bad Gateway", "")) as server, client_of(server.url, hasty) as jobs:
        with pytest.raises(Exception, match="502"):
            jobs.cancel("j")
        assert server.connections == 2
        with pytest.raises(AmbiguousCreate):
            jobs.retry("j")
        assert server.connections == 3


def test_a_state_that_is_newer_than_this_client_is_not_final(hasty: RetryPolicy) -> None:
    """Documentation also names RUNNING."""
    with (
        served(
            http("200 OK", '{"id": "j", "status": "RUNNING"}'), http("200 OK", '{"id": "j", "status": "COMPLETED"}')
        ) as server,
        client_of(server.url, hasty) as jobs,
    ):
        assert jobs.wait("j", timeout=5).status == "COMPLETED"


def test_the_documentations_bare_stream_is_read(hasty: RetryPolicy) -> None:
    """A list without status: the job's own status tells when it is over."""
    with (
        served(
            http("200 OK", '[{"output": 1}, {"output": 2}]'),
            http("200 OK", "[]"),
            http("200 OK", '{"id": "j", "status": "COMPLETED"}'),
        ) as server,
        client_of(server.url, hasty) as jobs,
    ):
        assert list(jobs.stream("j", timeout=5)) == [1, 2]


def test_too_many_jobs_are_reported_with_the_time(hasty: RetryPolicy) -> None:
    """429 for longer than we wait."""
    busy = http("429 Too Many Requests\r\nRetry-After: 999", '{"error": "rate limit"}')
    with (
        served(busy) as server,
        client_of(server.url, hasty) as jobs,
        pytest.raises(RateLimited, match=r"rate limit. Try again in 999 s"),
    ):
        jobs.run({"echo": 1})


def test_an_id_cannot_lead_to_another_operation(hasty: RetryPolicy) -> None:
    """`..` is no job id, and slashes stay within the id."""
    with served(http("404 Not Found", "")) as server, client_of(server.url, hasty) as jobs:
        for job_id in ("", ".", ".."):
            with pytest.raises(InvalidInput):
                jobs.status(job_id)
        with pytest.raises(JobGone):
            jobs.cancel("../run")
        assert server.requests[0].startswith(b"POST /v2/ep/cancel/..%2Frun ")


def test_an_unreachable_job_api_is_reported_with_its_url(hasty: RetryPolicy) -> None:
    """Nothing was sent."""
    with (
        client_of("http://127.0.0.1:1", hasty) as jobs,
        pytest.raises(ConnectionFailed, match=r"POST http://127.0.0.1:1/v2/ep/run -> cannot connect"),
    ):
        jobs.run({"echo": 1})
