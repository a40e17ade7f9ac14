"""What open consoles cost: jobs per second without one, with three streams, with three pages in Chromium.

Run with `python tests/bench/console.py [JOBS] [ROUNDS]` (default 4000 and 5). The three are measured in turn, so that
a busy machine hits all alike; Chromium shares the machine's cores with the server. Wanted: less than 10 % below none.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from job_plane import CLIENTS, Caller, endpoint, serving
from playwright.sync_api import Browser, sync_playwright

PAGES = 3
WORKERS = 8


def jobs_per_second(api: str, endpoint_id: str, jobs: int) -> float:
    health = f"/v2/{endpoint_id}/health"
    ask = Caller(api)
    wanted = ask("GET", health)["jobs"]["completed"] + jobs // CLIENTS * CLIENTS  # type: ignore[index]

    def submit() -> None:
        call = Caller(api)
        for number in range(jobs // CLIENTS):
            call("POST", f"/v2/{endpoint_id}/run", {"input": {"n": number}})

    began = time.perf_counter()
    clients = [threading.Thread(target=submit) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    while ask("GET", health)["jobs"]["completed"] < wanted:  # type: ignore[index]
        time.sleep(0.02)
    for client in clients:
        client.join()
    return jobs / (time.perf_counter() - began)


@contextmanager
def streams(api: str) -> Iterator[None]:
    done = threading.Event()

    def read() -> None:
        with httpx.stream("GET", f"{api}/console/feed", headers={"Authorization": "Bearer local"}) as answer:
            for _ in answer.iter_raw():
                if done.is_set():
                    return

    readers = [threading.Thread(target=read) for _ in range(PAGES)]
    for reader in readers:
        reader.start()
    yield
    done.set()
    for reader in readers:
        reader.join()


@contextmanager
def pages(browser: Browser, api: str) -> Iterator[None]:
    contexts = [browser.new_context(viewport={"width": 1280, "height": 900}) for _ in range(PAGES)]
    for context in contexts:
        page = context.new_page()
        page.goto(f"{api}/console")
        page.wait_for_selector("#figures strong")
    yield
    for context in contexts:
        context.close()


def main() -> None:
    jobs, rounds = (int(result) for result in (sys.argv[1:] + ["4000", "5"][len(sys.argv) - 1 :]))
    found: dict[str, list[float]] = {"no page": [], "three streams": [], "three pages": []}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        deliveries = Path(folder, "deliveries")
        deliveries.mkdir()
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        with serving(Path(folder)) as (_, api):
            endpoint_id = endpoint(Caller(api), workers=WORKERS, deliveries=deliveries)
            jobs_per_second(api, endpoint_id, jobs)
            for _ in range(rounds):
                found["no page"].append(jobs_per_second(api, endpoint_id, jobs))
                with streams(api):
                    found["three streams"].append(jobs_per_second(api, endpoint_id, jobs))
                with pages(browser, api):
                    found["three pages"].append(jobs_per_second(api, endpoint_id, jobs))
        browser.close()
    alone = statistics.median(found["no page"])
    for name, rates in found.items():
        median = statistics.median(rates)
        print(
            f"{name}: {median:.0f} jobs/s ({min(rates):.0f} to {max(rates):.0f}), {100 * (median / alone - 1):+.1f} %"
        )


if __name__ == "__main__":
    main()
