#!/usr/bin/env python3
"""The services that build and keep images on this machine, shared by all clones of a user.

start   what is missing: Docker engine, registry, builder, base image; prints one JSON object that says where they are,
        {} where no Docker engine can be had
prune   empties the builder's cache
stop    ends the processes; images stay
clean   ends the processes and deletes every image
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

from bootstrap import base_image, docker_engine, image_toolchain
from bootstrap.console import Console
from bootstrap.errors import SetupError
from bootstrap.image_services import NAME, exclusively
from bootstrap.places import Places, this_clone

FREE_GB = 25
"""What building and running the SDXL image takes at its height."""
FREE_GB_LATER = 9
"""Once its packages are in the registry."""
PACKAGES_GB = 5
"""A registry that holds more holds them."""
CERTIFICATES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Where a machine says that it trusts other authorities than the usual ones."""


def start(places: Places, console: Console) -> None:
    with exclusively(places, console=console) as services:
        if not docker_engine.ensure(services.directory, console=console):
            print("{}")
            return
        _check_space(services.directory)
        tools = image_toolchain.ensure_tools(places, console=console)
        services.start(tools)
        told = {
            "registry": services.registry(),
            "generation": services.generation(),
            "builder": NAME,
            "baseImage": base_image.ensure(places, services, tools, console=console),
            "certificates": next((os.environ[name] for name in CERTIFICATES if os.environ.get(name)), ""),
        }
    print(json.dumps({key: value for key, value in told.items() if value}))


def prune(places: Places, console: Console) -> None:
    with exclusively(places, console=console) as services:
        services.prune(image_toolchain.ensure_tools(places, console=console))


def stop(places: Places, console: Console) -> None:
    with exclusively(places, console=console) as services:
        ended = services.stop()
    console.say(f"Ended: {', '.join(ended)}." if ended else "Nothing was running.")


def clean(places: Places, console: Console) -> None:
    with exclusively(places, console=console) as services:
        services.clean()
    for base in places.cache.glob("image-base-*"):
        shutil.rmtree(base)
    console.say(f"Deleted the images in {services.directory}.")


def _check_space(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    blobs = (directory / "registry").rglob("data")
    held = sum(blob.stat().st_size for blob in blobs) / 1e9
    needed = FREE_GB_LATER if held > PACKAGES_GB else FREE_GB
    free = shutil.disk_usage(directory).free / 1e9
    if free < needed:
        raise SetupError(
            f"images need {needed} GB of free space, and {directory} has {free:.0f}.\n"
            "Free some, set XDG_CACHE_HOME to a place with more, or do without containers: RUNTIME=process make up"
        )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="tools/images.py", description=(__doc__ or "").splitlines()[0])
    actions = {action.__name__: action for action in (start, prune, stop, clean)}
    parser.add_argument("action", choices=actions)
    try:
        actions[parser.parse_args(arguments).action](this_clone(), Console())
    except (SetupError, OSError) as failure:
        print(f"\nimages: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; run it again to go on where it stopped", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
