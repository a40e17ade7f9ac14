"""The texts of errors: what was tried, what came back, what to do, and nothing secret."""

from __future__ import annotations

import json

import pytest

from pulumi_runpod import errors
from pulumi_runpod.errors import (
    AmbiguousCreate,
    ApiError,
    ConnectionFailed,
    Failure,
    Invalid,
    InvalidInput,
    JobFailed,
    JobNotFinished,
    ObjectsVanished,
    RateLimited,
    RunPodError,
    Unauthorized,
    error_class,
    reasons_of,
    worker_error,
)
from pulumi_runpod.wire.model import Problem


def test_an_api_error_reads_as_tried_then_came_back() -> None:
    """Method, path, status and title, then the service's own reasons."""
    problem = Problem(title="Unprocessable Entity", errors=["$.scaling.queueDelay: must be at least 0.5"])

    assert str(Invalid(422, "POST", "/v2/serverless", problem)) == (
        "POST /v2/serverless -> 422 Unprocessable Entity: scaling.queueDelay: must be at least 0.5"
    )


def test_while_a_property_is_missing_only_that_is_shown() -> None:
    """One missing property makes the validator call the valid ones "not allowed": those lines are false."""
    problem = Problem(
        detail="validation failed",
        errors=[
            "$: additional properties 'name', 'size' not allowed",
            "$: missing property 'dataCenter'",
            "$.gpu: missing properties 'pools'",
        ],
    )

    assert reasons_of(problem) == ["missing property 'dataCenter'", "gpu: missing properties 'pools'"]


def test_without_schema_failures_the_detail_is_shown() -> None:
    """A rule of the service comes as `detail` alone."""
    assert reasons_of(Problem(detail="volume cannot shrink")) == ["volume cannot shrink"]


def test_a_wall_of_reasons_is_cut_and_says_so() -> None:
    """Eight reasons are shown, and how many there are beyond."""
    assert reasons_of(Problem(errors=[f"$.a{n}: wrong" for n in range(20)]))[-1] == "and 12 more"


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "Invalid"),
        (401, "Unauthorized"),
        (403, "Forbidden"),
        (404, "NotFound"),
        (405, "ApiError"),
        (409, "Conflict"),
        (418, "ApiError"),
        (422, "Invalid"),
        (500, "ServerError"),
        (504, "ServerError"),
        (524, "ServerError"),
    ],
)
def test_every_status_has_its_class(status: int, name: str) -> None:
    """A status leads to one class, and to the general one where there is no other."""
    assert error_class(status).__name__ == name


def test_a_status_without_a_phrase_is_no_error_of_ours() -> None:
    """Proxies invent statuses (524); the text has the number alone then."""
    assert str(ApiError(524, "GET", "/v2/x", Problem())) == "GET /v2/x -> 524"


def test_a_refused_key_says_where_it_is_set() -> None:
    """401 names both ways to set a key."""
    text = str(Unauthorized(401, "GET", "/v2/templates", Problem(detail="missing bearer token")))

    assert "runpod:apiKey" in text
    assert "RUNPOD_API_KEY" in text


def test_a_used_up_quota_says_when_to_come_back() -> None:
    """429 after all waiting tells the seconds."""
    assert "in 1800 s" in str(RateLimited("POST", "/v2/templates", Problem(), retry_after=1800))


def test_an_ambiguous_create_says_how_to_look() -> None:
    """The name is in it, and the command that finds the object."""
    text = str(AmbiguousCreate("POST", "/v2/serverless", "no answer in time", kind="endpoint", name="sdxl-1f2e"))

    assert "'sdxl-1f2e' may or may not have been created" in text
    assert "pulumi-runpod recover" in text


def test_an_unreachable_service_says_what_to_check() -> None:
    """A connection that never opened points at the base URL, one that fell silent does not."""
    assert "RUNPOD_API_BASE_URL" in str(ConnectionFailed("GET", "http://127.0.0.1:1/v2", "cannot connect"))
    assert "RUNPOD_API_BASE_URL" not in str(ConnectionFailed("GET", "http://h/v2", "no answer in time", sent=True))


def test_vanished_objects_ask_for_the_account() -> None:
    """The text asks about the key, and names the way out if everything was deleted."""
    text = str(ObjectsVanished(["/v2/serverless"], [f"ep{n}" for n in range(9)]))

    assert "another account?" in text
    assert "ep4, ..." in text
    assert "RUNPOD_ACCEPT_VANISHED=1" in text


def test_a_single_vanished_object_says_why_it_is_not_believed() -> None:
    """It was seen with another key."""
    text = str(ObjectsVanished(["/v2/templates"], ["t1"]))

    assert "t1 does not exist, and was last seen with another key" in text
    assert "If it was really deleted" in text


def test_invalid_input_lists_every_failure_with_its_path() -> None:
    """All at once, each with its property path; a failure of the whole has none."""
    error = InvalidInput("endpoint 'a'", [Failure("gpu.pools[0]", "is empty"), Failure("", "give gpu or cpu")])

    assert str(error) == "endpoint 'a' is not valid: gpu.pools[0]: is empty; give gpu or cpu"
    assert [f.path for f in error.failures] == ["gpu.pools[0]", ""]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (None, "the worker gave no reason"),
        ("", "the worker gave no reason"),
        ("job timed out after 1 retries", "job timed out after 1 retries"),
        (
            json.dumps({"error_type": "<class 'ValueError'>", "error_message": "bad", "error_traceback": "Traceback"}),
            "ValueError: bad",
        ),
        (
            json.dumps(
                {"code": "INVALID_INPUT", "message": "no", "details": [{"field": "width", "problem": "is 7"}, "x"]}
            ),
            "INVALID_INPUT: no (width is 7)",
        ),
        ('{"other": 1}', '{"other": 1}'),
        ("[1, 2]", "[1, 2]"),
        ('Traceback (most recent call last):\n  File "x"\nKeyError: 1\n', "KeyError: 1"),
    ],
)
def test_a_workers_error_becomes_one_line(text: str | None, shown: str) -> None:
    """The SDK's and a handler's JSON are read; tracebacks are left out; anything else is shown as it came."""
    assert worker_error(text) == shown


def test_a_failed_job_keeps_the_workers_whole_text() -> None:
    """The message is one line, and `error` has all of it for a traceback."""
    error = JobFailed("j1", "Traceback\nValueError: bad")

    assert str(error) == "job j1 -> FAILED: ValueError: bad"
    assert error.error == "Traceback\nValueError: bad"


def test_a_job_that_we_stopped_waiting_for_is_said_to_go_on() -> None:
    """It is billed while it runs, so the text names how to stop it."""
    assert "job cancel" in str(JobNotFinished("j1", 600, "IN_PROGRESS"))


def test_the_tree_at_the_top_of_the_module_names_every_class() -> None:
    """The drawing and the code hold the same classes."""
    classes = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, RunPodError) and value.__module__ == errors.__name__
    }

    assert {name for name in classes if name not in (errors.__doc__ or "")} == set()
