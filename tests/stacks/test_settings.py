"""Settings of a stack: defaults per environment, and mistakes reported all at once."""

from __future__ import annotations

import pytest

from stacks.loading import SettingsError, load
from stacks.settings import PlatformSettings, ServiceSettings

PROJECT = "runpod-sdxl"
IMAGE = "registry.example.com/team/sdxl-worker:v1"


def settings(stack: str = "dev", **config: str) -> ServiceSettings:
    given = {f"{PROJECT}:{key}": value for key, value in {"image": IMAGE, **config}.items()}
    found = load(given, project=PROJECT, stack=stack)
    assert isinstance(found, ServiceSettings)
    return found


def mistakes(stack: str = "dev", **config: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        settings(stack, **config)
    return caught.value.lines


@pytest.mark.parametrize(
    ("stack", "workers_min", "protected", "gate"),
    [("dev", 0, False, "off"), ("staging", 0, False, "smoke"), ("prod", 1, True, "smoke")],
)
def test_each_environment_has_its_defaults(stack: str, workers_min: int, protected: bool, gate: str) -> None:
    """dev and staging cost nothing when idle; prod is warm, its volume protected. Staging and prod try releases."""
    found = settings(stack)

    assert (workers_min, protected, gate) == (found.workers_min, found.protect_volume, found.health_gate)
    assert (
        found.idle_timeout_seconds,
        found.execution_timeout_seconds,
        found.endpoint_timeout_seconds,
    ) == (60, 240, 300)


@pytest.mark.parametrize("written", ["ADA_24,AMPERE_24", '["ADA_24", "AMPERE_24"]', " ADA_24 , AMPERE_24 "])
def test_a_list_may_be_written_with_commas_or_as_json(written: str) -> None:
    """Pulumi hands a YAML list over as JSON text; a person types commas."""
    assert settings(gpuPools=written).gpu_pools == ("ADA_24", "AMPERE_24")


def test_numbers_and_flags_are_read_from_text() -> None:
    """Every value of a Pulumi configuration is text."""
    found = settings(workersMax="7", queueDelaySeconds="1.5", protectVolume="true")

    assert (found.workers_max, found.queue_delay_seconds, found.protect_volume) == (7, 1.5, True)


def test_every_mistake_is_reported_at_once() -> None:
    """Five wrong keys give five lines, and each line ends in the command that mends it."""
    lines = mistakes(workersMin="x", workerMax="3", gpuPools="[]", flashboot="on", queueDelaySeconds="0.1")

    assert len(lines) == 5
    assert all("pulumi config " in line and line.endswith("--stack dev") for line in lines)


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("workersMin", "-1", "must be a whole number from 0 to 1000"),
        ("workersMin", "1.5", "must be a whole number from 0 to 1000"),
        ("volumeSizeGb", "5", "must be a whole number from 10 to 4096"),
        ("idleTimeoutSeconds", "nan", "must be a whole number from 1 to 3600"),
        ("queueDelaySeconds", "nan", "must be a number from 0.5 to 3600"),
        ("scaler", "FAST", "must be 'QUEUE_DELAY' or 'REQUEST_COUNT'"),
        ("gpuPools", "", "must be a list of names, written A,B"),
        ("gpuPools", "[1", "must be a list of names, written A,B"),
        ("gpuPools", "[1]", "must be a list of names, written A,B"),
        ("healthGate", "on", "must be 'off', 'worker' or 'smoke'"),
        ("healthGateTimeoutSeconds", "5", "must be a whole number from 10 to 7200"),
        ("smokeInput", "a fox", "must be the input of a job, a JSON object"),
        ("protectVolume", "maybe", "must be true or false"),
        ("platformStack", "a b", "must be the name of a stack, such as platform"),
    ],
)
def test_a_wrong_value_is_reported_with_its_key_and_range(key: str, value: str, allowed: str) -> None:
    """The line names the key, the value and what is allowed."""
    (line,) = mistakes(**{key: value})

    assert line.startswith(f"{key} is {value!r}: ")
    assert allowed in line


def test_an_unknown_key_is_reported_with_the_known_ones() -> None:
    """A misspelt key would silently mean the default."""
    (line,) = mistakes(workerMax="3")

    assert line.startswith("workerMax is '3', but not a setting. Known: ")
    assert "To mend it: pulumi config set workersMax 3 --stack dev; pulumi config rm workerMax --stack dev" in line


def test_a_stack_of_another_name_must_say_which_environment_it_is() -> None:
    """Only dev, staging and prod have defaults of the same name."""
    (line,) = mistakes("team-a")

    assert "pulumi config set environment dev --stack team-a" in line
    assert settings("team-a", environment="prod").workers_min == 1


def test_contradictions_between_settings_are_reported() -> None:
    """More warm workers than workers, and a caller that gives up before the job does."""
    lines = mistakes(workersMin="9", executionTimeoutSeconds="300")

    assert [line.split()[0] for line in lines] == ["workersMin", "executionTimeoutSeconds"]


def test_keys_of_other_namespaces_are_not_ours() -> None:
    """The provider's own keys, and other packages', are left alone."""
    config = {"runpod:apiKey": "x", "aws:region": "y", f"{PROJECT}:image": IMAGE}

    assert load(config, project=PROJECT, stack="dev").environment == "dev"


def test_a_service_without_an_image_must_name_one() -> None:
    """dev and staging have nothing to promote from; prod takes what staging runs."""
    with pytest.raises(SettingsError) as caught:
        load({}, project=PROJECT, stack="dev")

    assert caught.value.lines[0].startswith("image is not set")
    prod = load({}, project=PROJECT, stack="prod")
    assert isinstance(prod, ServiceSettings)
    assert prod.promote_from == "staging"


def test_the_platform_takes_only_what_it_uses() -> None:
    """Workers are no business of a stack that has none."""
    assert load({}, project=PROJECT, stack="platform") == PlatformSettings(environment="platform")
    with pytest.raises(SettingsError, match="workersMax is '3', but not a setting"):
        load({f"{PROJECT}:workersMax": "3"}, project=PROJECT, stack="platform")


def test_a_pull_request_is_a_dev_environment() -> None:
    """Its stack is named by its number."""
    assert settings("pr-17").environment == "dev"


def test_a_stack_that_builds_its_image_must_say_where_it_goes() -> None:
    """Only the local RunPod pulls from this machine; a repository of one's own serves everywhere."""
    (line,) = mistakes(image="build")
    at_home = {f"{PROJECT}:image": "build", "runpod:apiBaseUrl": "http://127.0.0.1:8777"}

    assert "pulumi config set imageRepository registry.example.com/team/sdxl-worker --stack dev" in line
    assert load(at_home, project=PROJECT, stack="dev").environment == "dev"
    assert settings(image="build", imageRepository="registry.example.com/team/sdxl").image == "build"


def test_half_a_login_is_reported() -> None:
    """By the half that lacks; a password is never repeated."""
    with_password = mistakes(registryPassword="pass-4711")

    assert [line.split()[0] for line in with_password] == ["registryUsername"]
    assert "pass-4711" not in with_password[0]
    assert [line.split()[0] for line in mistakes(registryUsername="robot")] == ["registryPassword"]
