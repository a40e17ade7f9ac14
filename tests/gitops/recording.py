"""Events of real previews, made alike: what differs from run to run (ids, ports, folders, order) is named or sorted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import SecretStr

from pulumi_runpod.client import RunPodClient
from pulumi_runpod.emulator.local import LocalRunPod
from pulumi_runpod.gitops.events import STREAM
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire import ENDPOINTS, NETWORK_VOLUMES, TEMPLATES
from tests.gitops.pulumi_project import PulumiProject
from tests.pulumi_folder import ROOT

GOLDEN = Path(__file__).parent / "golden"
NOT_DEPLOYED = frozenset({"create"})
RULES = {"endpoint-cost-ceiling": {"enforcementLevel": "advisory"}, "stack-cost-ceiling": {"usdPerMonth": 9000}}
POLICED = {"policies": ("--policy-pack", str(ROOT / "policy"), "--policy-pack-config", "rules.json")}
"""Situation -> arguments of `pulumi preview` besides. The pack is this project's own."""
_KEPT_EVENTS = (
    "resourcePreEvent",
    "resOutputsEvent",
    "resOpFailedEvent",
    "diagnosticEvent",
    "policyEvent",
    "summaryEvent",
)
_KEPT_OF_A_POLICY = ("resourceUrn", "message", "policyName", "policyPackName", "enforcementLevel")
_KEPT_OF_A_STEP = ("op", "urn", "type", "old", "new", "keys", "diffs", "detailedDiff")
_IDLE_SECONDS = 3 * 24 * 3600 + 60
"""After so long RunPod lowers `workers.max`."""


def record(situation: str) -> list[str]:
    """Deploy it on its own local RunPod and preview the change: the events, a line each."""
    with TemporaryDirectory() as folder, LocalRunPod() as local:
        project = PulumiProject(Path(folder), local.environment)
        project.stack("dev", situation, deployed=situation not in NOT_DEPLOYED)
        if situation == "drift":
            drift(local)
        (project.directory / "rules.json").write_text(json.dumps(RULES))
        arguments = ("--json", "--refresh=true", "--stack", "dev", "--non-interactive", *POLICED.get(situation, ()))
        # As our commands start Pulumi: without the gRPC library's notes, which come or do not.
        done = project.run("pulumi", "preview", *arguments, **STREAM, GRPC_VERBOSITY="ERROR")
        assert "summaryEvent" in done.stdout, done.stdout + done.stderr
        return alike(done.stdout.splitlines(), {local.api: "http://127.0.0.1:1", str(project.directory): "/project"})


def drift(local: LocalRunPod) -> None:
    """Somebody at the console changes a template, renames a volume and deletes an endpoint; idle days do the rest."""
    with RunPodClient(Settings(api_key=SecretStr(local.api_key), api_base_url=local.api)) as outsider:
        for endpoint in outsider.list(ENDPOINTS):
            if str(endpoint.name).startswith("gone-"):  # type: ignore[attr-defined]
                outsider.delete(ENDPOINTS, endpoint.id)
        for collection, change in (
            (TEMPLATES, {"image": "registry.example.com/team/worker:by-hand"}),
            (NETWORK_VOLUMES, {"name": "renamed @team"}),
        ):
            assert collection.update is not None
            for found in outsider.list(collection):
                outsider.update(collection, found.id, collection.update.model_validate(change))
    local.advance(_IDLE_SECONDS)


def alike(lines: Iterable[str], names: Mapping[str, str]) -> list[str]:
    """Trimmed and sorted; `names`: what to call things that differ from run to run."""
    events = [json.loads(line) for line in lines if line.startswith("{")]
    steps = [step for event in events for step in _steps(event)]
    done = {(step["op"], step["urn"]) for event in events if "resOutputsEvent" in event for step in _steps(event)}
    named = {**names, str(ROOT): "/checkout", **{word: name for step in steps for word, name in _random_words(step)}}
    trimmed = [
        (_order(event, at), result) for at, event in enumerate(events) if (result := _trimmed(event, done)) is not None
    ]
    words = re.compile("|".join(map(re.escape, sorted(named, key=len, reverse=True))))
    result = [_renamed(event, words, named) for _, event in sorted(trimmed, key=lambda one: one[0])]
    return [json.dumps(event, ensure_ascii=False) for event in result]


def _steps(event: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for kind in _KEPT_EVENTS:
        if "metadata" in event.get(kind, {}):
            yield event[kind]["metadata"]


def _random_words(step: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    name = step["urn"].rsplit("::", 1)[-1]
    for state in filter(None, (step.get("old"), step.get("new"))):
        if state.get("id"):
            yield state["id"], f"id-of-{re.split('[:/]', step['type'])[-1]}-{name}".lower()
        # Names that the provider makes end in a nonce.
        auto_name = state.get("inputs", {}).get("auto_name")
        if auto_name:
            yield auto_name, f"{name}-nonce"
        created_at = state.get("outputs", {}).get("created_at")
        if isinstance(created_at, str):
            yield created_at, "2026-01-01T00:00:00Z"
        # Of the key and the address, whose port differs.
        key_digest = state.get("outputs", {}).get("key_digest")
        if isinstance(key_digest, str):
            yield key_digest, "digest-of-key"


def _order(event: Mapping[str, Any], at: int) -> tuple[int, str, str, int]:
    """The engine reports different resources in any order, of one resource in this order."""
    found = event.get("policyEvent")
    if found is not None:
        return 2, f"{found['resourceUrn']}~", found["policyName"], at
    said = event.get("diagnosticEvent")
    if said is not None:
        return 1, said.get("urn") or "", re.sub("<.*?>", "", said["message"]) if "urn" not in said else "", at
    for step in _steps(event):
        return 0 if step["op"] == "refresh" else 2, step["urn"], "", at
    return 3, "", "", at


def _trimmed(event: Mapping[str, Any], done: Set[tuple[str, str]]) -> dict[str, Any] | None:
    """`done`: steps that come once more with their outputs, so that their first event says nothing besides."""
    for kind in _KEPT_EVENTS:
        if kind not in event:
            continue
        result = event[kind]
        if kind == "summaryEvent":
            return {kind: {key: result[key] for key in ("resourceChanges", "result") if key in result}}
        if kind == "policyEvent":
            return {kind: {key: result[key] for key in _KEPT_OF_A_POLICY if key in result}}
        if kind == "diagnosticEvent":
            if result["severity"] == "debug":
                return None
            return {kind: {key: result[key] for key in ("urn", "prefix", "message", "severity") if key in result}}
        if kind == "resourcePreEvent" and (result["metadata"]["op"], result["metadata"]["urn"]) in done:
            return None
        step = {key: result["metadata"][key] for key in _KEPT_OF_A_STEP if result["metadata"].get(key) is not None}
        empty = _says_nothing(step)
        states = {side: {} if empty else _state(step[side]) for side in ("old", "new") if side in step}
        return {kind: {"metadata": {**step, **states}}}
    return None


def _says_nothing(step: Mapping[str, Any]) -> bool:
    """The states of what stays as it is; but those of components hold the cost."""
    unchanged = step["op"] in ("same", "refresh") and "detailedDiff" not in step and "new" in step
    return unchanged and "dynamic/" in step["type"]


def _state(state: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: state[key] for key in ("retainOnDelete",) if state.get(key)}
    for side in ("inputs", "outputs"):
        if state.get(side):
            kept[side] = {key: value for key, value in state[side].items() if key != "__provider"}
    return kept


def _renamed(value: Any, words: re.Pattern[str], named: Mapping[str, str]) -> Any:
    match value:
        case str():
            return words.sub(lambda found: named[found[0]], value)
        case list():
            return [_renamed(item, words, named) for item in value]
        case dict():
            return {key: _renamed(item, words, named) for key, item in value.items()}
    return value
