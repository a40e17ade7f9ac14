"""What is seen of a job while it runs: progress, and parts of its output."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conftest import Hand

# The clock is frozen in these tests: times are what `advance` says.


def test_progress_is_shown_while_the_job_runs(hand: Hand) -> None:
    """It comes by the URL of results, and is not one."""
    job_id = hand.run()
    hand.take()
    hand.done(job_id, {"status": "IN_PROGRESS", "output": {"step": 3}})
    status = hand.ask("status", job_id)
    assert (status["status"], status["output"]) == ("IN_PROGRESS", {"step": 3})
    hand.done(job_id, {"output": "end"})
    hand.done(job_id, {"status": "IN_PROGRESS", "output": "late"})
    assert hand.ask("status", job_id)["output"] == "end"


def test_a_stream_hands_out_each_part_once(hand: Hand) -> None:
    """Parts since the last call, then the rest together with the end."""
    job_id = hand.run()
    hand.take()
    hand.part(job_id, "a")
    hand.part(job_id, {"b": 1})
    assert hand.ask("stream", job_id) == {
        "id": job_id, "status": "IN_PROGRESS", "stream": [{"output": "a"}, {"output": {"b": 1}}],
    }  # fmt: skip
    hand.part(job_id, 3)
    hand.done(job_id, {"output": []}, stream=True)
    assert hand.ask("stream", job_id) == {"id": job_id, "status": "COMPLETED", "stream": [{"output": 3}]}
    assert hand.ask("stream", job_id)["stream"] == []


def test_a_stream_waits_for_the_next_part(hand: Hand) -> None:
    """Clients that ask without pause are held, not fed with nothing."""
    job_id = hand.run()
    hand.take()
    answers: list[dict[str, Any]] = []
    caller = threading.Thread(target=lambda: answers.append(hand.ask("stream", job_id, wait=90_000)))
    caller.start()
    time.sleep(0.05)
    assert not answers
    hand.part(job_id, "x")
    caller.join(10)
    assert answers[0]["stream"] == [{"output": "x"}]
    hand.done(job_id, {})


def test_a_large_part_is_split(hand: Hand) -> None:
    """No part is larger than 1 MB, and nothing is lost."""
    job_id = hand.run()
    hand.take()
    text = "é" * 900_000
    hand.part(job_id, text)
    parts = [p["output"] for p in hand.ask("stream", job_id)["stream"]]
    assert "".join(parts) == text
    assert max(len(p.encode()) for p in parts) <= 1024 * 1024
    hand.done(job_id, {})
