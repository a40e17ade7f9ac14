"""The page in a real browser: what it shows, what it does, and what it never does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from pulumi_runpod.emulator.local import LocalRunPod

Visit = Callable[..., Page]
SCRIPT = "<script>window.struck = 1</script><img src=x onerror='window.struck = 1'>"


def test_an_empty_account_learns_what_to_do_next(desk: Any, visit: Visit) -> None:
    """Each part says what will be there, and the first one how to get there."""
    page = visit()
    expect(page.get_by_text("No endpoint is deployed yet.")).to_be_visible()
    expect(page.locator("#deploy-command")).to_contain_text(f"RUNPOD_API_BASE_URL={desk.runpod.api}")
    for part in ("jobs", "workers", "cold", "cost", "faults"):
        expect(page.locator(f"#{part}-empty")).to_be_visible()
    expect(page.locator("#queue")).to_have_count(0)
    expect(page.locator("#log-empty")).to_be_visible()


def test_a_job_sent_from_the_page_comes_back_with_its_image(desk: Any, visit: Visit) -> None:
    """Endpoint, worker, log, job, picture, chart, cold start and cost, without a reload."""
    page = visit()
    endpoint = desk.endpoint()
    expect(page.locator("#endpoints")).to_contain_text("pictures")
    expect(page.locator("#endpoints")).to_contain_text(endpoint["image"])
    expect(page.locator("#workers")).to_contain_text("RTX 4090")

    page.get_by_text("Send a job").click()
    page.get_by_label("Request (JSON)").fill(json.dumps({"input": {"image": 24, "say": "drawing a fox"}}))
    page.get_by_role("button", name="Send", exact=True).click()

    row = page.locator("#jobs tbody tr").first
    expect(row).to_contain_text("completed")
    picture = row.get_by_role("img", name=re.compile("^Image 1 of job"))
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 24
    expect(page.locator("#log")).to_contain_text("drawing a fox")
    expect(page.locator("#chart-latency")).to_contain_text("1 job ended")
    expect(page.locator("#cold tbody tr")).to_have_count(1)
    expect(page.locator("#cost")).to_contain_text("pictures")

    row.get_by_role("button").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("drawing a fox")
    expect(dialog.locator(".images img")).to_be_visible()


def test_a_failed_job_shows_its_error_and_is_tried_again_from_the_page(desk: Any, visit: Visit) -> None:
    """The error is where the image would be."""
    endpoint = desk.endpoint()
    desk.job(endpoint, fail="ValueError: no fox in the picture")
    page = visit()
    row = page.locator("#jobs tbody tr").first
    expect(row).to_contain_text("failed")
    expect(row).to_contain_text("ValueError: no fox in the picture")
    row.get_by_role("button").click()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#endpoints")).to_contain_text("1 retry")


def test_nothing_that_a_name_a_job_or_a_log_says_is_markup(desk: Any, visit: Visit) -> None:
    """It is there to be read, as it was written."""
    endpoint = desk.endpoint(name=SCRIPT)
    desk.runpod.fault("http.delay", path=SCRIPT)
    desk.job(endpoint, fail=SCRIPT)
    desk.job(endpoint, say=SCRIPT, caption=SCRIPT)
    page = visit()
    for part in ("#endpoints", "#jobs .result .problem", "#log", "#faults", "#cost"):
        expect(page.locator(part).first).to_contain_text("<script>window.struck = 1</script>")
    expect(page.locator("#jobs tbody tr").first.locator(".result")).to_contain_text("<script>window")
    page.locator("#jobs tbody tr").first.get_by_role("button").click()
    expect(page.get_by_role("dialog")).to_contain_text("<script>window.struck = 1</script>")
    assert page.evaluate("window.struck") is None
    assert page.locator("main script, main img[src='x'], dialog script").count() == 0


def test_faults_are_turned_on_and_off(desk: Any, visit: Visit) -> None:
    """With the fields that belong to each kind; a refusal is shown where it was asked for."""
    page = visit()
    page.get_by_label("Fault", exact=True).select_option("http.status")
    page.get_by_label("Path (glob)").fill("/v2/templates*")
    page.get_by_label("Status").fill("500")
    page.get_by_label("How often").select_option("until turned off")
    page.get_by_role("button", name="Turn on").click()
    expect(page.locator("#faults li")).to_contain_text("/v2/templates*")
    (fault,) = desk.runpod.call(lambda p: p.faults.list())
    assert (fault["kind"], fault["status"], fault["left"]) == ("http.status", 500, None)

    assert desk.client.get("/v2/templates").status_code == 500
    expect(page.locator("#faults li")).to_contain_text("struck 1 time")
    page.get_by_role("button", name=re.compile("^Turn off http.status")).click()
    expect(page.locator("#faults li")).to_have_count(0)
    assert desk.runpod.call(lambda p: p.faults.list()) == []
    assert page.evaluate("document.activeElement.id") == "fault-kind"


def test_the_clock_is_frozen_advanced_and_let_go(desk: Any, visit: Visit) -> None:
    """What it says is what the platform's clock reads."""
    page = visit()
    page.get_by_role("button", name="Freeze").click()
    expect(page.locator("#frozen")).to_be_visible()
    before = desk.runpod.call(lambda p: p.clock.now())
    page.get_by_label("Advance by").fill("2")
    page.get_by_label("Unit").select_option("days")
    page.get_by_role("button", name="Advance").click()
    expect(page.locator("#said")).to_have_text("The clock is advanced by 2.0 days")
    assert desk.runpod.call(lambda p: p.clock.now()) == before + 172_800
    result = desk.runpod.call(lambda p: p.clock.timestamp())
    expect(page.locator("#now")).to_have_text(f"{result[:10]} {result[11:19]} UTC")
    page.get_by_role("button", name="Let it flow").click()
    expect(page.locator("#frozen")).to_be_hidden()
    expect(page.locator("#clock-state")).to_contain_text("ahead of this machine's")


def test_a_hidden_page_holds_no_feed_and_comes_back_by_itself(desk: Any, visit: Visit) -> None:
    """A browser without windows never hides one, so the test tells the page that it is hidden."""
    page = visit()
    expect(page.locator("#connection-text")).to_have_text("Live")
    page.evaluate("""() => {
        window.away = true;
        Object.defineProperty(document, "hidden", { get: () => window.away });
        document.dispatchEvent(new Event("visibilitychange"));
    }""")
    page.wait_for_function("() => true")
    for _ in range(500):
        if not desk.runpod.call(lambda _: desk.feed.watching):
            break
    assert not desk.feed.watching
    desk.endpoint(name="made-meanwhile", workers={"min": 0, "max": 1})
    page.evaluate("() => { window.away = false; document.dispatchEvent(new Event('visibilitychange')); }")
    expect(page.locator("#endpoints")).to_contain_text("made-meanwhile")


def test_pause_stops_everything_that_moves(desk: Any, visit: Visit) -> None:
    """And pressing it again goes on."""
    page = visit()
    expect(page.locator("#connection-text")).to_have_text("Live")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#connection-text")).to_have_text("Paused")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#connection-text")).to_have_text("Live")


def test_a_key_is_asked_for_once_and_kept_for_the_tab(visit: Visit) -> None:
    """Where the server has its own key: a wrong one is reported, the right one survives a reload, and not the tab."""
    with LocalRunPod(api_key="a-key-of-my-own") as runpod:
        page = visit(f"{runpod.api}/console")
        page.get_by_label("Key of the owner").fill("wrong")
        page.get_by_role("button", name="Open the console").click()
        expect(page.get_by_role("alert").filter(has_text="does not open the server")).to_be_visible()
        page.get_by_label("Key of the owner").fill("a-key-of-my-own")
        page.get_by_role("button", name="Open the console").click()
        expect(page.locator("#endpoints-title")).to_be_visible()
        page.reload()
        expect(page.locator("#endpoints-title")).to_be_visible()
        assert page.evaluate("localStorage.length") == 0
        assert "a-key-of-my-own" not in page.content()
        assert page.context.cookies() == []
        other = page.context.new_page()
        other.goto(f"{runpod.api}/console")
        expect(other.get_by_label("Key of the owner")).to_be_visible()


def test_a_server_that_comes_back_is_found_again(visit: Visit) -> None:
    """The page says that the connection is lost, tries again, and tells once that it is back."""
    with LocalRunPod() as runpod:
        page = visit(f"{runpod.api}/console")
        expect(page.locator("#connection-text")).to_have_text("Live")
        page.route("**/console/feed*", lambda route: route.abort())
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        expect(page.locator("#connection-text")).to_have_text("The local RunPod does not answer. Is it running?")
        page.unroute("**/console/feed*")
        expect(page.locator("#connection-text")).to_have_text("Live")
        expect(page.locator("#said")).to_have_text("Connected again")


def test_nothing_comes_from_another_host_and_nothing_is_left_behind(desk: Any, visit: Visit) -> None:
    """Every request of a whole visit goes to the server itself."""
    endpoint = desk.endpoint()
    desk.job(endpoint, image=8)
    page = visit("about:blank")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{desk.runpod.api}/console")
    expect(page.locator("#jobs img")).to_be_visible()
    hosts = {urlsplit(url).netloc for url in asked if not url.startswith("blob:")}
    assert hosts == {urlsplit(desk.runpod.api).netloc}


def test_one_endpoint_is_picked_and_the_rest_is_left_out(desk: Any, visit: Visit) -> None:
    """Jobs, workers and charts are those of the picked one."""
    mine, other = desk.endpoint(name="mine"), desk.endpoint(name="other")
    desk.job(mine, caption="mine")
    desk.job(other, caption="other")
    page = visit()
    expect(page.locator("#jobs tbody tr")).to_have_count(2)
    page.get_by_label("Below, show").select_option("mine")
    expect(page.locator("#jobs tbody tr")).to_have_count(1)
    expect(page.locator("#workers tbody tr")).to_have_count(1)
    expect(page.locator("#chart-latency")).to_contain_text("1 job ended")


def test_a_load_balancer_is_shown_as_one(desk: Any, visit: Visit, tmp_path: Path) -> None:
    """Its kind, its requests and its worker at work; where requests go; nothing offers to send a job."""
    scaling = {"type": "REQUEST_COUNT", "requestCount": 2}
    endpoint = desk.endpoint(
        name="pages",
        type="LOAD_BALANCER",
        image="registry.example.com/team/server:1",
        scaling=scaling,
        env={"HOLD_FILE": str(tmp_path / "hold")},
    )
    base = endpoint["requestUrls"]["base"]
    page = visit()
    row = page.locator("#endpoints tbody tr")
    expect(row).to_contain_text("Load balancer: a worker for every 2 requests")
    expect(page.locator("#workers")).to_contain_text("idle")
    assert desk.client.get(f"{base}/x").status_code == 200
    assert desk.client.get(f"{base}/x", params={"status": "500"}).status_code == 500

    expect(row).to_contain_text("1 answered, 1 failed")
    expect(page.locator("#figures")).to_contain_text("Requests waiting")
    expect(page.locator("#chart-latency")).to_contain_text("2 jobs ended")
    expect(page.locator("#jobs-command")).to_contain_text(f"curl {base}/")
    expect(page.locator("#send")).to_be_hidden()

    with desk.client.stream("GET", f"{base}/ticks", params={"count": 1}) as answer:
        parts = answer.iter_text()
        assert next(parts) == "data: 0\n\n"
        expect(row).to_contain_text("1 running")
        expect(page.locator("#workers")).to_contain_text("running")
