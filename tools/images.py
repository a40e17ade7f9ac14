#!/usr/bin/env python3
"""The services that build and keep images on this machine, shared by all clones of a user.

start   what is missing: Docker engine, registry, builder, Pulumi's plugin, base image; prints one JSON object that says
        where they are, {} where no Docker engine can be had. With --as-it-is, no engine is installed for it, and a
        disk that is too small for the first image is as good as no engine
running prints the names of those that run
prune   empties the builder's cache, and deletes from the Docker engine what went before the image that is named
stop    ends the processes, or those of the names that are given; images stay
clean   ends the processes and deletes every image
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys

from bootstrap import base_image, docker_engine, image_toolchain
from bootstrap.console import Console
from bootstrap.errors import SetupError
from bootstrap.image_services import NAME, ImageServices, exclusively
from bootstrap.places import Places, this_clone

FREE_GB = 25
"""What building and running the SDXL image takes at its height."""
FREE_GB_BUILT = 9
"""Once its packages are in the registry."""
FREE_GB_PULLED = 1
"""Once the Docker engine has them, too."""
PACKAGES_GB = 5
"""A registry that holds more holds them."""
CERTIFICATES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Where a machine says that it trusts other authorities than the usual ones."""


def start(given: argparse.Namespace, places: Places, console: Console) -> None:
    with exclusively(places, console=console) as services:
        before = services.running()
        has_engine = docker_engine.found if given.as_it_is else docker_engine.ensure
        if not has_engine(services.directory, console=console):
            print("{}")
            return
        try:
            check_space(services)
        except SetupError as refusal:
            if not given.as_it_is or packages_gb(services) > PACKAGES_GB:
                raise
            # Nobody has asked for containers here yet.
            console.say(f"No image is built, and workers are processes: {str(refusal).splitlines()[0]}")
            print("{}")
            return
        tools = image_toolchain.ensure_tools(places, console=console)
        image_toolchain.ensure_plugin(places, console=console)
        services.start(tools)
        fields: dict[str, object] = {
            "registry": services.registry(),
            "generation": services.generation(),
            "builder": NAME,
            "baseImage": base_image.ensure(places, services, tools, console=console),
            "certificates": next((os.environ[name] for name in CERTIFICATES if os.environ.get(name)), ""),
            "started": sorted(services.running() - before),
        }
    print(json.dumps({key: value for key, value in fields.items() if value}))


def running(_: argparse.Namespace, places: Places, console: Console) -> None:
    with exclusively(places, console=console) as services:
        print(*sorted(services.running()))


def prune(given: argparse.Namespace, places: Places, console: Console) -> None:
    with exclusively(places, console=console) as services:
        services.prune(image_toolchain.ensure_tools(places, console=console))
        for kept in given.names:
            docker_engine.forget_before(kept)


def stop(given: argparse.Namespace, places: Places, console: Console) -> None:
    with exclusively(places, console=console) as services:
        names = set(given.names) or services.running()
        engine = docker_engine.daemon(services.directory).name
        if engine in names & services.running() and given.names and (others := docker_engine.containers()):
            names.remove(engine)
            console.say(f"The Docker engine runs {others} containers of others, and goes on.")
        ended = services.stop(names) if names else []
    console.say(f"Ended: {', '.join(ended)}." if ended else "No image service was running.")


def clean(_: argparse.Namespace, places: Places, console: Console) -> None:
    with exclusively(places, console=console) as services:
        services.clean()
    for base in places.cache.glob("image-base-*"):
        shutil.rmtree(base)
    console.say(f"Deleted the images in {services.directory}.")


def packages_gb(services: ImageServices) -> float:
    """What the registry holds."""
    return sum(blob.stat().st_size for blob in (services.directory / "registry").rglob("data")) / 1e9


def check_space(services: ImageServices) -> None:
    """Raises SetupError when it is too little for what is still to come."""
    services.directory.mkdir(parents=True, exist_ok=True)
    needed = FREE_GB
    if packages_gb(services) > PACKAGES_GB:
        needed = FREE_GB_PULLED if docker_engine.images(f"{services.registry()}/sdxl") else FREE_GB_BUILT
    free = shutil.disk_usage(services.directory).free / 1e9
    if free < needed:
        raise SetupError(
            f"images need {needed} GB of free space, and {services.directory} has {free:.0f}.\n"
            "Free some (`make clean-images` deletes what was built), set XDG_CACHE_HOME to a place with more, or do "
            "without containers: RUNTIME=process make up"
        )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="tools/images.py", description=(__doc__ or "").splitlines()[0])
    actions = parser.add_subparsers(dest="action", required=True)
    for action in (start, running, prune, stop, clean):
        command = actions.add_parser(action.__name__)
        command.set_defaults(run=action, names=[])
        if action is start:
            command.add_argument("--as-it-is", action="store_true")
        if action in (prune, stop):
            command.add_argument("names", nargs="*")
    try:
        given = parser.parse_args(arguments)
        given.run(given, this_clone(), Console())
    except (SetupError, OSError) as failure:
        print(f"\nimages: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; run it again to go on where it stopped", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
