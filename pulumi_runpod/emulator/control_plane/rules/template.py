"""Templates: own ones, and the public ones of the catalog, which can be read and not written."""

from __future__ import annotations

from pulumi_runpod.emulator.control_plane.public_template import PUBLIC_TEMPLATES
from pulumi_runpod.emulator.control_plane.rules import container
from pulumi_runpod.emulator.control_plane.rules.rule import Rules
from pulumi_runpod.emulator.platform.problem import ProblemError
from pulumi_runpod.emulator.platform.store import Row
from pulumi_runpod.wire.endpoint import ENDPOINTS
from pulumi_runpod.wire.model import JsonObject
from pulumi_runpod.wire.template import TEMPLATES, CreateTemplate, UpdateTemplate

_PLAIN = {
    "name": "name",
    "serverless": "serverless",
    "public": "public",
    "category": "category",
    "start_ssh": "startSsh",
    "start_jupyter": "startJupyter",
    "allowed_cuda_versions": "allowedCudaVersions",
}


class TemplateRules(Rules[CreateTemplate, UpdateTemplate]):
    collection = TEMPLATES
    branched = True
    public = PUBLIC_TEMPLATES

    def create(self, wanted: CreateTemplate) -> tuple[JsonObject, JsonObject]:
        fresh: JsonObject = {
            "name": wanted.name,
            **container.fresh(self.platform),
            "mounts": {},
            "serverless": False,
            "public": False,
            "category": "NVIDIA",
            "startSsh": True,
            "startJupyter": True,
            "allowedCudaVersions": [],
        }
        return self._applied(fresh, wanted), {}

    def update(self, row: Row, wanted: UpdateTemplate) -> tuple[JsonObject, None]:
        return self._applied(row.body, wanted), None

    def _applied(self, current: JsonObject, wanted: CreateTemplate | UpdateTemplate) -> JsonObject:
        said = wanted.model_fields_set
        body = {**current, **container.applied(self.platform, current, wanted)}
        body |= {there: getattr(wanted, here) for here, there in _PLAIN.items() if here in said}
        if wanted.mounts is not None and wanted.mounts.persistent is not None:
            body["mounts"] = wanted.mounts.model_dump(by_alias=True)
        return body

    def refuse_delete(self, row: Row) -> None:
        if self.platform.switches.template_delete == "copies":
            return
        bound = [e.id for e in self.store.list(ENDPOINTS.kind) if e.private.get("templateId") == row.id]
        if bound:
            raise ProblemError(400, f"template is in use by endpoint {', '.join(bound)}")

    def shown(self, text: str) -> str:
        return container.shown(self.platform, text)
