"""The referee finds every kind of difference, and none where there is none."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pulumi_runpod.wire.compatibility import table
from pulumi_runpod.wire.model import JsonObject
from pulumi_runpod.wire.shape import Document
from pulumi_runpod.wire.spec import ROUTES, SpecError, differences, published_shape, shape_of

ROOT = Path(__file__).parents[2]
CONTRACT: JsonObject = json.loads((ROOT / "tests" / "conformance" / "runpod-v2.contract.json").read_text())


@pytest.fixture
def document() -> JsonObject:
    return copy.deepcopy(CONTRACT)


def schemas(document: JsonObject) -> JsonObject:
    found: JsonObject = document["components"]["schemas"]
    return found


def test_the_models_say_what_is_published() -> None:
    """No difference but additions that are declared as newer than the document."""
    assert [str(d) for d in differences(CONTRACT) if not d.newer] == []


def test_the_referee_has_something_to_compare() -> None:
    """Every route that the document knows leads to a shape with properties: nothing is passed over in silence."""
    document = Document(CONTRACT)
    known = [route for route in ROUTES if route.path in CONTRACT["paths"]]

    assert len(known) >= 30
    for route in known:
        theirs = published_shape(document, CONTRACT["paths"], route)
        assert theirs is not None, route.title
        assert theirs.properties, route.title
        assert shape_of(route.model).properties, route.title


def change_bound(document: JsonObject) -> None:
    schemas(document)["CreateNetworkVolumeRequest"]["properties"]["size"]["maximum"] = 8192


def change_pattern(document: JsonObject) -> None:
    gpu = schemas(document)["CreateEndpointGpuConfig"]["allOf"][1]["properties"]
    gpu["minCudaVersion"]["pattern"] = r"^\d+$"


def change_unique(document: JsonObject) -> None:
    del schemas(document)["BaseEndpointGpuConfig"]["properties"]["excludedTypes"]["uniqueItems"]


def add_request_field(document: JsonObject) -> None:
    schemas(document)["UpdateEndpointRequest"]["allOf"][1]["properties"]["modelReference"] = {"type": "string"}


def drop_request_field(document: JsonObject) -> None:
    del schemas(document)["CreateTemplateRequest"]["allOf"][1]["properties"]["category"]


def require_field(document: JsonObject) -> None:
    schemas(document)["CreateNetworkVolumeRequest"]["required"].append("type")


def free_field(document: JsonObject) -> None:
    schemas(document)["CreateRegistryRequest"]["required"].remove("username")


def widen_enum(document: JsonObject) -> None:
    schemas(document)["FlashBoot"]["enum"].append("SUPER_FLASHBOOT")


def open_request(document: JsonObject) -> None:
    schemas(document)["CreateEndpointRequest"]["unevaluatedProperties"] = True


def change_type(document: JsonObject) -> None:
    schemas(document)["UpdateEndpointRequest"]["allOf"][1]["properties"]["timeout"]["type"] = "string"


def allow_null(document: JsonObject) -> None:
    schemas(document)["BaseContainerConfig"]["properties"]["env"]["type"] = ["object", "null"]


def change_map_values(document: JsonObject) -> None:
    schemas(document)["BaseContainerConfig"]["properties"]["env"]["additionalProperties"] = {"type": "integer"}


def add_scaler(document: JsonObject) -> None:
    new = {"type": "object", "required": ["type"], "properties": {"type": {"type": "string", "enum": ["STEP"]}}}
    schemas(document)["StepScaling"] = new
    schemas(document)["EndpointScaling"]["oneOf"].append({"$ref": "#/components/schemas/StepScaling"})


def add_rule(document: JsonObject) -> None:
    schemas(document)["CreateEndpointRequest"]["allOf"].append(
        {"if": {"required": ["cpu"]}, "then": {"required": ["disk"]}}
    )


def drop_rule(document: JsonObject) -> None:
    del schemas(document)["UpdateEndpointGpuConfig"]["allOf"][1]["dependentRequired"]


def add_patch(document: JsonObject) -> None:
    document["paths"]["/v2/registries/{id}"]["patch"] = {"responses": {}}


def add_get_by_id(document: JsonObject) -> None:
    document["paths"]["/v2/registries/delegations/{id}"]["get"] = {"responses": {}}


def drop_delete(document: JsonObject) -> None:
    del document["paths"]["/v2/templates/{id}"]["delete"]


def drop_path(document: JsonObject) -> None:
    del document["paths"]["/v2/serverless/{id}/workers"]


def page_volumes(document: JsonObject) -> None:
    schemas(document)["ListNetworkVolumesResponse"]["properties"]["pagination"] = {
        "type": "object",
        "properties": {"nextCursor": {"type": ["string", "null"]}, "hasNextPage": {"type": "boolean"}},
    }


def rename_list(document: JsonObject) -> None:
    listed = schemas(document)["ListTemplatesResponse"]
    listed["properties"]["items"] = listed["properties"].pop("templates")


def answer_new_field(document: JsonObject) -> None:
    schemas(document)["Worker"]["properties"]["hostId"] = {"type": "string"}


def answer_free_field(document: JsonObject) -> None:
    schemas(document)["Endpoint"]["allOf"][1]["required"].remove("timeout")


def answer_new_state(document: JsonObject) -> None:
    schemas(document)["WorkerStatus"]["enum"].append("DRAINING")


def answer_null(document: JsonObject) -> None:
    schemas(document)["Release"]["properties"]["workerCount"]["type"] = ["integer", "null"]


def error_shape(document: JsonObject) -> None:
    schemas(document)["ErrorResponse"]["properties"]["errors"]["items"] = {"type": "object"}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (change_bound, "POST /v2/network-volumes body.size: maximum is 8192, and 4096 here"),
        (change_pattern, "POST /v2/serverless body.gpu.minCudaVersion: pattern is"),
        (change_unique, "PATCH /v2/serverless/{id} body.gpu.excludedTypes: uniqueItems is open, and True here"),
        (add_request_field, "PATCH /v2/serverless/{id} body.modelReference: the document has it, and we do not"),
        (drop_request_field, "POST /v2/templates body.category: the document does not have it"),
        (require_field, "POST /v2/network-volumes body.type: is required, and optional here"),
        (free_field, "POST /v2/registries body.username: is optional, and required here"),
        (widen_enum, "POST /v2/serverless body.flashboot: takes FLASHBOOT | OFF | PRIORITY_FLASHBOOT | SUPER"),
        (open_request, "POST /v2/serverless body: is open to other properties, and closed here"),
        (change_type, "PATCH /v2/serverless/{id} body.timeout: is string, and integer here"),
        (allow_null, "POST /v2/templates body.env: is null | object, and object here"),
        (change_map_values, "POST /v2/serverless body.env.*: is integer, and string here"),
        (add_scaler, "POST /v2/serverless body.scaling<STEP>: is a variant in the document alone"),
        (add_rule, 'POST /v2/serverless body: has a rule that is not kept here: {"if": {"required": ["cpu"]}'),
        (drop_rule, "PATCH /v2/serverless/{id} body.gpu: has no such rule as here"),
        (add_patch, "PATCH /v2/registries/{id}: the document has it, and a registry credential has not here"),
        (add_get_by_id, "GET /v2/registries/delegations/{id}: the document has it"),
        (drop_delete, "DELETE /v2/templates/{id}: the document has no such operation"),
        (drop_path, "GET /v2/serverless/{id}/workers answer: the document has no such operation"),
        (page_volumes, "GET /v2/network-volumes answer.pagination: the document has it, and the list is not paged"),
        (rename_list, "GET /v2/templates answer.templates[]: the document has no such operation"),
        (answer_new_field, "GET /v2/serverless/{id}/workers answer.workers[].hostId: the document has it"),
        (answer_free_field, "GET /v2/serverless/{id} answer.timeout: is optional, and required here"),
        (answer_new_state, "answer.workers[].status: may be DRAINING | IDLE"),
        (answer_null, "answer.releases[].workerCount: may be integer | null, and is read as integer"),
        (error_shape, "every error.errors[]: may be object, and is read as string"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_change_of_the_document_is_found(
    document: JsonObject, change: Callable[[JsonObject], None], text: str
) -> None:
    """Each kind of fact: where it is, what the document says, what we say."""
    change(document)

    assert any(text in str(d) for d in differences(document) if not d.newer), [
        str(d) for d in differences(document) if not d.newer
    ]


@pytest.mark.parametrize("loosened", ["minimum", "maxItems"])
def test_bounds_of_answers_are_not_ours_to_check(document: JsonObject, loosened: str) -> None:
    """A reader takes what comes: another bound of an answer is no difference."""
    schemas(document)["NetworkVolume"]["properties"]["size"][loosened] = 1

    assert [d for d in differences(document) if not d.newer] == []


def test_a_newer_document_has_fewer_additions(document: JsonObject) -> None:
    """Once published, what was declared as newer is compared like the rest."""
    fields = {"entrypoint": {"type": "array", "items": {"type": "string"}}}
    schemas(document)["BaseContainerConfig"]["properties"] |= fields | {"cmd": fields["entrypoint"]}

    assert [d for d in differences(document) if not d.newer] == []
    assert not any(".cmd" in d.where for d in differences(document))

    schemas(document)["BaseContainerConfig"]["properties"]["cmd"] = {"type": "string"}
    assert any(d.where == "POST /v2/serverless body.cmd" for d in differences(document) if not d.newer)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"paths": {}, "components": {}},
        {"paths": [], "components": {"schemas": {}}},
        {"paths": {"/v2/templates": {"get": {}}}, "components": {"schemas": {}}},
        {**CONTRACT, "components": {**CONTRACT["components"], "schemas": {}}},
        {"paths": {}, "components": {"schemas": {"ErrorResponse": {"$ref": "#/components/schemas/ErrorResponse"}}}},
    ],
)
def test_what_is_no_such_document_is_reported(fields: JsonObject) -> None:
    """No traceback, whatever the file holds."""
    with pytest.raises(SpecError):
        differences(fields)


def test_the_compatibility_table_is_up_to_date() -> None:
    """Generated, and the same as in the docs."""
    assert (ROOT / "docs" / "compatibility.md").read_text() == table(CONTRACT)
