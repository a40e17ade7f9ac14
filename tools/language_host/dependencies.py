"""What a program's environment holds, and which Pulumi plugins those packages need.

Only a package that carries `pulumi-plugin.json` asks for a plugin. The official host also guesses one from any name
that starts with "pulumi-", for bridged packages older than that file; such a guess would have the engine look for a
plugin that no package here has.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from pulumi.runtime.proto import plugin_pb2

from language_host.children import Children
from language_host.environments import PythonEnvironment
from language_host.errors import HostError
from language_host.output import capture

INSPECTOR = Path(__file__).parent / "probe" / "inspect_environment.py"


@dataclass(frozen=True)
class Package:
    """An installed distribution; `plugin` is its pulumi-plugin.json, `required` says that another one needs it."""

    name: str
    version: str
    required: bool
    plugin: dict[str, object] | None


@dataclass(frozen=True)
class Inspection:
    """The program's Python and all that is installed in its environment."""

    executable: str
    version: str
    packages: tuple[Package, ...] = field(default=())


def inspect(environment: PythonEnvironment, children: Children, *, packages: bool = True) -> Inspection:
    """`packages` False: only the Python is asked for, which is much quicker. Raises HostError when it does not run."""
    text = capture(
        children,
        [environment.python(), str(INSPECTOR), *([] if packages else ["--bare"])],
        cwd=environment.options.program_directory,
        environ=environment.environ(),
    )
    seen = json.loads(text)
    return Inspection(
        executable=seen["executable"],
        version=seen["version"],
        packages=tuple(
            Package(name=one["name"], version=one["version"], required=one["required"], plugin=one["plugin"])
            for one in seen["packages"]
        ),
    )


def required_plugin(package: Package) -> plugin_pb2.PackageDependency | None:
    """The plugin that a package needs, or None. Raises HostError for a pulumi-plugin.json that cannot be read."""
    plugin = package.plugin
    if plugin is None:
        return None
    if "unreadable" in plugin:
        raise HostError(f"package {package.name} has an unreadable pulumi-plugin.json: {plugin['unreadable']}")
    if not plugin.get("resource"):
        return None
    version = _text(plugin, "version") or plugin_version(package.version)
    if version is None:
        return None
    dependency = plugin_pb2.PackageDependency(
        name=_text(plugin, "name") or package.name.removeprefix("pulumi-"),
        kind="resource",
        version=version if version.startswith("v") else f"v{version}",
        server=_text(plugin, "server"),
    )
    parameterization = plugin.get("parameterization")
    if isinstance(parameterization, dict):
        dependency.parameterization.CopyFrom(_parameterization(package, parameterization))
    return dependency


def plugin_version(package_version: str) -> str | None:
    """A plugin's semver from a PEP 440 version: `1.2` is 1.2.0, `1.2.3a4` is 1.2.3-alpha.4, `1.2.3.post4` is
    1.2.3+post4. None where there is no such translation (an epoch, a local part)."""
    found = re.fullmatch(
        r"(?P<release>\d+(?:\.\d+)*)(?:(?P<kind>a|b|rc)(?P<number>\d+))?(?P<post>\.post\d+)?(?P<dev>\.dev\d+)?",
        package_version,
    )
    if found is None:
        return None
    segments = found["release"].split(".")
    release = ".".join(segments + ["0"] * (3 - len(segments)))
    stage = {"a": "alpha", "b": "beta", "rc": "rc"}.get(found["kind"] or "")
    build = "".join(part.removeprefix(".") for part in (found["post"], found["dev"]) if part)
    return release + (f"-{stage}.{found['number']}" if stage else "") + (f"+{build}" if build else "")


def _parameterization(package: Package, raw: dict[str, object]) -> plugin_pb2.PackageParameterization:
    try:
        value = base64.b64decode(_text(raw, "value"), validate=True)
    except binascii.Error as error:
        raise HostError(f"package {package.name} has a parameterization that is not base64: {error}") from error
    return plugin_pb2.PackageParameterization(name=_text(raw, "name"), version=_text(raw, "version"), value=value)


def _text(raw: dict[str, object], key: str) -> str:
    value = raw.get(key)
    return value if isinstance(value, str) else ""
