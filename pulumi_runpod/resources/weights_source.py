"""Where weights come from: a local directory, a snapshot in this machine's Hugging Face cache, or URLs with checksums.

Nothing here goes to the network to find out what a source holds: URLs come with their SHA-256, and all else is on the
disk of the machine that runs the engine.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from pulumi_runpod.client.file_digests import FileDigests
from pulumi_runpod.client.file_set import WantedFile
from pulumi_runpod.errors import Failure, InvalidInput
from pulumi_runpod.wire.model import JsonObject
from pulumi_runpod.wire.volume_s3 import MANIFEST


class _Source(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


Globs = tuple[str, ...]


class DirectorySource(_Source):
    kind: Literal["directory"]
    path: Annotated[str, Field(min_length=1)]
    include: Globs = ("*",)
    exclude: Globs = ()

    def files(self, digests: FileDigests) -> list[WantedFile]:
        folder = Path(self.path).expanduser()
        if not folder.is_dir():
            raise _mistake("path", f"{folder.absolute()} is no directory on this machine")
        return _files_of(folder, self.include, self.exclude, digests)


class HuggingFaceSource(_Source):
    kind: Literal["huggingface"]
    repository: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")]
    revision: Annotated[str, Field(pattern=r"^[\w./-]+$")] = "main"
    include: Globs = ("*",)
    exclude: Globs = ()

    def files(self, digests: FileDigests) -> list[WantedFile]:
        cached = _hub_cache() / f"models--{self.repository.replace('/', '--')}"
        reference = cached / "refs" / self.revision
        commit = reference.read_text().strip() if reference.is_file() else self.revision
        folder = cached / "snapshots" / commit
        if not folder.is_dir() or ".." in self.revision:
            raise _mistake(
                "revision",
                f"{self.repository} at {self.revision} is not in the Hugging Face cache of this machine ({cached}); "
                f"fetch it: hf download {self.repository} --revision {self.revision}",
            )
        return _files_of(folder, self.include, self.exclude, digests)


class UrlFile(_Source):
    url: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")]
    path: str = ""

    @field_validator("url")
    @classmethod
    def _http(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise PydanticCustomError("url", "must be an http or https URL")
        return value

    @property
    def place(self) -> str:
        return self.path or unquote(urlsplit(self.url).path.rsplit("/", 1)[-1])


class UrlsSource(_Source):
    kind: Literal["urls"]
    files_: Annotated[tuple[UrlFile, ...], Field(alias="files", min_length=1)]

    def files(self, digests: FileDigests) -> list[WantedFile]:  # noqa: ARG002 - checksums come with the URLs
        places = [file.place for file in self.files_]
        for i, place in enumerate(places):
            if wrong := path_mistake(place):
                raise _mistake(f"files[{i}].path", wrong)
            if place in places[:i]:
                raise _mistake(f"files[{i}].path", f"{place} is given twice")
        return [
            WantedFile(place, file.sha256.lower(), _Fetch(file.url, file.sha256.lower()))
            for place, file in zip(places, self.files_, strict=True)
        ]


AnySource = Annotated[DirectorySource | HuggingFaceSource | UrlsSource, Field(discriminator="kind")]
_SOURCES: TypeAdapter[DirectorySource | HuggingFaceSource | UrlsSource] = TypeAdapter(AnySource)


def files_of(source: JsonObject, digests: FileDigests) -> list[WantedFile]:
    """The files that a source holds now. Raises `InvalidInput` with every mistake (paths below `source`)."""
    try:
        parsed = _SOURCES.validate_python(source)
    except ValidationError as error:
        result = error.errors(include_input=False, include_url=False, include_context=False)
        raise InvalidInput(
            "source", [Failure(_where(e["loc"]), _reason(e)) for e in result if not _follows(e, result)]
        ) from None
    try:
        found = parsed.files(digests)
    except OSError as error:
        raise _mistake("", f"{error.filename}: {error.strerror}") from error
    if not found:
        raise _mistake("", "holds no file that is wanted: names that begin with a dot are never taken")
    return found


def path_mistake(path: str) -> str | None:
    """What is wrong with a path on a volume, or None."""
    parts = path.split("/")
    if not path or any(part in ("", ".", "..") for part in parts) or "\0" in path or len(path.encode()) > 900:
        return f"{path!r} is no path below the volume's root: write it as a/b/c, without '.' and '..'"
    if parts[0].startswith("."):
        return f"{path!r} begins with a dot, as the service's own folders do"
    return None


def _files_of(folder: Path, include: Sequence[str], exclude: Sequence[str], digests: FileDigests) -> list[WantedFile]:
    found = []
    for path in sorted(_walk(folder)):
        name = path.relative_to(folder).as_posix()
        if name == MANIFEST or not any(fnmatchcase(name, g) for g in include):
            continue
        if any(fnmatchcase(name, g) for g in exclude):
            continue
        try:
            size, sha256 = digests.of(path)
        except OSError as error:
            raise _mistake("", f"{path}: {error.strerror}") from error
        found.append(WantedFile(name, sha256, _Local(path), size))
    return found


def _walk(folder: Path) -> Iterator[Path]:
    """Files, those behind links included; directories behind links are not entered, hidden names not taken."""
    for above, names, files in os.walk(folder):
        names[:] = [name for name in names if not name.startswith(".")]
        yield from (Path(above, name) for name in files if not name.startswith("."))


@dataclass(frozen=True)
class _Local:
    path: Path

    def __call__(self) -> AbstractContextManager[Path]:
        return nullcontext(self.path)


@dataclass(frozen=True)
class _Fetch:
    url: str = field(repr=False)
    sha256: str

    def __call__(self) -> AbstractContextManager[Path]:
        from pulumi_runpod.client.file_download import fetched

        return fetched(self.url, self.sha256)


def _hub_cache() -> Path:
    """Where `huggingface_hub` keeps snapshots, by its own variables."""
    if cache := os.environ.get("HF_HUB_CACHE"):
        return Path(cache).expanduser()
    home = os.environ.get("HF_HOME") or str(Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface")
    return Path(home).expanduser() / "hub"


def _mistake(path: str, reason: str) -> InvalidInput:
    return InvalidInput("source", [Failure(f"source.{path}" if path else "source", reason)])


def _follows(error: ErrorDetails, errors: Sequence[ErrorDetails]) -> bool:
    """Whether a list counts as too short only because its items are wrong."""
    loc = error["loc"]
    return error["type"] == "too_short" and any(e["loc"][: len(loc)] == loc != e["loc"] for e in errors)


def _reason(error: ErrorDetails) -> str:
    match error["type"]:
        case "union_tag_invalid" | "union_tag_not_found":
            return "must be LocalDirectory(...), HuggingFaceSnapshot(...) or Urls(...)"
        case "missing":
            return "is missing"
    return error["msg"].replace("Input should", "must").replace("String should", "must")


def _where(loc: Sequence[str | int]) -> str:
    """pydantic names the kind in between, which is no property."""
    steps = [s for s in loc if s not in ("directory", "huggingface", "urls")]
    return "source" + "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in steps)
