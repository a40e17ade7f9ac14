"""The schema is in step with the models, and says what other languages need to know."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from pulumi_runpod.native.adapter import SECRET_INPUTS
from pulumi_runpod.native.config import KEYS
from pulumi_runpod.native.kinds import RESOURCES
from pulumi_runpod.native.schema import property_names, schema, schema_text
from pulumi_runpod.native.schema.build import text
from pulumi_runpod.resources.completion import COMPLETIONS
from pulumi_runpod.resources.lifecycle import Lifecycle
from pulumi_runpod.resources.schema_names import camel, from_schema, snake, to_schema
from pulumi_runpod.resources.tokens import KINDS, lifecycle_of_kind
from pulumi_runpod.settings import SOURCES

PREFIX = "runpod-serverless:index:"


def resource(name: str) -> dict[str, Any]:
    found: dict[str, Any] = schema()["resources"][f"{PREFIX}{name}"]
    return found


def test_the_schema_is_what_the_models_say() -> None:
    """A changed model, docstring or version needs `python -m pulumi_runpod.native.schema.build`."""
    assert json.loads(text()) == json.loads(schema_text())


def test_every_kind_is_a_resource_with_all_its_inputs() -> None:
    """Inputs are the create model's and the kind's own, except for the automatic name."""
    for name, module in RESOURCES.items():
        lifecycle = lifecycle_of_kind(module)
        if module in KINDS.values():
            inputs = {camel(field) for field in lifecycle.inputs.model_fields} - {"autoName"}
            assert set(resource(name)["inputProperties"]) == inputs, name


def test_every_output_that_python_has_is_in_the_schema() -> None:
    """An attribute of the Python class is a property in every other language."""
    import pulumi_runpod

    for name in RESOURCES:
        cls = getattr(pulumi_runpod, name)
        names = {camel(each) for each in (*cls._input_names, *cls._output_names)}
        assert names <= set(resource(name)["properties"]), name


def test_secrets_are_marked() -> None:
    """As outputs always; as inputs where the value as a whole is the secret."""
    for name, module in RESOURCES.items():
        secret = {camel(field) for field in lifecycle_of_kind(module).secret_fields}
        marked = {key for key, spec in resource(name)["properties"].items() if spec.get("secret")}
        assert marked == secret, name
        inputs = {key for key, spec in resource(name)["inputProperties"].items() if spec.get("secret")}
        assert inputs == set(SECRET_INPUTS.get(module, ())), name
    assert schema()["config"]["variables"]["apiKey"]["secret"] is True


def test_what_replaces_says_so() -> None:
    """A field that can be created but not updated replaces its object."""
    for name, module in KINDS.items():
        lifecycle = lifecycle_of_kind(module)
        assert isinstance(lifecycle, Lifecycle)
        replacing = {k for k, spec in resource(name)["inputProperties"].items() if spec.get("willReplaceOnChanges")}
        assert replacing == {camel(field) for field in lifecycle.collection.replace_fields}, name


def test_what_check_fills_in_is_not_required() -> None:
    """A name is made for an object that has none; defaults are defaults."""
    assert resource("Endpoint")["requiredInputs"] == ["scaling", "type"]
    assert resource("NetworkVolume")["requiredInputs"] == ["dataCenter", "size"]
    assert resource("ModelWeights")["requiredInputs"] == ["dataCenter", "source", "volumeId"]


def test_descriptions_hold_units_bounds_and_names_of_the_schema() -> None:
    """The text of the Python docstrings, in the words of the schema."""
    properties = resource("Endpoint")["inputProperties"]
    workers = schema()["types"][f"{PREFIX}EndpointWorkers"]["properties"]

    assert "milliseconds, 5000 to 604800000" in properties["timeout"]["description"]
    assert "1-3600" in workers["idleTimeout"]["description"]
    described = [d for _, d in _descriptions(schema())]
    assert len(described) > 150
    assert not [d for d in described if "`min_cuda_version`" in d or ":param" in d]


def test_no_input_of_a_resource_is_without_a_description() -> None:
    """An editor shows what a property means."""
    bare = [
        f"{name}.{key}"
        for name in RESOURCES
        for key, spec in resource(name)["inputProperties"].items()
        if not spec.get("description")
    ]
    assert bare == []


def test_every_setting_is_config_of_the_provider() -> None:
    """Under the name that the dynamic provider's config has after its namespace."""
    assert {name: key for name, (key, _) in SOURCES.items()} == {snake(name): key for name, key in KEYS.items()}
    assert set(schema()["config"]["variables"]) == set(KEYS)


def test_names_survive_the_way_to_the_schema_and_back() -> None:
    """Every property name of the schema and every config key."""
    for name in {*property_names(), *KEYS}:
        assert camel(snake(name)) == name


def test_the_keys_of_a_users_own_map_stay_as_they_are() -> None:
    """Environment variables and job inputs are named by their owner."""
    props = {
        "min_cuda_version": "12.8",
        "env": {"MODEL_NAME": "a", "modelName": "b"},
        "rollout": {"smoke_input": {"aB": 1}},
    }

    assert from_schema(to_schema(props)) == props
    assert to_schema(props)["env"] == props["env"]


@pytest.mark.parametrize("kind", sorted(COMPLETIONS))
def test_every_completion_belongs_to_a_resource(kind: str) -> None:
    """`says_the_same` and `declaration` go by these."""
    assert kind in RESOURCES.values()


def _descriptions(value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "description" and isinstance(item, str):
                yield key, item
            else:
                yield from _descriptions(item)
    elif isinstance(value, list):
        for item in value:
            yield from _descriptions(item)


def test_only_what_must_be_given_is_a_constant() -> None:
    """SDKs fill in constants: an `adopt` that nobody has written would confirm what nobody has confirmed."""
    wrong = [
        f"{name}.{key}"
        for section in ("types", "resources")
        for name, spec in schema()[section].items()
        for properties, required in (("properties", "required"), ("inputProperties", "requiredInputs"))
        for key, result in spec.get(properties, {}).items()
        if "const" in result and key not in spec.get(required, [])
    ]
    assert wrong == []
