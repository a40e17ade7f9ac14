"""The programs that are built from Go modules: a folder with go.mod and go.sum under tools/go, and one entry here."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

from bootstrap import system_packages
from bootstrap.cache import key_of, obtain
from bootstrap.console import Console
from bootstrap.go import find_go
from bootstrap.places import Places


@dataclass(frozen=True)
class ModuleFile:
    """A file that a module brings along and that is installed, unchanged, beside the program."""

    module: str
    path: str


@dataclass(frozen=True)
class GoProgram:
    """`folder` under tools/go pins the modules, `package` is compiled, `stamp` is the variable of its version."""

    name: str
    version: str
    folder: str
    package: str
    stamp: str = ""
    cgo: bool = False
    tags: str = ""
    files: tuple[ModuleFile, ...] = ()

    def build_flags(self) -> list[str]:
        stamp = f" -X {self.stamp}={self.version}" if self.stamp else ""
        return ["-trimpath", "-tags", self.tags, "-ldflags", f"-s -w{stamp}"]


PULUMI = GoProgram(
    name="pulumi",
    version="v3.259.0",
    folder="pulumi",
    package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    # Without it `pulumi version` prints nothing, and the Automation API refuses the program.
    stamp="github.com/pulumi/pulumi/sdk/v3/go/common/version.Version",
    files=(
        ModuleFile("github.com/pulumi/pulumi/sdk/v3", "python/dist/pulumi-resource-pulumi-python"),
        ModuleFile("github.com/pulumi/pulumi/sdk/v3", "python/cmd/pulumi-language-python-exec"),
    ),
)

DOCKER_BUILD = GoProgram(
    name="pulumi-resource-docker-build",
    version="0.0.22",
    folder="images",
    package="github.com/pulumi/pulumi-docker-build/provider/cmd/pulumi-resource-docker-build",
    # Without it the plugin says 0.0.1, and the engine warns.
    stamp="github.com/pulumi/pulumi-docker-build/provider.Version",
)
BUILDKITD = GoProgram(
    name="buildkitd", version="v0.31.0", folder="images", package="github.com/moby/buildkit/cmd/buildkitd"
)
BUILDCTL = GoProgram(
    name="buildctl", version="v0.31.0", folder="images", package="github.com/moby/buildkit/cmd/buildctl"
)
REGISTRY = GoProgram(
    name="registry",
    version="v3.1.2",
    folder="registry",
    package="github.com/distribution/distribution/v3/cmd/registry",
)
RUNC = GoProgram(name="runc", version="v1.5.2", folder="runc", package="github.com/opencontainers/runc", cgo=True)

ACTIONLINT = GoProgram(
    name="actionlint",
    version="v1.7.12",
    folder="actionlint",
    package="github.com/rhysd/actionlint/cmd/actionlint",
    stamp="github.com/rhysd/actionlint.version",
)

# The language host of YAML programs, and a small program of ours around Pulumi's own code generators: what
# `pulumi package gen-sdk` and `pulumi import` do where the hosts of those languages are installed.
YAML_HOST = GoProgram(
    name="pulumi-language-yaml",
    version="v1.25.0",
    folder="yaml",
    package="github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml",
    stamp="github.com/pulumi/pulumi-yaml/pkg/version.Version",
)
CODEGEN = GoProgram(name="codegen", version="v3.259.0", folder="codegen", package=".")

# Needs a C compiler: it reads programs with tree-sitter.
VALE = GoProgram(
    name="vale",
    version="v3.21.0",
    folder="vale",
    package="github.com/vale-cli/vale/v3/cmd/vale",
    stamp="main.version",
    cgo=True,
)


def entry_name(program: GoProgram, places: Places) -> str:
    """The program's name in the cache: its version, and the hash of all that it is built from."""
    folder = places.tools / "go" / program.folder
    inputs: dict[str, str | bytes | Path] = {
        "go.mod": folder / "go.mod",
        "go.sum": folder / "go.sum",
        "recipe": repr(program),
        "platform": f"{platform.system()} {platform.machine()}",
    }
    if (folder / "main.go").is_file():
        inputs["main.go"] = folder / "main.go"
    if (folder / "stubs").is_dir():
        inputs["stubs"] = folder / "stubs"
    key = key_of(inputs)
    return f"{program.name}-{program.version}-{key}"


def obtain_program(program: GoProgram, places: Places, *, console: Console) -> Path:
    """The directory that holds the program and its files. Raises SetupError when it cannot be built."""

    def build(directory: Path) -> None:
        if program.cgo:
            system_packages.ensure([system_packages.C_COMPILER], as_root=os.geteuid() == 0, console=console)
        _build(program, places, directory, console=console)

    return obtain(places.cache, entry_name(program, places), build=build, console=console)


def _build(program: GoProgram, places: Places, directory: Path, *, console: Console) -> None:
    go = find_go(places, cgo=program.cgo, console=console)
    folder = places.tools / "go" / program.folder
    purpose = f"build {program.name} {program.version}"
    title = f"Building {program.name} {program.version}"
    with console.step(title, "from its Go module: minutes, but only once for all clones") as step:
        listed = go.run(["list", "-deps", program.package], cwd=folder, purpose=purpose, step=step)
        total = sum(1 for line in listed.splitlines() if not line.startswith("go: "))
        binary = directory / program.name
        go.run(
            ["build", "-v", *program.build_flags(), "-o", binary, program.package],
            cwd=folder,
            purpose=purpose,
            step=step,
            total=total,
        )
        for file in program.files:
            source = go.run(["list", "-m", "-f", "{{.Dir}}", file.module], cwd=folder, purpose=purpose, step=step)
            installed = directory / Path(file.path).name
            installed.write_bytes((Path(source.splitlines()[-1]) / file.path).read_bytes())
            installed.chmod(0o755)
