"""Runs in the program's own Python and prints, as JSON, its version and, but for `--bare`, what is installed there.

Kept to what Python 3.9 understands, and to the standard library: that Python is the user's.
"""

from __future__ import annotations

import json
import sys

BARE = "--bare" in sys.argv[1:]
if not BARE:
    # Of every `pulumi` one question is about the version alone, and it waits for the answer.
    import importlib.util
    import re
    from importlib.metadata import Distribution, distributions
    from pathlib import Path


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def plugin_file(distribution: Distribution) -> object:
    """The parsed pulumi-plugin.json of a distribution, by Pulumi's convention in the module of the same name."""
    module = distribution.metadata["Name"].replace("-", "_")
    path = Path(str(distribution.locate_file(module))) / "pulumi-plugin.json"
    if not path.is_file():
        # An editable install lies elsewhere; a top-level name is found without importing anything.
        spec = importlib.util.find_spec(module) if module.isidentifier() else None
        places = (spec.submodule_search_locations or []) if spec is not None else []
        path = next((p for p in (Path(place) / "pulumi-plugin.json" for place in places) if p.is_file()), path)
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        return {"unreadable": f"{path}: {error}"}


def installed() -> list[dict[str, object]]:
    packages = {}
    required = set()
    for distribution in distributions():
        name = distribution.metadata["Name"]
        if not name or normalized(name) in packages:
            continue
        for requirement in distribution.requires or []:
            if "extra ==" not in requirement:
                required.add(normalized(re.split(r"[\s\[;<>=!~(@]", requirement, maxsplit=1)[0]))
        packages[normalized(name)] = {
            "name": normalized(name),
            "version": distribution.version,
            "plugin": plugin_file(distribution),
        }
    for name, package in packages.items():
        package["required"] = name in required
    return sorted(packages.values(), key=lambda package: str(package["name"]))


if __name__ == "__main__":
    version = sys.version.split()[0]
    told = {"executable": sys.executable, "version": version, "packages": [] if BARE else installed()}
    json.dump(told, sys.stdout)
