"""A local RunPod with a worker that makes pictures, and a real browser to look at it: the system's Chromium."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from pulumi_runpod.emulator.console.feed import Feed
from pulumi_runpod.emulator.console.routes import Console
from pulumi_runpod.emulator.job_plane.load_balancer.routes import ByHost
from pulumi_runpod.emulator.local import LocalRunPod
from tests.browser import browser as browser
from tests.browser import chromium as chromium
from tests.browser import playwright as playwright

Json = dict[str, Any]
WORKER = f"{sys.executable} -I -S {Path(__file__).with_name('picture_worker.py')}"
SERVER = f"{sys.executable} {Path(__file__).parents[1] / 'job_plane' / 'load_balancer' / 'http_worker.py'}"
IMAGE = "registry.example.com/team/pictures:1"


class Desk:
    """The account's owner beside the page: what is done here is to be seen there."""

    def __init__(self, runpod: LocalRunPod) -> None:
        self.runpod = runpod
        headers = {"Authorization": f"Bearer {runpod.api_key}"}
        self.client = httpx.Client(base_url=runpod.api, headers=headers, timeout=30)

    def endpoint(self, **changes: object) -> Json:
        body = {
            "name": "pictures", "type": "QUEUE", "image": IMAGE, "gpu": {"pools": ["ADA_24"]}, "timeout": 60_000,
            "scaling": {"type": "QUEUE_DELAY", "queueDelay": 1}, "workers": {"min": 1, "max": 1, "idleTimeout": 60},
            **changes,
        }  # fmt: skip
        answer = self.client.post("/v2/serverless", json=body)
        assert answer.status_code == 201, answer.text
        made: Json = answer.json()
        return made

    def job(self, endpoint: Json, **result: object) -> Json:
        """Run a job to its end."""
        answer = self.client.post(endpoint["requestUrls"]["runSync"], json={"input": result})
        assert answer.status_code == 200, answer.text
        job: Json = answer.json()
        return job

    @property
    def feed(self) -> Feed:
        outermost = self.runpod._server.config.app
        assert isinstance(outermost, ByHost)
        console = outermost.app
        assert isinstance(console, Console)
        assert console.feed is not None
        return console.feed


@pytest.fixture(scope="module")
def shared_desk() -> Iterator[Desk]:
    with LocalRunPod(workers={"*/pictures:*": WORKER, "*/server:*": SERVER}) as runpod:
        desk = Desk(runpod)
        with desk.client:
            yield desk


@pytest.fixture
def desk(shared_desk: Desk) -> Desk:
    """An empty account."""
    shared_desk.runpod.reset()
    shared_desk.runpod.call(lambda p: p.clock.resume())
    shared_desk.runpod.forget_calls()
    return shared_desk


def eventually(result: Callable[[], Any], seconds: float = 60.0) -> Any:
    """The first true answer. Raises AssertionError when none comes in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := result():
            return answer
        time.sleep(0.02)
    raise AssertionError("it did not come to pass in time")


class Stream:
    """The feed, read by hand."""

    def __init__(self, desk: Desk, **query: str) -> None:
        headers = {"Authorization": f"Bearer {desk.runpod.api_key}"}
        self._open = httpx.stream("GET", f"{desk.runpod.api}/console/feed", params=query, headers=headers, timeout=60)

    def __enter__(self) -> Stream:
        self.answer = self._open.__enter__()
        self._lines = self.answer.iter_lines()
        return self

    def __exit__(self, *raised: Any) -> None:
        self._open.__exit__(*raised)

    def next(self) -> Json:
        """The sections of the next event."""
        for line in self._lines:
            if line.startswith("data: "):
                sections: Json = json.loads(line[6:])
                return sections
        raise EOFError("the feed has ended")

    def until(self, section: str, holds: Callable[[Any], bool]) -> Any:
        """The first value of a section for which `holds` is true."""
        while True:
            value = self.next().get(section)
            if value is not None and holds(value):
                return value


@pytest.fixture
def listen(desk: Desk) -> Callable[..., Stream]:
    return lambda **query: Stream(desk, **query)


# The browser.


Visit = Callable[..., Page]


@pytest.fixture
def visit(browser: Browser, desk: Desk) -> Iterator[Visit]:
    """Opens the page in a fresh context (options as Playwright's); fails for any error that the page meets."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def open_page(url: str = "", **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        context.set_default_timeout(60_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda m: problems.append(m.text) if "Content Security Policy" in m.text else None)
        page.goto(url or f"{desk.runpod.api}/console")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []
