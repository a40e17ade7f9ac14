"""What a service answered to the script, step by step, with everything replaced that differs from run to run."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pulumi_runpod.client.exchange import Answer
from pulumi_runpod.errors import RunPodError

_MILLISECONDS = frozenset({"delayTime", "executionTime", "uptimeSeconds", "retryAfter"})
_NAMES = frozenset(
    {"workerId", "podId", "dataCenterId", "dataCenter", "gpuTypeId", "imageDigest", "traceId", "instance"}
)
"""Members whose values say where something ran, not how the service behaves."""
_TIME = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)$")
_URL = re.compile(r"https?://[^/\s\"]+")


class Step(BaseModel):
    """One request, or one look at several answers over time (`method` LOOK: `body` is what they have in common)."""

    model_config = ConfigDict(extra="forbid")

    name: str
    method: str
    path: str
    status: int | None = None
    media_type: str = ""
    body: Any = None


class Recording(BaseModel):
    """The answers of one service."""

    model_config = ConfigDict(extra="forbid")

    format: int = 1
    service: str
    """Host of the control plane."""
    recorded: str
    """Date, ISO 8601."""
    steps: list[Step] = Field(default_factory=list)

    def write(self, file: Path) -> None:
        """Raises RunPodError where the file cannot be written."""
        try:
            file.write_text(json.dumps(self.model_dump(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        except OSError as error:
            raise RunPodError(f"{file} -> {error.strerror}: name a file that can be written") from error


def read_recording(file: Path) -> Recording:
    """Raises RunPodError for a file that cannot be read, or holds something else."""
    try:
        return Recording.model_validate_json(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunPodError(f"{file} -> {error.strerror}: name a file written by `parity --record`") from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "file"
        raise RunPodError(f"{file} -> {where}: {first['msg']}: name a file written by `parity --record`") from error


class Normaliser:
    """Replaces ids, names, addresses, times and secrets by what they are. Learns each id when it is made."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        """`secrets`: text -> what it is called in the recording."""
        self._known = {text: f"<{name}>" for text, name in secrets.items() if text}

    def learn(self, text: object, name: str) -> None:
        if isinstance(text, str) and text:
            self._known[text] = f"<{name}>"

    def text(self, value: str) -> str:
        """Longest first: one id may be part of another."""
        for known in sorted(self._known, key=len, reverse=True):
            value = value.replace(known, self._known[known])
        return "<time>" if _TIME.match(value) else _URL.sub("<url>", value)

    def value(self, value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: self.value(item, key) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if name in _NAMES and value is not None:
            return f"<{name}>"
        if name in _MILLISECONDS and isinstance(value, int | float):
            return f"<{name}>"
        return self.text(value) if isinstance(value, str) else value

    def step(self, name: str, method: str, path: str, answer: Answer) -> Step:
        return Step(
            name=name,
            method=method,
            path=self.text(path),
            status=answer.status,
            media_type=answer.media_type,
            body=self.value(answer.body),
        )
