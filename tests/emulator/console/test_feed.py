"""The feed: everything once, then what changes; nothing for nobody; and no page in the way of the service."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from pulumi_runpod.emulator.console.feed import MAX_PAGES
from pulumi_runpod.emulator.job_plane.scheduler import Scheduler
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.emulator.platform.state import Platform
from pulumi_runpod.emulator.process.control import reset

SECTIONS = {"clock", "endpoints", "workers", "faults", "jobs", "history", "coldStarts", "cost", "logs"}


@pytest.mark.parametrize("level", ["read", "restricted", None])
def test_data_is_for_full_keys_and_the_page_for_everybody(desk: Any, level: Any) -> None:
    """The page's files hold no data; all that does needs the owner's key, or an equal one."""
    key = desk.runpod.add_key(level) if level else "wrong"
    with httpx.Client(base_url=desk.runpod.api, headers={"Authorization": f"Bearer {key}"}) as client:
        for path in ("/console/feed", "/console/endpoints/a/jobs/b", "/console/endpoints/a/jobs/b/images/0"):
            assert client.get(path).status_code == 401
    for path in ("/console", "/console/console.js", "/console/console.css", "/console/icon.svg"):
        assert httpx.get(desk.runpod.api + path).status_code == 200


def test_the_first_event_is_everything_and_later_ones_are_what_changed(desk: Any, listen: Any) -> None:
    """With a clock that is frozen, a new endpoint is news of endpoints, and the only news."""
    desk.runpod.call(lambda p: p.clock.freeze())
    with listen() as stream:
        assert set(stream.next()) == SECTIONS
        # Both looks of the charts: what they show of the newest bucket is settled now.
        desk.runpod.fault("http.delay", path="/nowhere")
        assert [fault["kind"] for fault in stream.until("faults", bool)] == ["http.delay"]
        made = desk.endpoint(workers={"min": 0, "max": 1})
        while "endpoints" not in (news := stream.next()):
            pass
        assert [endpoint["id"] for endpoint in news["endpoints"]] == [made["id"]]
        assert not {"faults", "jobs", "cost", "coldStarts", "clock", "logs"} & set(news)


def test_a_job_is_followed_from_queue_to_end(desk: Any, listen: Any) -> None:
    """With its waiting, its worker, its result, and the charts' count of it."""
    endpoint = desk.endpoint()
    with listen() as stream:
        job = desk.job(endpoint, caption="a fox")
        (result,) = stream.until("jobs", lambda jobs: jobs and jobs[0]["status"] == "COMPLETED")
        assert (result["id"], result["workerId"]) == (job["id"], job["workerId"])
        assert result["output"] == '{"caption":"a fox"}'
        assert result["queuedAt"] <= result["startedAt"] <= result["finishedAt"]
        history = stream.until("history", lambda h: sum(bucket[4] for bucket in h["buckets"]))
        assert sum(bucket[4] for bucket in history["buckets"]) == 1


def test_what_nobody_saw_is_drawn_from_the_jobs_that_are_known(desk: Any, listen: Any) -> None:
    """The first page that is opened finds the jobs of the last minutes in its charts."""
    endpoint = desk.endpoint()
    for number in range(3):
        desk.job(endpoint, number=number)
    with listen(endpoint=endpoint["id"]) as stream:
        buckets = stream.next()["history"]["buckets"]
    assert sum(bucket[4] for bucket in buckets) == 3
    assert max(bucket[2] for bucket in buckets) >= 1


def test_a_page_follows_the_endpoint_that_it_shows(desk: Any, listen: Any) -> None:
    """Jobs of others are not sent to it."""
    mine, other = desk.endpoint(), desk.endpoint(name="other")
    desk.job(other, number=1)
    desk.job(mine, number=2)
    with listen(endpoint=mine["id"]) as stream:
        assert [job["endpointId"] for job in stream.next()["jobs"]] == [mine["id"]]


def test_log_lines_come_once_and_in_order(desk: Any, listen: Any) -> None:
    """Those from before, and each that follows."""
    endpoint = desk.endpoint()
    worker = desk.job(endpoint, say="first")["workerId"]
    with listen(worker=worker) as stream:
        said = [text for _, _, text in stream.next()["logs"]["lines"]]
        assert said[-1] == "first"
        desk.job(endpoint, say="second")
        assert [text for _, _, text in stream.until("logs", bool)["lines"]] == ["second"]


def test_without_a_page_nothing_is_looked_at(desk: Any, listen: Any) -> None:
    """The last page that is closed ends the looking, and jobs are sent to nobody."""
    before = desk.runpod.call(lambda p: p.scheduler.jobs.on_final)
    with listen() as one, listen() as other:
        one.next(), other.next()
        assert (desk.feed.pages, desk.feed.watching) == (2, True)
    desk.runpod.fault("http.delay", path="/nowhere")
    eventually_closed(desk)
    assert desk.runpod.call(lambda p: p.scheduler.jobs.on_final) == before


def eventually_closed(desk: Any) -> None:
    """A closed connection is seen by the server in its own time."""
    for _ in range(1000):
        if not desk.runpod.call(lambda _: desk.feed.watching):
            return
    raise AssertionError("the feed goes on without a page")


def test_pages_share_their_news(desk: Any, listen: Any) -> None:
    """Three pages receive the same from one look: each section is made once for all of them."""
    desk.runpod.call(lambda p: p.clock.freeze())
    with listen() as one, listen() as two, listen() as three:
        streams = (one, two, three)
        for stream in streams:
            stream.next()
        desk.endpoint(workers={"min": 0, "max": 1})
        items = [stream.until("endpoints", bool) for stream in streams]
    assert items[0] == items[1] == items[2]


def test_more_pages_than_it_can_bear_are_refused(desk: Any, listen: Any) -> None:
    """With 503 and the reason, and there is room again once one is closed."""
    streams = [listen() for _ in range(MAX_PAGES)]
    for stream in streams:
        stream.__enter__().next()
    with listen() as refused:
        assert refused.answer.status_code == 503
    for stream in streams:
        stream.__exit__(None, None, None)
    eventually_closed(desk)


def test_looking_is_no_call_and_faults_do_not_strike_it(desk: Any, listen: Any) -> None:
    """Tests count calls, and a fault on everything is for clients."""
    desk.runpod.fault("http.status", path="*", times=None)
    with listen() as stream:
        assert stream.answer.status_code == 200
        stream.next()
    assert desk.runpod.calls() == []


def test_an_open_page_does_not_hold_up_the_end_of_the_server() -> None:
    """Its stream is closed in order."""
    headers = {"Authorization": "Bearer local"}
    with LocalRunPod() as runpod, httpx.stream("GET", f"{runpod.api}/console/feed", headers=headers) as answer:
        chunks = answer.iter_raw()
        next(chunks)
        runpod._server.should_exit = True
        for _ in chunks:
            pass


def test_a_jobs_details_are_short_and_its_images_are_images(desk: Any) -> None:
    """Long values are cut; what is handed out as an image is one by its own bytes."""
    endpoint = desk.endpoint()
    drawn, spoken = desk.job(endpoint, image=16, seed=3), desk.job(endpoint, images=[{"image": "PHNjcmlwdD4="}])
    base = f"/console/endpoints/{endpoint['id']}/jobs"

    body = desk.client.get(f"{base}/{drawn['id']}").json()
    assert body["images"] == 1
    assert "characters)" in body["output"]
    picture = desk.client.get(f"{base}/{drawn['id']}/images/0")
    assert picture.headers["content-type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG")

    assert desk.client.get(f"{base}/{spoken['id']}").json()["images"] == 0
    for path in (f"{base}/{spoken['id']}/images/0", f"{base}/{drawn['id']}/images/1", f"{base}/unknown"):
        assert desk.client.get(path).status_code == 404
    assert desk.client.get(f"/console/endpoints/other/jobs/{drawn['id']}").status_code == 404


def test_the_page_allows_itself_nothing_from_elsewhere(desk: Any) -> None:
    """The policy of every answer: own files, images from memory, no frames, no markup from strings."""
    for path in ("/console", "/console/console.js", "/console/icon.svg"):
        answer = httpx.get(desk.runpod.api + path)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:;")
        assert "unsafe" not in policy
        assert "require-trusted-types-for 'script'" in policy
        assert (answer.headers["x-content-type-options"], answer.headers["x-frame-options"]) == ("nosniff", "DENY")


def test_files_are_looked_up_by_name_alone(desk: Any) -> None:
    """No path leaves the folder, and an unchanged file is not sent again."""
    for name in ("..%2froutes.py", "%2e%2e/routes.py", "routes.py", "index.html%00.js", "unknown.js"):
        assert httpx.get(f"{desk.runpod.api}/console/{name}").status_code == 404
    first = httpx.get(f"{desk.runpod.api}/console/console.js")
    again = httpx.get(f"{desk.runpod.api}/console/console.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_cost_is_what_the_billing_routes_say(desk: Any, listen: Any) -> None:
    """By the second of each worker, rounded up: to the cent of a cent."""
    endpoint = desk.endpoint()
    desk.job(endpoint, number=1)
    desk.runpod.call(lambda p: p.clock.freeze())
    desk.runpod.advance(1000.4)
    with listen() as stream:
        result = stream.next()["cost"]
    billed = desk.client.get("/v2/billing/serverless").json()["metadata"]["totals"]["totalAmount"]
    assert result["usd"] == pytest.approx(billed, abs=1e-9)
    assert result["usd"] > 0


def test_charts_of_a_former_account_are_gone_after_a_reset(desk: Any, listen: Any) -> None:
    """Also for a page that was open meanwhile, which receives everything again."""
    desk.job(desk.endpoint(), number=1)
    with listen() as stream:
        assert sum(bucket[4] for bucket in stream.next()["history"]["buckets"]) == 1
        desk.runpod.reset()

        def empty(result: Any) -> bool:
            return result["full"] and sum(bucket[4] for bucket in result["buckets"]) == 0

        assert stream.until("history", empty)


def test_what_ends_right_after_a_reset_is_in_the_charts(desk: Any, listen: Any) -> None:
    """Before the next look, with a page open: the former account is forgotten, and not this with it."""
    desk.job(desk.endpoint(), number=1)
    with listen() as stream:
        assert sum(bucket[4] for bucket in stream.next()["history"]["buckets"]) == 1

        def at_once(platform: Platform) -> None:
            reset(platform)
            scheduler = platform.scheduler
            assert isinstance(scheduler, Scheduler)
            for _ in range(2):
                scheduler.on_request_ended("of-the-new-account", platform.clock.now())

        desk.runpod.call(at_once)

        def of_the_new(result: Any) -> bool:
            return bool(result["full"] and sum(bucket[4] for bucket in result["buckets"]) == 2)

        assert stream.until("history", of_the_new)
