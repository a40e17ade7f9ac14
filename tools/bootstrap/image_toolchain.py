"""The programs that build and keep images: Pulumi's plugin everywhere; builder, registry and runc where we run ours.

What the system has is used as it is. An official Pulumi fetches its plugin itself; where it cannot, and for our own,
the plugin is built from its Go module and installed into PULUMI_HOME as `pulumi plugin install` does.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from bootstrap import system_packages
from bootstrap.cache import link
from bootstrap.commands import run
from bootstrap.console import Console
from bootstrap.errors import SetupError
from bootstrap.go_programs import (
    BUILDCTL,
    BUILDKITD,
    DOCKER_BUILD,
    REGISTRY,
    RUNC,
    GoProgram,
    entry_name,
    obtain_program,
)
from bootstrap.places import Places
from bootstrap.pulumi_toolchain import find_official
from bootstrap.system_packages import SystemPackage, on_path

DEBIAN_REGISTRY = SystemPackage("docker-registry", "keeps images", on_path("docker-registry"))
DEBIAN_RUNC = SystemPackage("runc", "runs the steps of a build", on_path("runc"))
DEBOOTSTRAP = SystemPackage("debootstrap", "makes the image that others build on", on_path("debootstrap"))


@dataclass(frozen=True)
class ImageTools:
    """Where the programs are. Without root there is only the registry: the builder is the user's Docker."""

    registry: Path
    buildkitd: Path | None = None
    buildctl: Path | None = None
    runc: Path | None = None


def ensure_plugin(places: Places, *, console: Console) -> Path:
    """The plugin `docker-build` in PULUMI_HOME. Raises SetupError when it cannot be had."""
    installed = plugin_folder()
    if (installed / DOCKER_BUILD.name).exists():
        return installed
    pulumi = places.venv / "bin" / "pulumi"
    install: list[str | Path] = [pulumi, "plugin", "install", "resource", "docker-build", DOCKER_BUILD.version]
    purpose, advice = (
        "install the Pulumi plugin docker-build",
        f"Check that {installed.parent} can be written, then run this again.",
    )
    environ = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    official = find_official(places)
    if official is not None and not official.problem:
        try:
            run(install, purpose=purpose, advice=advice, environ=environ)
        except SetupError:
            console.say("Pulumi's download site has no plugin for this machine, or is out of reach: building it.")
        else:
            return installed
    program = obtain_program(DOCKER_BUILD, places, console=console) / DOCKER_BUILD.name
    run([*install, "--file", program], purpose=purpose, advice=advice, environ=environ)
    return installed


def plugin_folder() -> Path:
    """Where Pulumi looks for the plugin."""
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    return home / "plugins" / f"resource-docker-build-v{DOCKER_BUILD.version}"


def ensure_tools(places: Places, *, console: Console) -> ImageTools:
    """Registry, and with root a builder. Raises SetupError when one cannot be built or installed."""
    registry = ensure_registry(places, console=console)
    if os.geteuid() != 0:
        return ImageTools(registry)
    buildctl = obtain_program(BUILDCTL, places, console=console) / BUILDCTL.name
    # Where the package finds it, to ask what a failing step said.
    link(places.venv / "bin" / BUILDCTL.name, buildctl)
    return ImageTools(
        registry,
        buildkitd=obtain_program(BUILDKITD, places, console=console) / BUILDKITD.name,
        buildctl=buildctl,
        runc=_program("runc", DEBIAN_RUNC, RUNC, places, console=console),
    )


def ensure_registry(places: Places, *, console: Console) -> Path:
    """Raises SetupError when it can be neither installed nor built."""
    return _program("docker-registry", DEBIAN_REGISTRY, REGISTRY, places, console=console)


def find_registry(places: Places) -> Path | None:
    """The one that `ensure_registry` would return, if it is there already."""
    return _found("docker-registry", REGISTRY, places)


def find_tools(places: Places) -> ImageTools | None:
    """What `ensure_tools` has made, without making anything; None where there is no builder of our own."""
    built = {program: places.cache / entry_name(program, places) / program.name for program in (BUILDKITD, BUILDCTL)}
    registry, runc = find_registry(places), _found("runc", RUNC, places)
    if os.geteuid() != 0 or registry is None or runc is None or not all(path.exists() for path in built.values()):
        return None
    return ImageTools(registry, buildkitd=built[BUILDKITD], buildctl=built[BUILDCTL], runc=runc)


def _found(name: str, built: GoProgram, places: Places) -> Path | None:
    cached = places.cache / entry_name(built, places) / built.name
    return Path(found) if (found := shutil.which(name)) else cached if cached.exists() else None


def _program(name: str, package: SystemPackage, built: GoProgram, places: Places, *, console: Console) -> Path:
    """From PATH, else as a system package, else built."""
    if not package.present() and system_packages.can_install():
        system_packages.ensure([package], as_root=True, console=console)
    if found := shutil.which(name):
        return Path(found)
    return obtain_program(built, places, console=console) / built.name
