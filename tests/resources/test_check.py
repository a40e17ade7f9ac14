"""Inputs are judged before any call: all mistakes at once, at their paths, with unknown values passed over."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pulumi_runpod.resources.kinds import (
    ecr_delegation,
    endpoint,
    network_volume,
    registry_credential,
    secret,
    template,
)
from pulumi_runpod.resources.lifecycle import Lifecycle
from pulumi_runpod.resources.outcome import Differences
from pulumi_runpod.resources.tokens import KINDS, lifecycle_of_kind
from pulumi_runpod.resources.unchanged import DECLARED, replaces_nothing, unchanged_inputs
from pulumi_runpod.resources.values import UNKNOWN
from pulumi_runpod.wire.model import JsonObject

IMAGE = "registry.example.com/team/worker:1"
ENDPOINT: JsonObject = {
    "name": "web",
    "type": "QUEUE",
    "scaling": {"type": "QUEUE_DELAY", "queue_delay": 4.0},
    "gpu": {"pools": ["ADA_24"]},
    "image": IMAGE,
}
VOLUME: JsonObject = {"name": "weights", "size": 10.0, "data_center": "EU-RO-1"}
TEMPLATE: JsonObject = {"name": "worker", "image": IMAGE}
CREDENTIAL: JsonObject = {"name": "registry", "username": "robot", "password": "pa55word"}
SECRET: JsonObject = {"name": "hf_token", "value": "hf_1234"}


def failures(lifecycle: Lifecycle, news: JsonObject, olds: JsonObject | None = None) -> dict[str, str]:
    return {failure.path: failure.reason for failure in lifecycle.check(olds or {}, news).failures}


@pytest.mark.parametrize(
    ("lifecycle", "program", "change", "path", "reason"),
    [
        (network_volume.LIFECYCLE, VOLUME, {"size": 5.0}, "size", "must be at least 10 GB, got 5"),
        (network_volume.LIFECYCLE, VOLUME, {"size": 4097.0}, "size", "must be at most 4096 GB, got 4097"),
        (network_volume.LIFECYCLE, VOLUME, {"size": 10.5}, "size", "must be a whole number, got 10.5"),
        (network_volume.LIFECYCLE, VOLUME, {"size": "10"}, "size", "must be a whole number, got '10'"),
        (network_volume.LIFECYCLE, VOLUME, {"size": None}, "size", "is required"),
        (network_volume.LIFECYCLE, VOLUME, {"name": ""}, "name", "must not be empty"),
        (network_volume.LIFECYCLE, VOLUME, {"sise": 1.0}, "sise", "is no such field: did you mean size (in GB)?"),
        (
            network_volume.LIFECYCLE,
            VOLUME,
            {"type": "FAST"},
            "type",
            "must be 'STANDARD' or 'HIGH_PERFORMANCE', got 'FAST'",
        ),
        (template.LIFECYCLE, TEMPLATE, {"image": ""}, "image", "must not be empty"),
        (registry_credential.LIFECYCLE, CREDENTIAL, {"password": "p" * 16_385}, "password", "at most 16384 characters"),
        (registry_credential.LIFECYCLE, CREDENTIAL, {"name": "n" * 192}, "name", "at most 191 characters, and has 192"),
        (ecr_delegation.LIFECYCLE, {}, {"resource": "arn:aws:s3:::bucket"}, "resource", "the ARN of an ECR repository"),
        (secret.LIFECYCLE, SECRET, {"name": "RunPod_token"}, "name", "must not start with RUNPOD"),
        (secret.LIFECYCLE, SECRET, {"name": "1st"}, "name", "does not match the pattern"),
        (secret.LIFECYCLE, SECRET, {"description": "é" * 40_000}, "description", "at most 65535 bytes"),
        (template.LIFECYCLE, TEMPLATE, {"disk": 0.0}, "disk", "must be at least 1 GB, got 0"),
        (template.LIFECYCLE, TEMPLATE, {"public": "yes"}, "public", "must be true or false, got 'yes'"),
        (
            template.LIFECYCLE,
            TEMPLATE,
            {"mounts": {"persistent": {"size": 5.0, "path": "/data"}}},
            "mounts.persistent.size",
            "must be at least 10 GB, got 5",
        ),
        (endpoint.LIFECYCLE, ENDPOINT, {"workers": {"idle_timeout": 3601.0}}, "workers.idle_timeout", "3600 s"),
        (endpoint.LIFECYCLE, ENDPOINT, {"workers": {"min": 2.0, "max": 1.0}}, "workers.max", "workers.min (2), got 1"),
        (endpoint.LIFECYCLE, ENDPOINT, {"timeout": 300.0}, "timeout", "is in milliseconds"),
        (endpoint.LIFECYCLE, ENDPOINT, {"scaling": {"type": "DELAY"}}, "scaling.type", "'QUEUE_DELAY' or"),
        (endpoint.LIFECYCLE, ENDPOINT, {"scaling": {}}, "scaling.type", "is required"),
        (
            endpoint.LIFECYCLE,
            ENDPOINT,
            {"scaling": {"type": "QUEUE_DELAY", "queue_delay": 0.1}},
            "scaling.queue_delay",
            "must be at least 0.5 s, got 0.1",
        ),
        (endpoint.LIFECYCLE, ENDPOINT, {"flashboot": True}, "flashboot", "must be 'OFF', 'FLASHBOOT' or"),
        (endpoint.LIFECYCLE, ENDPOINT, {"gpu": None}, "gpu", "is required (or cpu)"),
        (endpoint.LIFECYCLE, ENDPOINT, {"cpu": [{"id": "cpu3c", "vcpu_count": 2.0}]}, "cpu", "excludes gpu"),
        (endpoint.LIFECYCLE, ENDPOINT, {"image": None}, "image", "is required (or template"),
        (
            endpoint.LIFECYCLE,
            ENDPOINT,
            {"scaling": {"type": "REQUEST_COUNT", "request_count": 1.0}, "workers": {"idle_timeout": 5.0}},
            "workers.idle_timeout",
            "leave it out",
        ),
        (
            endpoint.LIFECYCLE,
            ENDPOINT,
            {"gpu": {"pools": ["ADA_24"], "min_cuda_version": "12.4", "allowed_cuda_versions": ["12.8"]}},
            "gpu.min_cuda_version",
            "excludes gpu.allowed_cuda_versions",
        ),
        (endpoint.LIFECYCLE, ENDPOINT, {"args": "a", "cmd": ["b"]}, "args", "another command"),
        (endpoint.LIFECYCLE, ENDPOINT, {"ports": ["80"]}, "ports[0]", "is not a port"),
        (endpoint.LIFECYCLE, ENDPOINT, {"gpu": {"pools": []}}, "gpu.pools", "must have at least one item"),
    ],
)
def test_a_mistake_is_named_at_its_path(
    lifecycle: Lifecycle, program: JsonObject, change: JsonObject, path: str, reason: str
) -> None:
    """One failure, where it is, with the bound and the unit."""
    found = failures(lifecycle, {**program, **change})

    assert list(found) == [path]
    assert reason in found[path]


def test_values_of_secret_fields_are_never_shown() -> None:
    """The environment may hold a token of the wrong type."""
    found = failures(template.LIFECYCLE, {**TEMPLATE, "env": {"TOKEN": 31337.0, "LIST": ["s3cret"]}})

    assert set(found) == {"env.TOKEN", "env.LIST"}
    assert not any("31337" in reason or "s3cret" in reason for reason in found.values())


@pytest.mark.parametrize(
    "change",
    [
        {"image": UNKNOWN},
        {"name": UNKNOWN},
        {"type": UNKNOWN},
        {"scaling": UNKNOWN},
        {"scaling": {"type": UNKNOWN, "queue_delay": 4.0}},
        {"scaling": {"type": "QUEUE_DELAY", "queue_delay": UNKNOWN}},
        {"gpu": UNKNOWN},
        {"gpu": {"pools": UNKNOWN}},
        {"gpu": {"pools": [UNKNOWN], "count": UNKNOWN, "min_cuda_version": UNKNOWN}},
        {"workers": UNKNOWN},
        {"workers": {"min": UNKNOWN, "max": 3.0}},
        {"network_volumes": [UNKNOWN, UNKNOWN]},
        {"env": {"A": UNKNOWN}},
        {"env": UNKNOWN},
        {"timeout": UNKNOWN},
        {"ports": [UNKNOWN, "80/http"]},
        {"args": UNKNOWN, "cmd": ["a"]},
    ],
    ids=str,
)
def test_what_a_preview_cannot_know_is_no_mistake_and_stays(change: JsonObject) -> None:
    """Unknown values are passed through to the engine at the place where they stood."""
    checked = endpoint.LIFECYCLE.check({}, {**ENDPOINT, **change})

    assert checked.failures == []
    for key, value in change.items():
        kept = checked.inputs[key]
        assert kept is value if value is UNKNOWN else all(str(leaf) in str(kept) for leaf in [value] if leaf is UNKNOWN)


def test_known_mistakes_are_reported_beside_unknown_values() -> None:
    """An unknown image must not hide a wrong size of something else."""
    found = failures(endpoint.LIFECYCLE, {**ENDPOINT, "image": UNKNOWN, "disk": 0.0, "gpu": {"pools": [UNKNOWN, ""]}})

    assert list(found) == ["disk"]


def test_shrinking_or_moving_a_volume_is_refused_unless_its_data_may_go() -> None:
    """The message names the way out; with it, there is none."""
    olds = {**VOLUME, "size": 100}
    moved = {**VOLUME, "data_center": "EU-CZ-1"}

    assert list(failures(network_volume.LIFECYCLE, VOLUME, olds)) == ["size"]
    assert list(failures(network_volume.LIFECYCLE, moved, olds)) == ["size", "data_center"]
    assert "allow_data_loss=True" in failures(network_volume.LIFECYCLE, VOLUME, olds)["size"]
    assert failures(network_volume.LIFECYCLE, {**VOLUME, "allow_data_loss": True}, olds) == {}


PLAIN = (
    *(
        "timeout",
        "flashboot",
        "data_center_ids",
        "network_volumes",
        "template_id",
        "image",
        "args",
        "entrypoint",
        "cmd",
    ),
    *("disk", "registry", "size", "data_center", "mounts", "other"),
    *("username", "password", "resource", "value", "description"),
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(),
    st.integers(-5, 5000).map(float),
    st.text(max_size=8),
    st.just(UNKNOWN),
    st.sampled_from(["QUEUE", "LOAD_BALANCER", "QUEUE_DELAY", "REQUEST_COUNT", "12.8", "", "OFF", "ADA_24"]),
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
scaling = st.fixed_dictionaries({"type": scalars}, optional={"queue_delay": scalars, "request_count": scalars})
gpu = st.fixed_dictionaries(
    {},
    optional={
        "pools": st.lists(scalars, max_size=3) | scalars,
        "excluded_types": st.lists(scalars, max_size=3),
        "count": scalars,
        "allowed_cuda_versions": st.lists(scalars, max_size=2),
        "min_cuda_version": scalars,
    },
)
programs = st.fixed_dictionaries(
    {},
    optional={
        "name": scalars,
        "auto_name": st.text(max_size=5),
        "adopt_id": scalars,
        "type": scalars,
        "scaling": scaling | anything,
        "gpu": gpu | anything,
        "cpu": st.lists(st.fixed_dictionaries({}, optional={"id": scalars, "vcpu_count": scalars})) | anything,
        "workers": st.fixed_dictionaries({}, optional={"min": scalars, "max": scalars, "idle_timeout": scalars})
        | anything,
        "env": st.dictionaries(st.text(max_size=3), scalars, max_size=2) | anything,
        "ports": st.lists(scalars, max_size=2) | anything,
        **dict.fromkeys(PLAIN, anything),
    },
)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(news=programs, olds=programs)
def test_whatever_comes_in_is_judged_without_an_exception(news: dict[str, Any], olds: dict[str, Any]) -> None:
    """And what passes is what the service's own models take: check and the referee agree."""
    for lifecycle in map(lifecycle_of_kind, KINDS.values()):
        checked = lifecycle.check(olds, news)
        assert all(failure.reason for failure in checked.failures)
        if not checked.failures and UNKNOWN not in list(_leaves(checked.inputs)) and "name" in checked.inputs:
            body = lifecycle.create_body(checked.inputs)
            parsed = lifecycle.collection.create.model_validate(body, by_alias=False, by_name=True)
            assert parsed.violations() == []
            assert not any(isinstance(leaf, float) and math.isnan(leaf) for leaf in _leaves(body))


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(first=programs, then=programs)
def test_what_is_passed_without_models_is_what_check_and_diff_would_say(
    first: dict[str, Any], then: dict[str, Any]
) -> None:
    """Whatever is declared first and then: where the short way has an answer, the long one has the same."""
    kinds = {"endpoint": endpoint.LIFECYCLE, "template": template.LIFECYCLE, "network_volume": network_volume.LIFECYCLE}
    for kind, lifecycle in kinds.items():
        olds = lifecycle.check({}, first)
        outs = {**olds.inputs, DECLARED: sorted(olds.inputs)}
        for news in (first, then, {**first, **then}):
            short = unchanged_inputs(kind, olds.inputs, news)
            long = lifecycle.check(olds.inputs, news)
            assert short is None or short == long.inputs
            assert short is None or olds.failures or not long.failures
            if not olds.failures and replaces_nothing("id", outs, long.inputs):
                assert lifecycle.diff("id", outs, long.inputs) == Differences()
        if not olds.failures and UNKNOWN not in _leaves(olds.inputs):
            assert unchanged_inputs(kind, olds.inputs, first) == olds.inputs


def test_a_value_of_another_type_is_a_change() -> None:
    """True is no 1: a model would refuse it, and so it must see it."""
    program = {**ENDPOINT, "workers": {"min": 1.0, "max": 1.0}}
    inputs = endpoint.LIFECYCLE.check({}, program).inputs

    assert unchanged_inputs("endpoint", inputs, program) == inputs
    assert unchanged_inputs("endpoint", inputs, {**program, "workers": {"min": True, "max": 1.0}}) is None


def test_what_is_no_longer_declared_is_a_change() -> None:
    """A mount that goes takes its template with it: what the outputs still hold must not hide that."""
    program = {**TEMPLATE, "serverless": False, "mounts": {"persistent": {"size": 10.0, "path": "/data"}}}
    declared = template.LIFECYCLE.check({}, program).inputs
    outs = {**declared, DECLARED: sorted(declared)}
    less = {key: value for key, value in declared.items() if key != "mounts"}

    assert replaces_nothing("id", outs, declared)
    assert not replaces_nothing("id", outs, less)
    assert template.LIFECYCLE.diff("id", outs, less).replaces == ("mounts",)


def _leaves(value: object) -> list[object]:
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in _leaves(item)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in _leaves(item)]
    return [value]
