"""The rooms of the house and who may import whom: the table of the plan, enforced."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ALLOWED: dict[str, set[str]] = {
    "pulumi_runpod.lazy_names": set(),
    "pulumi_runpod.wire": {"pulumi_runpod.lazy_names"},
    "pulumi_runpod.settings": {"pulumi_runpod.errors"},
    "pulumi_runpod.errors": set(),
    "pulumi_runpod.extras": {"pulumi_runpod.errors"},
    "pulumi_runpod.client": {
        "pulumi_runpod.extras",
        "pulumi_runpod.wire",
        "pulumi_runpod.settings",
        "pulumi_runpod.errors",
        "pulumi_runpod.lazy_names",
    },
    "pulumi_runpod.resources": {
        "pulumi_runpod.wire",
        "pulumi_runpod.client",
        "pulumi_runpod.settings",
        "pulumi_runpod.errors",
    },
    # Functions of a program, stored in no state: the one part of the room that may think about pools.
    "pulumi_runpod.resources.data": {
        "pulumi_runpod.resources",
        "pulumi_runpod.planning",
        "pulumi_runpod.wire",
        "pulumi_runpod.client",
        "pulumi_runpod.settings",
        "pulumi_runpod.errors",
    },
    "pulumi_runpod.planning": {"pulumi_runpod.wire"},
    "pulumi_runpod.components": {
        "pulumi_runpod.extras",
        "pulumi_runpod.resources",
        "pulumi_runpod.resources.data",
        "pulumi_runpod.client",
        "pulumi_runpod.planning",
        "pulumi_runpod.settings",
        "pulumi_runpod.errors",
    },
    "pulumi_runpod.native": {
        "pulumi_runpod",
        "pulumi_runpod.resources",
        "pulumi_runpod.resources.data",
        "pulumi_runpod.components",
        "pulumi_runpod.planning",
        "pulumi_runpod.client",
        "pulumi_runpod.wire",
        "pulumi_runpod.settings",
        "pulumi_runpod.errors",
    },
    # The local RunPod. What its front (app, local, pytest_plugin) puts together, its rooms do not know; the two planes
    # meet in the platform alone.
    "pulumi_runpod.emulator": {
        "pulumi_runpod.extras",
        "pulumi_runpod.emulator.console",
        "pulumi_runpod.emulator.control_plane",
        "pulumi_runpod.emulator.gateway",
        "pulumi_runpod.emulator.job_plane",
        "pulumi_runpod.emulator.platform",
        "pulumi_runpod.emulator.process",
        "pulumi_runpod.emulator.s3",
        "pulumi_runpod.wire",
    },
    "pulumi_runpod.emulator.platform": {"pulumi_runpod.wire"},
    "pulumi_runpod.emulator.gateway": {"pulumi_runpod.emulator.platform", "pulumi_runpod.wire"},
    "pulumi_runpod.emulator.control_plane": {"pulumi_runpod.emulator.platform", "pulumi_runpod.wire"},
    "pulumi_runpod.emulator.job_plane": {"pulumi_runpod.emulator.platform", "pulumi_runpod.wire"},
    "pulumi_runpod.emulator.s3": {"pulumi_runpod.emulator.platform", "pulumi_runpod.wire"},
    # Looks at both planes, as a person does.
    "pulumi_runpod.emulator.console": {
        "pulumi_runpod.emulator.control_plane",
        "pulumi_runpod.emulator.job_plane",
        "pulumi_runpod.emulator.platform",
        "pulumi_runpod.wire",
    },
    "pulumi_runpod.emulator.process": {
        "pulumi_runpod.emulator",
        "pulumi_runpod.emulator.job_plane",
        "pulumi_runpod.emulator.platform",
        "pulumi_runpod.wire",
    },
    "pulumi_runpod.operations": {
        "pulumi_runpod.client",
        "pulumi_runpod.planning",
        "pulumi_runpod.wire",
        "pulumi_runpod.settings",
        "pulumi_runpod.errors",
    },
    "pulumi_runpod.gitops": {
        "pulumi_runpod.extras",
        "pulumi_runpod.client",
        "pulumi_runpod.planning",
        "pulumi_runpod.settings",
        "pulumi_runpod.errors",
    },
    "pulumi_runpod.cli": {
        "pulumi_runpod.extras",
        "pulumi_runpod.wire",
        "pulumi_runpod.settings",
        "pulumi_runpod.errors",
        "pulumi_runpod.client",
        "pulumi_runpod.resources",
        "pulumi_runpod.components",
        "pulumi_runpod.planning",
        "pulumi_runpod.emulator",
        "pulumi_runpod.emulator.platform",
        "pulumi_runpod.emulator.process",
        "pulumi_runpod.emulator.s3",
        "pulumi_runpod.gitops",
        "pulumi_runpod.operations",
        "pulumi_runpod.native",
    },
    "stacks": {"pulumi_runpod", "pulumi_runpod.components"},
    "worker": set(),
}


def room_of(module: str) -> str | None:
    """The room that a dotted name belongs to; None for what is not ours."""
    if module == "pulumi_runpod":
        return module
    rooms = [room for room in ALLOWED if module == room or module.startswith(f"{room}.")]
    if rooms:
        return max(rooms, key=len)
    if module.startswith("pulumi_runpod."):
        return module
    return "worker" if module.split(".")[0] == "sdxl_worker" else None


def files() -> Iterator[tuple[Path, str]]:
    for top in ("pulumi_runpod", "stacks", "worker"):
        for path in sorted((ROOT / top).rglob("*.py")):
            dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            room = "worker" if top == "worker" else room_of(dotted.removesuffix(".__init__"))
            if room and room != "pulumi_runpod":  # the package's front door may name every room
                yield path, room


def imports(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((name.name, node.lineno) for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for name in node.names:
                deeper = f"{node.module}.{name.name}"
                yield (deeper if room_of(deeper) in ALLOWED else node.module), node.lineno


@pytest.mark.parametrize(("path", "room"), [pytest.param(p, r, id=str(p.relative_to(ROOT))) for p, r in files()])
def test_a_module_imports_only_what_its_room_may(path: Path, room: str) -> None:
    """Every import stays within the module's own room or the rooms that the plan allows it."""
    assert room in ALLOWED, f"{path} lies in no room of the plan"
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for module, line in imports(path)
        if (target := room_of(module)) and target not in ({room} | ALLOWED[room])
    ]
    assert not wrong


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    paths = (ROOT / "pulumi_runpod").rglob("*.py")
    return {".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): p for p in paths}


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Each chain of modules that leads back to where it starts, once."""
    found: list[list[str]] = []
    finished: set[str] = set()

    def follow(module: str, chain: list[str]) -> None:
        if module in chain:
            found.append([*chain[chain.index(module) :], module])
            return
        if module in finished:
            return
        for target in sorted(graph[module]):
            follow(target, [*chain, module])
        finished.add(module)

    for module in sorted(graph):
        follow(module, [])
    return found


def test_no_module_imports_itself_by_way_of_others() -> None:
    """Imports for type checkers and within functions count, too: two modules that need each other are one."""
    known = modules()
    graph: dict[str, set[str]] = {}
    for module, path in known.items():
        if module == "pulumi_runpod":  # the package's front door may name every module
            continue
        graph[module] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                graph[module] |= {name.name for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                deeper = {f"{node.module}.{name.name}" for name in node.names}
                graph[module] |= (deeper & set(known)) or {node.module}
        graph[module] &= set(known) - {module, "pulumi_runpod"}

    assert circles(graph) == []


def test_a_circle_is_found() -> None:
    """The test above can fail."""
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == [["b", "c", "b"]]


def test_only_the_client_knows_httpx() -> None:
    """httpx is imported in the client alone, so that its successor is one room's business."""
    strangers = [
        str(path.relative_to(ROOT))
        for path, room in files()
        if room not in {"pulumi_runpod.client", "worker"}
        for module, _ in imports(path)
        if module.split(".")[0] in {"httpx", "httpx2"}
    ]
    assert not strangers
