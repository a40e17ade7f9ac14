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


def headers(distribution: Distribution) -> dict[str, list[str]]:
    """Name, Version, Requires-Dist, read as lines: the library parses an e-mail, and anew for each question."""
    text = distribution.read_text("METADATA")
    if text is None:  # an older kind of installation
        fields = {"Name": distribution.metadata["Name"], "Version": distribution.version}
        return {
            **{key: [value] for key, value in fields.items() if value},
            "Requires-Dist": distribution.requires or [],
        }
    found = re.findall(r"^(Name|Version|Requires-Dist): *(.+)$", text.partition("\n\n")[0], re.MULTILINE)
    return {wanted: [value for key, value in found if key == wanted] for wanted in ("Name", "Version", "Requires-Dist")}


def plugin_file(distribution: Distribution, name: str) -> object:
    """The parsed pulumi-plugin.json of a distribution, by Pulumi's convention in the module of the same name."""
    module = name.replace("-", "_")
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
        result = headers(distribution)
        name = (result.get("Name") or [""])[0].strip()
        if not name or normalized(name) in packages:
            continue
        for requirement in result["Requires-Dist"]:
            if "extra ==" not in requirement:
                required.add(normalized(re.split(r"[\s\[;<>=!~(@]", requirement, maxsplit=1)[0]))
        packages[normalized(name)] = {
            "name": normalized(name),
            "version": (result.get("Version") or [""])[0].strip(),
            "plugin": plugin_file(distribution, name),
        }
    for name, package in packages.items():
        package["required"] = name in required
    return sorted(packages.values(), key=lambda package: str(package["name"]))


if __name__ == "__main__":
    version = sys.version.split()[0]
    report = {"executable": sys.executable, "version": version, "packages": [] if BARE else installed()}
    json.dump(report, sys.stdout)
