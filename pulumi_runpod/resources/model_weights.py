"""`ModelWeights`: which weights lie on which volume. Sent over S3 by the machine that runs the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NotRequired, TypedDict

import pulumi

from pulumi_runpod.resources import providers
from pulumi_runpod.resources.resource import RunPodResource


@dataclass(frozen=True)
class LocalDirectory:
    """Files below a directory of this machine. Names that begin with a dot are not taken."""

    path: str
    """The directory; a relative path is one from the program's directory."""
    include: Sequence[str] = ("*",)
    """Globs on paths in it, of which one must match (`*` matches `/`, too)."""
    exclude: Sequence[str] = ()
    """Globs on paths in it, of which none may match."""

    def props(self) -> dict[str, object]:
        return _props("directory", {"path": str(self.path)}, self.include, self.exclude)


@dataclass(frozen=True)
class HuggingFaceSnapshot:
    """A repository as `hf download REPOSITORY` has put it into the cache of this machine. Nothing is fetched here."""

    repository: str
    """`ORGANIZATION/NAME`, as the hub has it."""
    revision: str = "main"
    """Branch, tag or commit."""
    include: Sequence[str] = ("*",)
    """Globs on paths in it, of which one must match (`*` matches `/`, too)."""
    exclude: Sequence[str] = ()
    """Globs on paths in it, of which none may match."""

    def props(self) -> dict[str, object]:
        named = {"repository": self.repository, "revision": self.revision}
        return _props("huggingface", named, self.include, self.exclude)


class WeightsUrl(TypedDict):
    """A file behind an http(s) URL."""

    url: str
    """http or https."""
    sha256: str
    """Hexadecimal. What comes with another one is refused."""
    path: NotRequired[str]
    """Where it goes, below the path of the weights. Default: the last part of the URL's path."""


@dataclass(frozen=True)
class Urls:
    """Files that are fetched by the machine that runs the engine, checked, and sent on, one after the other."""

    files: Sequence[WeightsUrl]
    """Each with its SHA-256."""

    def props(self) -> dict[str, object]:
        return {"kind": "urls", "files": [dict(file) for file in self.files]}


def source_mistake(source: object) -> str | None:
    """Why a value is no source of weights, or None."""
    if isinstance(source, LocalDirectory | HuggingFaceSnapshot | Urls):
        return None
    example = "weights" if not isinstance(source, str) else source
    return (
        f"must be LocalDirectory({example!r}), HuggingFaceSnapshot('ORGANIZATION/NAME') or Urls([...]), got {source!r}"
    )


class ModelWeights(RunPodResource, name="ModelWeights"):
    """A set of files in a folder of a volume, whole or not at all.

    Needs an S3 API key: `runpod:s3AccessKeyId` and `runpod:s3SecretAccessKey`, or RUNPOD_S3_ACCESS_KEY_ID and
    RUNPOD_S3_SECRET_ACCESS_KEY. Only what is missing or different is sent, large files in parts; an interrupted upload
    goes on with the next `up`. `READY.json`, written last, lists every file with size and SHA-256.
    """

    volume_id: pulumi.Output[str]
    data_center: pulumi.Output[str]
    path: pulumi.Output[str]
    retain_on_delete: pulumi.Output[bool]
    digest: pulumi.Output[str]
    """Names the content: the same files give the same digest, wherever they come from."""
    file_count: pulumi.Output[int]
    total_bytes: pulumi.Output[int]

    _implementation = providers.MODEL_WEIGHTS
    _input_names = ("volume_id", "data_center", "path", "source", "retain_on_delete")
    _output_names = ("digest", "file_count", "total_bytes")

    def __init__(
        self,
        resource_name: str,
        *,
        volume_id: pulumi.Input[str],
        data_center: pulumi.Input[str],
        source: LocalDirectory | HuggingFaceSnapshot | Urls,
        path: pulumi.Input[str] | None = None,
        retain_on_delete: bool = True,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param volume_id: The volume. Another one gets the whole set anew.
        :param data_center: Where the volume is; one of those whose volumes offer S3.
        :param source: What to send. It is looked at in every preview; what was not changed is not read again.
        :param path: Folder on the volume. Default: `models/<resource_name>`.
        :param retain_on_delete: False: deleting the resource, or moving it, removes the files from the volume.
        """
        if (mistake := source_mistake(source)) is not None:
            raise pulumi.RunError(f"ModelWeights {resource_name!r}: source: {mistake}")
        props = {
            "volume_id": volume_id,
            "data_center": data_center,
            "source": source.props(),
            "path": f"models/{resource_name}" if path is None else path,
            "retain_on_delete": retain_on_delete,
        }
        super().__init__(resource_name, props, opts)

    @property
    def mount_path(self) -> pulumi.Output[str]:
        """Where a worker finds the weights."""
        return pulumi.Output.concat("/runpod-volume/", self.path)


def _props(kind: str, named: dict[str, str], include: Sequence[str], exclude: Sequence[str]) -> dict[str, object]:
    return {"kind": kind, **named, "include": list(include), "exclude": list(exclude)}
