"""Settings for cost and advice: what a stack says of its traffic, its GPU memory and what it does not want to hear."""

from __future__ import annotations

import pytest

from stacks.loading import SettingsError, load
from stacks.service import service_args
from stacks.settings import ServiceSettings

IMAGE = "registry.example.com/team/sdxl-worker:v1"


def settings(**given: str) -> ServiceSettings:
    config = {"runpod-sdxl:image": IMAGE, **{f"runpod-sdxl:{key}": value for key, value in given.items()}}
    found = load(config, project="runpod-sdxl", stack="staging")
    assert isinstance(found, ServiceSettings)
    return found


def mistakes(**given: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        settings(**given)
    return caught.value.lines


def test_traffic_reaches_the_component() -> None:
    """Requests, seconds and target of the stack are the traffic of the service."""
    traffic = service_args(
        settings(requestsPerDay="500", secondsEach="4", latencyTargetSeconds="30", bursty="false")
    ).traffic
    assert traffic is not None
    assert (traffic.requests_per_day, traffic.seconds_each, traffic.latency_target_seconds) == (500, 4, 30)
    assert not traffic.bursty


def test_without_requests_there_is_no_traffic() -> None:
    """Nothing is assumed of a stack that says nothing."""
    assert service_args(settings()).traffic is None


def test_a_memory_need_chooses_the_pool_unless_the_stack_names_pools() -> None:
    """gpuVramGb alone leaves the choice to the catalog; with gpuPools the need is what they are checked against."""
    alone, both = (service_args(settings(gpuVramGb="12", **more)) for more in ({}, {"gpuPools": "AMPERE_24"}))
    assert (alone.gpu_pools, both.gpu_pools) == (None, ("AMPERE_24",))
    assert alone.gpu == both.gpu
    assert alone.gpu is not None


@pytest.mark.parametrize(
    "written", ["RP004=one user; RP008 = local image", '{"RP004": "one user", "RP008": "local image"}']
)
def test_silenced_advice_is_a_map(written: str) -> None:
    """As one line or as YAML, which Pulumi hands over as JSON."""
    assert settings(silencedAdvice=written).silenced_advice == {"RP004": "one user", "RP008": "local image"}


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (
            {"requestsPerDay": "-5", "secondsEach": "4"},
            (
                "requestsPerDay is '-5': must be a number from 0.001 to 1000000000. "
                "To mend it: pulumi config set requestsPerDay 500 --stack staging, "
                "or pulumi config rm requestsPerDay --stack staging"
            ),
        ),
        (
            {"requestsPerDay": "nan", "secondsEach": "4"},
            (
                "requestsPerDay is 'nan': must be a number from 0.001 to 1000000000. "
                "To mend it: pulumi config set requestsPerDay 500 --stack staging, "
                "or pulumi config rm requestsPerDay --stack staging"
            ),
        ),
        (
            {"activeHoursPerDay": "0"},
            (
                "activeHoursPerDay is '0': must be a number from 0.1 to 24. "
                "To mend it: pulumi config set activeHoursPerDay 24 --stack staging"
            ),
        ),
        (
            {"requestsPerDay": "500"},
            (
                "secondsEach is not set: requestsPerDay and secondsEach describe the traffic together. "
                "To mend it: pulumi config set secondsEach 4 --stack staging"
            ),
        ),
        (
            {"requestsPerDay": "500", "secondsEach": "4", "worstCaseSeconds": "3"},
            (
                "worstCaseSeconds is 3, below the average, secondsEach, 4. "
                "To mend it: pulumi config set worstCaseSeconds 8 --stack staging"
            ),
        ),
    ],
)
def test_a_bad_number_is_one_line_with_the_command_that_mends_it(given: dict[str, str], line: str) -> None:
    """Negative, NaN, zero, half a description, a worst case below the average."""
    assert mistakes(**given) == [line]
