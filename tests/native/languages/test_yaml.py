"""A YAML program through Pulumi's own YAML host: resources, functions, components, and what `pulumi import` prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bootstrap.go_programs import YAML_HOST
from pulumi_runpod.emulator.local import LocalRunPod
from tests.native.languages.conftest import Project, built, documented

pytestmark = [pytest.mark.engine, pytest.mark.process]
PROGRAM = """
name: languages
runtime: yaml
variables:
  pool:
    fn::invoke:
      function: runpod-serverless:getGpuPool
      arguments: {minMemoryGb: 24}
resources:
  token:
    type: runpod-serverless:Secret
    properties: {value: s3cr3t-4711}
  weights:
    type: runpod-serverless:NetworkVolume
    properties: {size: 10, dataCenter: EU-RO-1}
  web:
    type: runpod-serverless:Endpoint
    properties:
      type: QUEUE
      scaling: {type: QUEUE_DELAY, queueDelay: 4}
      gpu: {pools: ["${pool.id}"]}
      image: registry.example.com/team/worker:1
      networkVolumes: ["${weights.id}"]
      env: {MODEL_NAME: sdxl}
  service:
    type: runpod-serverless:SdxlService
    properties:
      image: registry.example.com/team/sdxl:1
      gpuPools: [ADA_24]
      gpu: {vramGb: 12}
      dataCenters: [EU-RO-1]
      env: {TOKEN: "${token.placeholder}", MODE: fast}
outputs:
  run: ${web.requestUrls.runSync}
  service: ${service.requestUrls.run}
"""


@pytest.fixture(autouse=True)
def _host() -> Path:
    return built(YAML_HOST)


def test_a_yaml_program_deploys_resources_and_a_component(project: Project, local: LocalRunPod) -> None:
    """Previewed, deployed, unchanged on the second run; the preview says what the service costs."""
    (project.directory / "Pulumi.yaml").write_text(PROGRAM)
    preview = project.done("preview")
    project.done("up", "--yes", "--skip-preview")
    outputs = json.loads(project.done("stack", "output", "--json"))
    local.forget_calls()
    project.done("up", "--yes", "--skip-preview", "--expect-no-changes")
    again = [f"{call.method} {call.path}" for call in local.calls()]
    state = project.done("stack", "export")
    endpoints = local.call(lambda p: [row.body for row in p.store.list("endpoint")])
    templates = local.call(lambda p: [row.body for row in p.store.list("template")])

    assert "a month" in preview
    assert outputs["run"].endswith("/runsync")
    assert outputs["service"].endswith("/run")
    assert len(endpoints) == 2
    assert [template["env"]["MODE"] for template in templates] == ["fast"]
    # The catalog is read once for the function and once for the component.
    assert {call for call in again if "/catalog/" not in call} == set()
    assert "s3cr3t-4711" not in state


def test_the_yaml_on_the_page_is_a_program(project: Project) -> None:
    """As it is printed there."""
    (project.directory / "Pulumi.yaml").write_text(documented("yaml").replace("name: service", "name: languages"))
    project.done("up", "--yes", "--skip-preview")

    assert project.done("stack", "output", "url").strip().endswith("/runsync")


def test_what_import_prints_declares_the_objects_as_they_are(project: Project, local: LocalRunPod) -> None:
    """Nothing is left to do, before and after a refresh; references are references, and environments are secret."""
    (project.directory / "Pulumi.yaml").write_text(PROGRAM)
    project.done("up", "--yes", "--skip-preview")
    kinds = (("NetworkVolume", "network volume"), ("Template", "template"), ("Endpoint", "endpoint"))
    rows = [(kind, row.id) for kind, stored in kinds for row in local.call(lambda p, s=stored: p.store.list(s))]
    imports = [{"type": f"runpod-serverless:index:{kind}", "name": f"x{i}", "id": i} for kind, i in rows]
    (project.directory / "imports.json").write_text(json.dumps({"resources": imports}))
    project.done("stack", "init", "other")
    (project.directory / "Pulumi.yaml").write_text("name: languages\nruntime: yaml\n")
    local.forget_calls()
    how = ("--file", "imports.json", "--yes", "--protect=false", "--out", "printed.yaml")
    project.done("import", *how)
    printed = (project.directory / "printed.yaml").read_text()
    (project.directory / "Pulumi.yaml").write_text(f"name: languages\nruntime: yaml\n{printed}")
    project.done("up", "--yes", "--skip-preview", "--expect-no-changes")
    project.done("up", "--yes", "--skip-preview", "--refresh", "--expect-no-changes")

    assert printed.count("type: runpod-serverless:") == len(rows)
    assert "${x" in printed
    assert "fn::secret: sdxl" in printed
    assert "idleTimeout: 10" not in printed
    assert {call.method for call in local.calls()} == {"GET"}
