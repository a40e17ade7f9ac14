"""Plugins from installed packages."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

from language_host.dependencies import INSPECTOR, Package, plugin_version, required_plugin
from language_host.errors import HostError


def package(plugin: dict[str, object] | None, *, name: str = "pulumi-some-cloud", version: str = "4.5.6") -> Package:
    return Package(name=name, version=version, required=False, plugin=plugin)


@pytest.mark.parametrize(
    ("python", "plugin"),
    [
        ("1", "1.0.0"),
        ("1.2", "1.2.0"),
        ("1.2.3", "1.2.3"),
        ("1.2.3a4", "1.2.3-alpha.4"),
        ("1.2.3b4", "1.2.3-beta.4"),
        ("1.2.3rc4", "1.2.3-rc.4"),
        ("1.2.3.post4", "1.2.3+post4"),
        ("1.2.3.dev5", "1.2.3+dev5"),
        ("1.2.3a1.post4.dev5", "1.2.3-alpha.1+post4dev5"),
        ("1!2.3", None),
        ("1.2.3+local", None),
        ("", None),
    ],
)
def test_a_python_version_becomes_the_semver_that_the_official_host_makes_of_it(
    python: str, plugin: str | None
) -> None:
    """PEP 440 in, semver out; what has no translation asks for no version."""
    assert plugin_version(python) == plugin


def test_a_package_without_plugin_file_needs_no_plugin() -> None:
    """Whatever its name begins with."""
    assert required_plugin(package(None)) is None


def test_a_package_may_say_that_it_has_no_plugin() -> None:
    """`resource: false` is how Pulumi's own pure Python packages say it."""
    assert required_plugin(package({"resource": False, "name": "x", "version": "1.0.0"})) is None


def test_name_and_version_come_from_the_package_where_the_file_is_silent() -> None:
    """The prefix is dropped, the version is translated."""
    plugin = required_plugin(package({"resource": True}))
    assert plugin is not None
    assert (plugin.name, plugin.version, plugin.kind) == ("some-cloud", "v4.5.6", "resource")


def test_the_file_decides_where_it_speaks() -> None:
    """Name, version and the server to fetch it from."""
    plugin = required_plugin(
        package({"resource": True, "name": "cloud", "version": "v7.8.9", "server": "github://example"})
    )
    assert plugin is not None
    assert (plugin.name, plugin.version, plugin.server) == ("cloud", "v7.8.9", "github://example")


def test_a_parameterized_package_carries_its_parameter() -> None:
    """The bytes are base64 in the file."""
    raw = {"resource": True, "parameterization": {"name": "p", "version": "1.0.0", "value": "aGk="}}
    plugin = required_plugin(package(raw))
    assert plugin is not None
    assert plugin.parameterization.value == b"hi"


def test_an_unreadable_plugin_file_is_named() -> None:
    """The user learns which package is broken."""
    with pytest.raises(HostError, match="pulumi-some-cloud has an unreadable"):
        required_plugin(package({"unreadable": "/x/pulumi-plugin.json: Expecting value"}))
    with pytest.raises(HostError, match="not base64"):
        required_plugin(package({"resource": True, "parameterization": {"value": "#"}}))


@pytest.mark.parametrize("bare", [True, False])
def test_what_is_installed_is_read_only_where_it_is_asked_for(bare: bool) -> None:
    """Every `pulumi` asks for the version of Python once more than for packages."""
    completed = subprocess.run(
        [sys.executable, "-X", "importtime", INSPECTOR, *(["--bare"] if bare else [])],
        capture_output=True,
        text=True,
        check=True,
    )
    seen = json.loads(completed.stdout)

    assert (seen["executable"], seen["version"]) == (sys.executable, platform.python_version())
    assert ("importlib.metadata" in completed.stderr) != bare
    assert (seen["packages"] == []) == bare


def test_names_versions_and_needs_are_those_that_the_library_reads(tmp_path: Path) -> None:
    """Of every package here, and of one that was installed in the older way."""
    egg = tmp_path / "old_one.egg-info"
    egg.mkdir()
    (egg / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: Old.One\nVersion: 1.2\n\nName: not this\n")
    (egg / "requires.txt").write_text("grpcio>=1\n")
    completed = subprocess.run(
        [sys.executable, INSPECTOR], env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    seen = {one["name"]: one for one in json.loads(completed.stdout)["packages"]}
    known = {re.sub(r"[-_.]+", "-", one.metadata["Name"]).lower(): one.version for one in distributions()}

    assert {name: one["version"] for name, one in seen.items()} == {**known, "old-one": "1.2"}
    assert seen["grpcio"]["required"]
    assert not seen["old-one"]["required"]
