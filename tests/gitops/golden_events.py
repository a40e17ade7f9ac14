"""The recorded events, read as a preview."""

from __future__ import annotations

from pulumi_runpod.gitops.events import Event, read_events
from pulumi_runpod.gitops.preview import StackPreview
from pulumi_runpod.gitops.reading import read_preview
from tests.gitops.recording import GOLDEN

FAILED = frozenset({"advice-stops", "refused", "crash", "policies"})


def golden_lines(situation: str) -> list[str]:
    return (GOLDEN / f"{situation}.jsonl").read_text(encoding="utf-8").splitlines()


def golden_events(situation: str) -> list[Event]:
    return list(read_events(golden_lines(situation)))


def golden_preview(situation: str, stack: str | None = None) -> StackPreview:
    return read_preview(stack or situation, golden_events(situation), exit_code=int(situation in FAILED))
