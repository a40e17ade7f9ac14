"""Installs our language host: its sources and its own environment with grpcio and Pulumi's generated protocol."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from bootstrap.cache import key_of, obtain, source_files
from bootstrap.commands import run
from bootstrap.console import Console
from bootstrap.places import Places, base_python
from bootstrap.python_environment import NETWORK_ADVICE

LAUNCHER = """\
#!/bin/sh
# Isolated (-I): nothing that the user set for Python programs, PYTHONPATH above all, reaches the host itself.
bin=${0%/*}
exec "$bin/../environment/bin/python" -I "$bin/../lib/main.py" \\
    --exec-script "$bin/pulumi-language-python-exec" --host-version "VERSION" "$@"
"""
MAIN = """\
import sys

sys.path.insert(0, __file__.rpartition("/")[0])
from language_host.__main__ import main

main()
"""
KEPT_OF_THE_SDK = "pulumi/runtime/proto"


def sources(places: Places) -> Path:
    return places.tools / "language_host"


def environment_name(places: Places) -> str:
    """The environment's name in the cache: the hash of its pins and of the Python that it is made from."""
    pins = sources(places) / "requirements.txt"
    return f"language-host-{key_of({'pins': pins, 'python': str(base_python().resolve()), 'version': sys.version})}"


def obtain_environment(places: Places, *, console: Console) -> Path:
    """The host's environment, shared by clones. Raises SetupError when it cannot be installed."""
    pins = sources(places) / "requirements.txt"
    python = base_python()

    def build(directory: Path) -> None:
        with console.step("Making the language host's environment"):
            run(
                [places.uv, "venv", "--quiet", "--relocatable", "--python", python, directory],
                purpose="make the language host's environment",
                advice=NETWORK_ADVICE,
            )
            interpreter = directory / "bin" / "python"
            run(
                [
                    *(places.uv, "pip", "install", "--quiet", "--python", interpreter),
                    *("--no-deps", "--require-hashes", "-r", pins),
                ],
                purpose="install what the language host runs on",
                advice=NETWORK_ADVICE,
            )
            for site in directory.glob("lib/python3*/site-packages"):
                _keep_protocol(site)
            run(
                [interpreter, "-m", "compileall", "-q", directory / "lib"],
                purpose="compile what the language host runs on",
                advice="Run this again.",
            )

    return obtain(places.cache, environment_name(places), build=build, console=console)


def _keep_protocol(site_packages: Path) -> None:
    """Drops all of the SDK but the generated protocol: importing the rest costs 0.2 s, two or three times a command."""
    kept = site_packages / KEPT_OF_THE_SDK
    aside = site_packages / ".protocol"
    kept.rename(aside)
    shutil.rmtree(site_packages / "pulumi")
    (aside / "__init__.py").unlink()
    kept.parent.mkdir(parents=True)
    aside.rename(kept)


def install(places: Places, toolchain: Path, *, environment: Path, version: str) -> None:
    """Puts the host into `toolchain`: `bin/pulumi-language-python`, `lib/`, and a link to its environment."""
    lib = toolchain / "lib"
    for source in source_files(sources(places)):
        copy = lib / "language_host" / source.relative_to(sources(places))
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
    (lib / "main.py").write_text(MAIN)
    (toolchain / "environment").symlink_to(Path("..") / environment.name)
    launcher = toolchain / "bin" / "pulumi-language-python"
    launcher.write_text(LAUNCHER.replace("VERSION", version.removeprefix("v")))
    launcher.chmod(0o755)
    run(
        [environment / "bin" / "python", "-m", "compileall", "-q", lib],
        purpose="compile the language host",
        advice="Run this again.",
    )
