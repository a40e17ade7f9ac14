"""Recorded events of the real engine -> what changes, what it costs, what has drifted, why it failed."""

from __future__ import annotations

import json

import pytest

from pulumi_runpod.gitops.events import read_events
from pulumi_runpod.gitops.preview import CostChange, MonthlyCost, PropertyChange, StackPreview
from pulumi_runpod.gitops.reading import read_preview
from tests.gitops.golden_events import FAILED, golden_lines, golden_preview
from tests.gitops.project.situations import SITUATIONS

DIGESTS = tuple(f"registry.example.com/team/worker@sha256:{digit * 12}…" for digit in "ab")
COST = MonthlyCost(low=20.05, expected=104.09, high=253.13)
Change = tuple[str, str, str]


def changes(preview: StackPreview) -> list[Change]:
    return [(change.action, change.kind, change.name) for change in preview.changes]


def paths(preview: StackPreview, kind: str) -> dict[str, tuple[str | None, str | None]]:
    (change,) = (change for change in preview.changes if change.kind == kind)
    return {p.path: (p.before, p.after) for p in change.properties}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_every_situation_is_recorded_and_read(situation: str) -> None:
    """Failed where the engine failed, and nowhere else; JSON and back is the same."""
    preview = golden_preview(situation)

    assert preview.failed == (situation in FAILED)
    document = json.loads(json.dumps(preview.json_ready()))
    assert document.pop("failed") == preview.failed
    assert StackPreview.model_validate(document) == preview


def test_a_first_deployment_is_created_and_costs_from_nothing() -> None:
    """Every resource is new; there was no cost before; nothing stops answering."""
    preview = golden_preview("create")

    assert changes(preview) == [
        ("create", "Endpoint", "sdxl"),
        ("create", "NetworkVolume", "weights"),
        ("create", "ServerlessService", "sdxl"),
        ("create", "Template", "sdxl"),
    ]
    assert preview.cost == CostChange(now=None, then=COST)
    assert (preview.urls, preview.drift, preview.unchanged) == ((), (), 0)


def test_nothing_to_do_is_no_change() -> None:
    """Four resources stay, at the same cost."""
    preview = golden_preview("unchanged")

    assert (preview.changes, preview.unchanged) == ((), 4)
    assert preview.cost == CostChange(now=COST, then=COST)


def test_an_update_tells_each_property_from_what_to_what() -> None:
    """Digests are shortened, numbers are whole, and the cost goes up."""
    preview = golden_preview("update")

    assert paths(preview, "Endpoint") == {
        "gpu.pools[0]": ("ADA_24", "AMPERE_80"),
        "image": DIGESTS,
        "workers.idle_timeout": ("5", "60"),
        "workers.max": ("3", "5"),
    }
    assert paths(preview, "Template") == {"image": DIGESTS}
    assert preview.cost is not None
    assert (preview.cost.now, preview.cost.then) == (COST, MonthlyCost(low=1827.25, expected=7024.58, high=9861))
    assert [notice.text[:5] for notice in preview.warnings] == ["RP012", "RP014"]


def test_a_replacement_is_one_change_and_takes_the_url() -> None:
    """Of three steps one is reported, with its reason; the URL that stops answering is known, the next one is not."""
    preview = golden_preview("replace")

    assert changes(preview) == [("replace", "Endpoint", "images"), ("replace", "NetworkVolume", "scratch")]
    assert [change.replaced_for for change in preview.changes] == [("type",), ("data_center",)]
    (url,) = preview.urls
    assert url.replaced
    assert url.url == "http://127.0.0.1:1/v2/id-of-endpoint-images/run"
    assert preview.changes[1].loses_data


def test_a_deletion_loses_urls_and_data_unless_the_object_is_kept() -> None:
    """Both endpoints' URLs, one volume; the volume with `retain_on_delete` goes on to exist."""
    preview = golden_preview("delete")

    assert [url.name for url in preview.urls] == ["old", "sdxl"]
    assert not any(url.replaced for url in preview.urls)
    assert {c.name: c.loses_data for c in preview.changes if c.kind == "NetworkVolume"} == {
        "kept": False,
        "weights": True,
    }
    assert preview.cost == CostChange(now=COST, then=None)


@pytest.mark.parametrize(
    ("situation", "reason"),
    [
        pytest.param("advice-stops", "sdxl: RP002 callers give up", id="advice"),
        pytest.param("refused", "weights: size: is 10 GB, but the volume has 20 GB", id="a refused property"),
        pytest.param("crash", "ValueError: the settings are wrong", id="an exception"),
    ],
)
def test_a_failure_has_one_reason_and_no_cost(situation: str, reason: str) -> None:
    """The engine's repetitions and the traceback are left out; a half program's cost is not reported."""
    preview = golden_preview(situation)

    (error,) = preview.errors
    assert error.startswith(reason)
    assert "Traceback" not in error
    assert preview.cost is None


def test_an_exception_names_its_place() -> None:
    """File and line of the program."""
    assert '(File "/project/situations.py", line' in golden_preview("crash").errors[0]


def test_secrets_are_never_read() -> None:
    """The engine writes no plain secret into events; a changed password is reported as changed, a new key as new."""
    preview = golden_preview("secrets")

    assert "correct-horse" not in "".join(golden_lines("secrets"))
    assert paths(preview, "RegistryCredential") == {"password": ("[secret]", "[secret]")}
    assert paths(preview, "Template") == {"env.OTHER": (None, "[secret]")}
    assert [notice.text for notice in preview.notices] == ["as it will be: the key is [secret]"]


def test_drift_has_a_cause_each() -> None:
    """RunPod's own doing is distinguished from a person's, per object, and once; a deleted object is gone."""
    preview = golden_preview("drift")
    drift = {(d.kind, d.name): d for d in preview.drift}
    causes = {key: d.cause.split(" ")[0] for key, d in drift.items()}

    assert causes == {
        ("Endpoint", "gone"): "deleted",
        ("Endpoint", "idle"): "RunPod",
        ("Endpoint", "sdxl"): "RunPod",
        ("NetworkVolume", "weights"): "changed",
        ("Template", "sdxl"): "changed",
    }
    assert drift["Endpoint", "gone"].gone
    assert drift["Endpoint", "idle"].properties == (PropertyChange(path="workers.max", before="5", after="2"),)
    assert "RunPod has lowered workers.max from 5 to 2" in drift["Endpoint", "idle"].cause
    assert not preview.warnings


def test_what_somebody_did_is_not_blamed_on_the_platform() -> None:
    """An endpoint that RunPod has scaled down and a person has edited has an entry, with its own cause, for each."""
    events = [json.loads(line) for line in golden_lines("drift")]
    for event in events:
        step = event.get("resOutputsEvent", {}).get("metadata", {})
        if step.get("op") == "refresh" and step["urn"].endswith("Endpoint::idle"):
            step["detailedDiff"]["flashboot"] = {"diffKind": "update", "inputDiff": False}
    preview = read_preview("drift", read_events(map(json.dumps, events)))
    found = [(d.properties[0].path, d.cause.split(" ")[0]) for d in preview.drift if d.name == "idle"]

    assert found == [("workers.max", "RunPod"), ("flashboot", "changed")]


def test_two_hundred_resources_are_counted() -> None:
    """Of 200, 80 stay: 60 are updated, 60 are deleted, 40 are new."""
    preview = golden_preview("many")

    assert preview.unchanged == 80
    assert {action: preview.count(action) for action in ("create", "update", "delete", "replace")} == {  # type: ignore[arg-type]
        "create": 40,
        "update": 60,
        "delete": 60,
        "replace": 0,
    }


def test_a_failure_without_a_word_is_still_one() -> None:
    """An exit code alone."""
    assert read_preview("dev", [], exit_code=255).errors == ("pulumi ended with exit code 255 and gave no reason",)


def test_unknown_events_and_broken_lines_are_passed_over() -> None:
    """A newer engine tells more; other programs print between."""
    lines = ["", "hello", "{", '{"newEvent": {"a": 1}}', '{"resOutputsEvent": {"metadata": 3}}', "[1]"]
    read = read_preview("dev", read_events([*lines, *golden_lines("create")]))

    assert changes(read) == changes(golden_preview("create"))


def test_a_mask_reaches_texts_before_they_are_cut() -> None:
    """A long value that is shown with its middle left out shows no half of a secret."""
    secret = "s3cr3t" * 20
    lines = [line.replace("registry.example.com/team/worker@", f"{secret}@") for line in golden_lines("update")]
    read = read_preview("dev", read_events(lines, lambda text: text.replace(secret, "[secret]")))

    assert "s3cr3t" not in read.model_dump_json()
    assert paths(read, "Template") == {"image": ("[secret]", "[secret]")}


def test_what_policies_have_found_is_kept_apart_from_what_went_wrong() -> None:
    """Mandatory ones first, each once, of a resource or of the stack as a whole; the change and its cost are known."""
    preview = golden_preview("policies")

    assert [(v.policy, v.name, v.mandatory) for v in preview.violations] == [
        ("gpu-allow-list", "sdxl", True),
        ("stack-cost-ceiling", None, True),
        ("endpoint-cost-ceiling", "sdxl", False),
    ]
    assert preview.violations[0].text.startswith("sdxl uses AMPERE_80; allowed are")
    assert preview.failed
    assert preview.errors == ()
    assert preview.reasons[0].startswith("policy gpu-allow-list (runpod), sdxl: sdxl uses")
    assert preview.cost is not None
