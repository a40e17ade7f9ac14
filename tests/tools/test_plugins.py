"""Python plugins that the engine runs through the language host: policy packs and component providers."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from probe_projects import Projects, plugins_named_here

pytestmark = pytest.mark.engine

POLICY = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

def small(args, report):
    if args.resource_type == "pulumi-python:dynamic/probe:Probe" and args.props["size"] > 10:
        report(f"too large: {args.props['size']:.0f}")

PolicyPack("probe-pack", enforcement_level=EnforcementLevel.MANDATORY,
           policies=[ResourceValidationPolicy(name="small", description="Probes are small.", validate=small)])
"""
COMPONENT = """
import os
from pathlib import Path
from typing import Optional, TypedDict

import pulumi
from pulumi.provider.experimental import component_provider_host

class GreetingArgs(TypedDict):
    name: pulumi.Input[str]

class Greeting(pulumi.ComponentResource):
    text: pulumi.Output[str]

    def __init__(self, name: str, args: GreetingArgs, opts: Optional[pulumi.ResourceOptions] = None):
        super().__init__("greeter:index:Greeting", name, {}, opts)
        self.text = pulumi.Output.concat("hello ", args["name"])
        self.register_outputs({"text": self.text})

Path(__file__).with_name("pid").write_text(str(os.getpid()))
component_provider_host(name="greeter", components=[Greeting])
"""
CONSUMER = """
import pulumi

class Greeting(pulumi.ComponentResource):
    text: pulumi.Output[str]

    def __init__(self, name, who):
        super().__init__("greeter:index:Greeting", name, {"name": who, "text": None}, remote=True)

pulumi.export("text", Greeting("g", "probe").text)
"""


def write_policy_pack(directory: Path) -> Path:
    directory.mkdir()
    (directory / "PulumiPolicy.yaml").write_text("runtime: python\n")
    (directory / "__main__.py").write_text(POLICY)
    return directory


def write_component(directory: Path) -> Path:
    directory.mkdir()
    (directory / "PulumiPlugin.yaml").write_text("runtime: python\n")
    (directory / "__main__.py").write_text(COMPONENT)
    return directory


def test_a_policy_pack_stops_an_update_that_breaks_it(projects: Projects, tmp_path: Path) -> None:
    """A mandatory violation is shown with the pack's own words, and the resource is not made."""
    pack = write_policy_pack(tmp_path / "pack")
    program = "import pulumi, toolchain_probe\n\ntoolchain_probe.Probe('a', pulumi.Config().get_int('size'))\n"
    project = projects.make({"__main__.py": program})
    project.pulumi("config", "set", "size", "60")
    refused = project.up("--policy-pack", str(pack))
    assert refused.status != 0
    assert "[mandatory]  small" in refused.text
    assert "too large: 60" in refused.text
    assert "Traceback" not in refused.text
    project.pulumi("config", "set", "size", "5")
    accepted = project.up("--policy-pack", str(pack))
    assert accepted.status == 0, accepted.text
    assert "+ 1 created" in accepted.text


def test_a_component_provider_in_a_directory_serves_another_program(projects: Projects, tmp_path: Path) -> None:
    """The engine starts it through the host, reads its port from the stream, and nothing of it is left afterwards."""
    component = write_component(tmp_path / "greeter")
    settings = f"plugins:\n  providers:\n    - name: greeter\n      path: {component}"
    project = projects.make({"__main__.py": CONSUMER}, settings=settings)
    done = project.up()
    assert done.status == 0, done.text
    assert project.pulumi("stack", "output", "text").out.strip() == "hello probe"
    with pytest.raises(ProcessLookupError):
        os.kill(int((component / "pid").read_text()), 0)
    gone = project.pulumi("destroy", "--yes", "--skip-preview")
    assert gone.status == 0, gone.text


def test_the_schema_of_a_component_provider_can_be_read(projects: Projects, tmp_path: Path) -> None:
    """`pulumi package get-schema` runs it too. It first fetches every plugin that a package of the environment names,
    which is no business of this test: the engine is shown a folder for each.
    """
    component = write_component(tmp_path / "greeter")
    for name, version in plugins_named_here():
        (projects.home / "plugins" / f"resource-{name}-v{version}").mkdir(parents=True, exist_ok=True)
    done = projects.make({"__main__.py": ""}).pulumi("package", "get-schema", str(component))
    assert done.status == 0, done.text
    assert "greeter:index:Greeting" in json.loads(done.out)["resources"]


def test_a_plugin_that_fails_to_start_shows_its_own_error(projects: Projects, tmp_path: Path) -> None:
    """What it wrote to stderr reaches the user."""
    pack = write_policy_pack(tmp_path / "pack")
    (pack / "__main__.py").write_text("raise SystemExit('the pack is broken')\n")
    done = projects.make({"__main__.py": ""}).up("--policy-pack", str(pack))
    assert done.status != 0
    assert "the pack is broken" in done.text


def test_a_policy_can_read_the_configuration_of_the_stack(projects: Projects, tmp_path: Path) -> None:
    """The pack knows it before it starts; a secret is readable there too."""
    pack = write_policy_pack(tmp_path / "pack")
    (pack / "__main__.py").write_text(
        "import pulumi\n"
        + POLICY.replace("> 10", "> pulumi.Config().get_int('limit')").replace(
            "too large", "over the limit of the stack"
        )
    )
    project = projects.make({"__main__.py": "import toolchain_probe\n\ntoolchain_probe.Probe('a', 60)\n"})
    project.pulumi("config", "set", "--secret", "limit", "50")
    refused = project.up("--policy-pack", str(pack))
    assert refused.status != 0
    assert "over the limit of the stack: 60" in refused.text
    project.pulumi("config", "set", "--secret", "limit", "70")
    accepted = project.up("--policy-pack", str(pack))
    assert accepted.status == 0, accepted.text
