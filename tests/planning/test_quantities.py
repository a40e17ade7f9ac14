"""Bad numbers, one clear line each."""

from __future__ import annotations

import pytest

from pulumi_runpod.planning.gpu_need import GpuNeed
from pulumi_runpod.planning.prices import Prices
from pulumi_runpod.planning.quantities import Given, PlanningError
from pulumi_runpod.planning.service import ServicePlan, VolumePlan
from pulumi_runpod.planning.traffic import Traffic

NAN, INFINITE = float("nan"), float("inf")


def lines(model: type[Given], **given: object) -> list[str]:
    with pytest.raises(PlanningError) as caught:
        model(**given)
    return str(caught.value).splitlines()


@pytest.mark.parametrize("bad", [-5, 0, NAN, INFINITE, -INFINITE, 1e12, "many"])
def test_an_impossible_number_of_requests_is_one_line(bad: object) -> None:
    """Negative, zero, NaN, infinite, absurd and not a number: the line names field, value and range."""
    (line,) = lines(Traffic, requests_per_day=bad, seconds_each=4)
    shown = repr(bad) if isinstance(bad, str) else str(bad)
    assert line == f"requests_per_day is {shown}: must be a number above 0 and at most 1,000,000,000"


def test_every_bad_number_gets_its_line() -> None:
    """Two mistakes are two lines, reported at once."""
    found = lines(Traffic, requests_per_day=-1, seconds_each=NAN, active_hours_per_day=25)
    assert found == [
        "requests_per_day is -1: must be a number above 0 and at most 1,000,000,000",
        "seconds_each is nan: must be a number above 0 and at most 604,800",
        "active_hours_per_day is 25: must be a number above 0 and at most 24",
    ]


@pytest.mark.parametrize(
    ("model", "given", "line"),
    [
        (GpuNeed, {"vram_gb": -1}, "vram_gb is -1: must be a number above 0 and at most 10,000"),
        (GpuNeed, {"vram_gb": NAN}, "vram_gb is nan: must be a number above 0 and at most 10,000"),
        (GpuNeed, {}, "vram_gb: give either vram_gb or weights_gb"),
        (GpuNeed, {"vram_gb": 12, "weights_gb": 7}, "vram_gb is 12: give either vram_gb or weights_gb"),
        (Prices, {"serverless_per_hour": 0}, "serverless_per_hour is 0: must be a number above 0 and at most 10,000"),
        (VolumePlan, {"size_gb": 0}, "size_gb is 0: must be a whole number from 1 to 100,000"),
        (VolumePlan, {"size_gb": 10.5}, "size_gb is 10.5: must be a whole number from 1 to 100,000"),
        (
            ServicePlan,
            {"gpu_pools": ("A",), "workers_min": 4, "workers_max": 3},
            "workers_min is 4: must be at most workers_max, which is 3",
        ),
        (
            Traffic,
            {"requests_per_day": 1, "seconds_each": 4, "worst_case_seconds": 3},
            "worst_case_seconds is 3: must be at least the average, seconds_each, which is 4",
        ),
        (Traffic, {"requests_per_day": 1}, "seconds_each: must be given"),
    ],
)
def test_a_bad_value_names_what_is_allowed(model: type[Given], given: dict[str, object], line: str) -> None:
    """Every model of the room words its errors the same way."""
    assert lines(model, **given) == [line]


def test_an_unknown_name_lists_the_known_ones() -> None:
    """A misspelt value is reported with the names there are."""
    (line,) = lines(Traffic, requests_per_day=1, seconds_each=1, request_seconds=2)
    assert line.startswith("request_seconds: there is no such value here; known are requests_per_day, seconds_each")


def test_camel_case_and_snake_case_say_the_same() -> None:
    """JSON and Python name the same fields, each in its own spelling."""
    assert Traffic.model_validate({"requestsPerDay": 5, "secondsEach": 2}) == Traffic(
        requests_per_day=5, seconds_each=2
    )


def test_mistakes_of_nested_values_are_reported_together() -> None:
    """A plan names the bad values of its traffic, its volumes and its own, at once and with their place."""
    found = lines(
        ServicePlan,
        gpu_pools=("A",),
        workers_max=1.5,
        traffic={"requests_per_day": -1, "secondsEach": 0},
        volumes=[{"size_gb": 20}, {"sizeGb": 0}],
    )
    assert found == [
        "volumes.1.size_gb is 0: must be a whole number from 1 to 100,000",
        "workers_max is 1.5: must be a whole number from 0 to 1,000",
        "traffic.requests_per_day is -1: must be a number above 0 and at most 1,000,000,000",
        "traffic.seconds_each is 0: must be a number above 0 and at most 604,800",
    ]


def test_a_contradiction_of_a_nested_value_has_its_place() -> None:
    """A contradiction between two values of the traffic is reported under the traffic."""
    traffic = {"requests_per_day": 1, "seconds_each": 4, "worst_case_seconds": 3}
    (line,) = lines(ServicePlan, gpu_pools=("A",), traffic=traffic)
    assert line.startswith("traffic.worst_case_seconds is 3: must be at least the average")


def test_numbers_given_as_text_are_shown_as_numbers() -> None:
    """A command line hands over text: `nan` is reported as it was typed, a word in quotes."""
    assert lines(Traffic, requests_per_day="nan", seconds_each="soon") == [
        "requests_per_day is nan: must be a number above 0 and at most 1,000,000,000",
        "seconds_each is 'soon': must be a number above 0 and at most 604,800",
    ]
