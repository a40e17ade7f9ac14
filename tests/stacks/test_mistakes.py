"""Mistakes in settings: all reported in one go, and each mended by the very command that it ends in."""

from __future__ import annotations

import re
import shlex

import pytest

from stacks.loading import DEFAULTS, SettingsError, load
from stacks.settings import PlatformSettings, ServiceSettings

PROJECT = "runpod-sdxl"
IMAGE = "registry.example.com/team/sdxl-worker:v1"
WRONG = {
    "environment": "production",
    "dataCenters": "[]",
    "volumeSizeGb": "5",
    "protectVolume": "maybe",
    "weightsFrom": "",
    "model": "../x",
    "platformStack": "a b",
    "image": "",
    "imageRepository": "Team/worker:1",
    "registryUsername": "",
    "registryPassword": "",
    "promoteFrom": "a/b/c/d",
    "allowUnpromotedImage": "perhaps",
    "gpuPools": "",
    "gpuVramGb": "0",
    "containerDiskGb": "0",
    "workersMin": "-1",
    "workersMax": "1001",
    "idleTimeoutSeconds": "0",
    "scaler": "FAST",
    "queueDelaySeconds": "0.1",
    "requestCount": "0",
    "flashboot": "on",
    "executionTimeoutSeconds": "1",
    "endpointTimeoutSeconds": "1",
    "healthGate": "on",
    "healthGateTimeoutSeconds": "5",
    "smokeInput": "[]",
    "requestsPerDay": "-5",
    "secondsEach": "nan",
    "bursty": "x",
    "activeHoursPerDay": "25",
    "latencyTargetSeconds": "0",
    "worstCaseSeconds": "0",
    "modelLoadSeconds": "0",
    "guard": "on",
    "silencedAdvice": "[1]",
}
"""A wrong value for every setting."""


def mistakes(config: dict[str, str], *, stack: str = "dev", secret: tuple[str, ...] = ()) -> list[str]:
    """What is reported about these settings; nothing when all are right."""
    keys = {f"{PROJECT}:{key}": value for key, value in config.items()}
    try:
        load(keys, project=PROJECT, stack=stack, secret_keys=[f"{PROJECT}:{key}" for key in secret])
    except SettingsError as error:
        return error.lines
    return []


def mended(config: dict[str, str], line: str) -> dict[str, str]:
    """The settings after the first way out that a line names was taken; its example replaces what a person writes."""
    after = dict(config)
    ways = re.sub(r", or pulumi config .*$", "", line).partition("To ")[2]
    for words in map(shlex.split, re.findall(r"pulumi config [^;]+", ways)):
        assert words[-2:] == ["--stack", "dev"]
        match words[2:-2]:
            case ["set", key, value] | ["set", "--secret", key, value]:
                after[key] = value
            case ["rm", key]:
                del after[key]
            case other:
                pytest.fail(f"no such command: {other}")
    return after


def test_there_is_a_wrong_value_for_every_setting() -> None:
    """A setting that is added is tried here, too."""
    keys = {field.alias for field in ServiceSettings.model_fields.values()}

    assert {field.alias for field in PlatformSettings.model_fields.values()} < keys
    assert set(WRONG) == keys


@pytest.mark.parametrize("key", WRONG)
def test_a_wrong_value_is_one_line_whose_command_mends_it(key: str) -> None:
    """The line names key, value and what is allowed; the command in it leaves nothing to tell."""
    pairs = {"requestsPerDay": "500", "secondsEach": "4", "registryUsername": "robot", "registryPassword": "secret"}
    config = {"image": IMAGE, **pairs, key: WRONG[key]}
    (line,) = mistakes(config)

    assert line.startswith(f"{key} is {WRONG[key]!r}: must ")
    assert re.search(rf"pulumi config set (--secret )?{key} ", line)
    assert mistakes(mended(config, line)) == []


def test_mistakes_of_all_settings_are_reported_in_one_go() -> None:
    """As many lines as wrong keys, in no more than one run."""
    lines = mistakes(WRONG)

    assert sorted(line.split()[0] for line in lines) == sorted(WRONG)


@pytest.mark.parametrize(
    ("config", "about"),
    [
        ({"workersMin": "9"}, "workersMin"),
        ({"executionTimeoutSeconds": "300"}, "executionTimeoutSeconds"),
        ({"executionTimeoutSeconds": "604800"}, "executionTimeoutSeconds"),
        ({"requestsPerDay": "500"}, "secondsEach"),
        ({"secondsEach": "4"}, "requestsPerDay"),
        ({"requestsPerDay": "5", "secondsEach": "604800", "worstCaseSeconds": "3"}, "worstCaseSeconds"),
        ({"registryUsername": "robot"}, "registryPassword"),
        ({"registryPassword": "secret"}, "registryUsername"),
        ({"image": "build"}, "image"),
        ({"healthGate": "worker"}, "healthGate"),
        ({"healthGate": "smoke", "workersMax": "0"}, "healthGate"),
        ({"healthGate": "worker", "workersMax": "0"}, "healthGate"),
        ({"workerMax": "3"}, "workerMax"),
        ({"zzzzzz": "3"}, "zzzzzz"),
    ],
)
def test_a_contradiction_is_one_line_whose_command_mends_it(config: dict[str, str], about: str) -> None:
    """Two settings that are right in themselves, a half description, a key that is none."""
    config = {"image": IMAGE, **config}
    (line,) = mistakes(config)

    assert line.startswith(f"{about} is ")
    assert mistakes(mended(config, line)) == []


def test_contradictions_are_reported_together_with_wrong_values() -> None:
    """A caller that mends one kind does not meet the other only then."""
    lines = mistakes({"workersMin": "9", "queueDelaySeconds": "0.1", "executionTimeoutSeconds": "300", "zzzzzz": "1"})

    assert [line.split()[0] for line in lines] == [
        "queueDelaySeconds",
        "zzzzzz",
        "image",
        "workersMin",
        "executionTimeoutSeconds",
    ]


def test_nothing_is_concluded_from_a_value_that_is_wrong() -> None:
    """A contradiction with a default that the person has not chosen would send them astray."""
    (line,) = mistakes({"image": IMAGE, "workersMin": "9", "workersMax": "many"})

    assert line.startswith("workersMax is 'many'")


def test_the_value_of_a_secret_is_not_repeated() -> None:
    """Neither where it is wrong nor in the command that mends a misspelt key."""
    result = mistakes({"image": IMAGE, "smokeInput": "tok-1", "smokInput": "tok-1"}, secret=("smokeInput", "smokInput"))

    assert len(result) == 2
    assert "tok-1" not in "".join(result)
    assert "smokeInput is a secret: must be" in result[0]


@pytest.mark.parametrize("environment", DEFAULTS)
def test_the_defaults_of_an_environment_contradict_nothing(environment: str) -> None:
    """With an image where there is none to promote, no mistake is left."""
    given = {} if environment == "platform" else {"image": IMAGE}

    assert mistakes(given, stack=environment) == []
