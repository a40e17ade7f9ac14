"""`templateId` of an endpoint: resolved once into container settings; no link to the template is kept."""

from __future__ import annotations

import json

from pulumi_runpod.emulator.control_plane.public_template import PUBLIC_TEMPLATES
from pulumi_runpod.emulator.control_plane.rules import container
from pulumi_runpod.emulator.platform.problem import ProblemError, not_found
from pulumi_runpod.emulator.platform.state import Platform
from pulumi_runpod.wire.endpoint import CreateEndpointGpu
from pulumi_runpod.wire.model import JsonObject
from pulumi_runpod.wire.template import TEMPLATES


def find_template(platform: Platform, template_id: str | None) -> JsonObject | None:
    """An own or public template's body. Raises ProblemError: 404 when there is none, 422 for a template of pods."""
    if template_id is None:
        return None
    text = platform.store.text(TEMPLATES.kind, template_id) or PUBLIC_TEMPLATES.get(template_id)
    if text is None:
        raise not_found(TEMPLATES.kind)
    template: JsonObject = json.loads(text)
    if not template["serverless"]:
        raise ProblemError(422, "templateId names a template for pods: an endpoint needs one with serverless true")
    return template


def apply_template(settings: JsonObject, template: JsonObject) -> JsonObject:
    """Container settings as if the template's had been given in the body."""
    return {**settings, **{name: template[name] for name in container.FIELDS}}


def seed_cuda_versions(gpu: JsonObject, wanted: CreateEndpointGpu, template: JsonObject | None) -> None:
    """A GPU create takes the template's CUDA versions where its body says nothing of CUDA."""
    silent = wanted.allowed_cuda_versions is None and wanted.min_cuda_version is None
    if template is not None and silent:
        gpu["allowedCudaVersions"] = template["allowedCudaVersions"]
