"""`python3 tools/setup.py`: makes what is missing, in order, and says nothing more when all is there.

--only PART        system, python, pulumi, worker, images, engine, browser, actionlint, vale, sdk2 or languages, with
                   what that part needs; may be repeated. Without it: all but images and engine (Docker's), which only a
                   stack that builds its image needs, and browser, actionlint, vale, sdk2 (RunPod's next SDK) and
                   languages (YAML host and code generators of the native provider), which only tests and checks need
--print WHAT       path of pulumi, python, worker-python, sdk2-python, actionlint, vale or uv, after making it; prints
                   nothing else
--prune            afterwards, delete from the cache what no clone has used for 30 days, and Go's caches
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bootstrap import (
    docker_engine,
    image_toolchain,
    pulumi_toolchain,
    python_environment,
    runpod_sdk,
    system_packages,
    worker_environment,
)
from bootstrap.cache import prune
from bootstrap.console import Console
from bootstrap.errors import SetupError
from bootstrap.go_programs import ACTIONLINT, CODEGEN, VALE, YAML_HOST, obtain_program
from bootstrap.image_services import exclusively
from bootstrap.places import Places, this_clone

USUAL_PARTS = ("system", "python", "pulumi", "worker")
PARTS = (*USUAL_PARTS, "images", "engine", "browser", "actionlint", "vale", "sdk2", "languages")
PRINTED = {
    "python": "python",
    "uv": "uv",
    "pulumi": "pulumi",
    "worker-python": "worker",
    "sdk2-python": "sdk2",
    "actionlint": "actionlint",
    "vale": "vale",
    "yaml-host": "languages",
    "codegen": "languages",
}
"""What --print knows, and the part that makes it."""

INTERRUPTED = 130
UNUSED_DAYS = 30


def main(arguments: Sequence[str]) -> int:
    """The exit status: 0, 1 when something is missing that cannot be made, 130 when interrupted."""
    parser = argparse.ArgumentParser(prog="tools/setup.py", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", action="append", choices=PARTS, help="this part, and what it needs; may be repeated")
    parser.add_argument("--print", dest="printed", choices=PRINTED, help="print the path of this, after making it")
    parser.add_argument("--prune", action="store_true", help=f"delete what no clone has used for {UNUSED_DAYS} days")
    given = parser.parse_args(arguments)
    wanted = set(given.only or USUAL_PARTS)
    if given.printed:
        wanted = {PRINTED[given.printed]}
    console = Console()
    started = time.monotonic()
    try:
        paths = set_up(this_clone(), wanted, console=console)
    except SetupError as failure:
        print(f"\nset-up stopped: {failure}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"\nset-up stopped: {error}\nCheck space and permissions there, then run this again.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nset-up interrupted; run it again to go on where it stopped", file=sys.stderr)
        return INTERRUPTED
    if given.prune:
        for path in prune(this_clone().cache, unused_seconds=UNUSED_DAYS * 86400):
            console.say(f"deleted {path}")
    if given.printed and given.printed not in paths:
        return 1
    if given.printed:
        print(paths[given.printed])
    else:
        console.say(f"Everything is in place ({time.monotonic() - started:.1f} s).")
    return 0


def set_up(places: Places, wanted: set[str], *, console: Console) -> dict[str, Path]:
    """Makes the wanted parts and what they need; returns where things are. Raises SetupError."""
    system_packages.ensure(system_packages.REQUIRED, as_root=os.geteuid() == 0, console=console)
    paths: dict[str, Path] = {}
    if "browser" in wanted:
        _ensure_browser(console)
    if "engine" in wanted:
        _ensure_engine(places, console)
    if wanted <= {"system", "browser", "engine"}:
        return paths
    if "python" in wanted:
        python_environment.ensure(places, console=console)
    else:
        python_environment.ensure_uv(places, console=console)
    paths |= {"python": places.venv_python, "uv": places.uv}
    if "pulumi" in wanted or "images" in wanted:
        paths["pulumi"] = pulumi_toolchain.ensure(places, console=console)
    if "images" in wanted:
        image_toolchain.ensure_plugin(places, console=console)
        image_toolchain.ensure_tools(places, console=console)
    if "actionlint" in wanted:
        paths["actionlint"] = obtain_program(ACTIONLINT, places, console=console) / ACTIONLINT.name
    if "sdk2" in wanted:
        paths["sdk2-python"] = runpod_sdk.ensure(places, console=console) / "bin" / "python"
    if "vale" in wanted:
        paths["vale"] = obtain_program(VALE, places, console=console) / VALE.name
    if "languages" in wanted:
        paths["yaml-host"] = obtain_program(YAML_HOST, places, console=console) / YAML_HOST.name
        paths["codegen"] = obtain_program(CODEGEN, places, console=console) / CODEGEN.name
    if "worker" in wanted:
        worker = worker_environment.ensure(places, console=console)
        if worker is not None:
            paths["worker-python"] = worker / "bin" / "python"
    return paths


def _ensure_engine(places: Places, console: Console) -> None:
    """A Docker engine that runs, and a registry. Without them, workers are processes, and a line says why."""
    with exclusively(places, console=console) as services:
        if docker_engine.ensure(services.directory, console=console):
            image_toolchain.ensure_registry(places, console=console)


def _ensure_browser(console: Console) -> None:
    """Where it cannot be installed, the tests that need it skip with the reason: all else works without."""
    browser = system_packages.BROWSER
    if browser.present() or system_packages.can_install():
        system_packages.ensure([browser], as_root=True, console=console)
    else:
        console.say(f"no {browser.name} here ({browser.purpose}): as root, `apt-get install {browser.name}` adds it")
