"""Weights on a volume: no object of the control plane, but a folder of files, known by the digest of its content.

`check` reads the source on this machine (hashes are cached by size and time of change) and never the network. `read`
compares the volume's listing with its manifest; a set that is not whole has its own digest, so that the next `up`
mends it. Deleting leaves the data, by default.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from pulumi_runpod.client.file_digests import FileDigests
from pulumi_runpod.client.file_set import OnProgress, Progress, Reality, inspect, remove, synchronise
from pulumi_runpod.client.volume_files import VolumeFiles
from pulumi_runpod.errors import Failure, InvalidInput, OtherAccount, RunPodError, VolumeError
from pulumi_runpod.resources.declaration import NO_DECLARATION, Declaration
from pulumi_runpod.resources.lifecycle import KEY_DIGEST
from pulumi_runpod.resources.outcome import Checked, Created, Differences, Found, Updated
from pulumi_runpod.resources.values import known, normal_object
from pulumi_runpod.resources.weights_source import files_of, path_mistake
from pulumi_runpod.settings import Settings
from pulumi_runpod.wire.model import JsonObject
from pulumi_runpod.wire.volume_s3 import DATA_CENTERS, Manifest, set_digest

REPLACING = ("volume_id", "data_center", "path")
INPUTS = (*REPLACING, "source", "retain_on_delete", "digest")
_NAMED = 5
_PROGRESS_STEP = 0.1


class Api(Protocol):
    """The client, of which only the settings are used: files have a key and hosts of their own."""

    @property
    def settings(self) -> Settings: ...


class ModelWeightsLifecycle:
    secret_fields: frozenset[str] = frozenset()

    def __init__(
        self, *, digests: Callable[[], FileDigests] = FileDigests, tell: Callable[[str], None] = print
    ) -> None:
        """`tell` hears how far an upload is: the engine shows what a provider prints."""
        self._digests = digests
        self._tell = tell

    def check(self, olds: JsonObject, news: JsonObject) -> Checked:  # noqa: ARG002 - what every kind takes
        """Inputs with the digest of what the source holds now."""
        inputs = {key: value for key, value in normal_object(news).items() if key in INPUTS}
        inputs.setdefault("retain_on_delete", True)
        failures = [*_mistakes(inputs)]
        source = inputs.get("source")
        if isinstance(source, dict) and known(source):
            try:
                files = files_of(source, self._digests())
            except InvalidInput as wrong:
                failures += wrong.failures
            else:
                inputs["digest"] = set_digest((f.path, f.sha256) for f in files)
        elif source is None or known(source):
            failures.append(Failure("source", "must be LocalDirectory(...), HuggingFaceSnapshot(...) or Urls(...)"))
        return Checked(inputs, failures)

    def diff(self, object_id: str, olds: JsonObject, news: JsonObject) -> Differences:  # noqa: ARG002 - as above
        """Another place means another set; all else is a change in place."""
        return Differences(
            tuple(key for key in REPLACING if key in news and known(news[key]) and news[key] != olds.get(key))
        )

    def create(self, api: Api, news: JsonObject, _declaration: Declaration = NO_DECLARATION) -> Created:
        """Also the way to go on with an upload that was interrupted: what is there already is not sent again."""
        outs = self._synchronised(api, normal_object(news))
        return Created(f"{outs['volume_id']}/{outs['path']}", outs)

    def read(self, api: Api, object_id: str, olds: JsonObject) -> Found:
        olds = normal_object(olds)
        try:
            with _opened(api, olds) as volume:
                reality = inspect(volume, olds["path"])
        except VolumeError as error:
            if error.code == "NoSuchBucket" and _seen_here(api, olds, unrecorded=True):
                return Found(None)
            raise _other_account("LIST", api, object_id, olds, error) from error
        if not reality.present:
            return Found(None)
        digest = _digest_of(reality)
        notices = (
            () if reality.whole else (f"weights {object_id}: {_described(reality)}. The next `pulumi up` mends it",)
        )
        outs = {**olds, **_size(reality.manifest), "digest": digest, KEY_DIGEST: _fingerprint(api, olds)}
        return Found(object_id, outs, {key: outs[key] for key in INPUTS if key in outs}, notices)

    def update(self, api: Api, object_id: str, olds: JsonObject, news: JsonObject) -> Updated:  # noqa: ARG002 - as above
        """No call when nothing but the way to delete has changed."""
        olds, news = normal_object(olds), normal_object(news)
        if news["digest"] == olds.get("digest"):
            return Updated({**olds, **news})
        return Updated(self._synchronised(api, news))

    def delete(self, api: Api, object_id: str, olds: JsonObject) -> None:
        """No call when the data stays; a volume that is gone has taken it along."""
        olds = normal_object(olds)
        if olds.get("retain_on_delete", True):
            return
        try:
            with _opened(api, olds) as volume:
                remove(volume, olds["path"])
        except VolumeError as error:
            if error.code != "NoSuchBucket" or not _seen_here(api, olds):
                raise _other_account("DELETE", api, object_id, olds, error) from error

    def _synchronised(self, api: Api, news: JsonObject) -> JsonObject:
        files = files_of(news["source"], self._digests())
        found = set_digest((f.path, f.sha256) for f in files)
        if found != news["digest"]:
            raise InvalidInput("source", [Failure("source", "was changed since it was checked: run `pulumi up` again")])
        where = f"{news['volume_id']}/{news['path']}"
        with _opened(api, news) as volume:
            sent = synchronise(volume, news["path"], files, on_progress=_in_steps(where, self._tell))
        return {**news, **_size(sent.manifest), KEY_DIGEST: _fingerprint(api, news)}


def _mistakes(inputs: JsonObject) -> list[Failure]:
    failures = []
    for key in REPLACING:
        value = inputs.get(key)
        if value is None:
            failures.append(Failure(key, "is required"))
        elif known(value) and not (isinstance(value, str) and value):
            failures.append(Failure(key, f"must be a text, got {value!r}"))
    data_center, path = inputs.get("data_center"), inputs.get("path")
    if isinstance(data_center, str) and data_center not in DATA_CENTERS:
        failures.append(
            Failure("data_center", f"{data_center!r} has no S3 API; these have: {', '.join(sorted(DATA_CENTERS))}")
        )
    if isinstance(path, str) and (wrong := path_mistake(path)):
        failures.append(Failure("path", wrong))
    if known(inputs["retain_on_delete"]) and not isinstance(inputs["retain_on_delete"], bool):
        failures.append(Failure("retain_on_delete", "must be true or false"))
    return failures


def _opened(api: Api, props: JsonObject) -> VolumeFiles:
    return VolumeFiles(api.settings, data_center=props["data_center"], volume_id=props["volume_id"])


def _fingerprint(api: Api, props: JsonObject) -> str:
    return api.settings.s3_digest(props["data_center"])


def _seen_here(api: Api, olds: JsonObject, *, unrecorded: bool = False) -> bool:
    """Whether the files were last seen with this S3 key and endpoint; `unrecorded`: the answer where nothing says."""
    if api.settings.accept_vanished:
        return True
    return olds[KEY_DIGEST] == _fingerprint(api, olds) if KEY_DIGEST in olds else unrecorded


def _other_account(method: str, api: Api, object_id: str, olds: JsonObject, error: VolumeError) -> RunPodError:
    """The error itself, except where a volume is missing that another key or endpoint has seen."""
    if error.code != "NoSuchBucket":
        return error
    return OtherAccount(
        f"S3 {method}",
        object_id,
        kind="volume of these weights",
        seen_with=olds.get(KEY_DIGEST, ""),
        now=f"{_fingerprint(api, olds)} ({olds['data_center']})",
        settings="`runpod:s3AccessKeyId`, `runpod:s3SecretAccessKey`, `runpod:s3EndpointUrl`",
    )


def _size(manifest: Manifest | None) -> JsonObject:
    files = manifest.files if manifest else ()
    return {"file_count": len(files), "total_bytes": sum(f.size for f in files)}


def _digest_of(reality: Reality) -> str:
    if reality.manifest is None:
        return "incomplete"
    return reality.manifest.digest if reality.whole else f"drifted: {_described(reality)}"


def _described(reality: Reality) -> str:
    if reality.manifest is None:
        return "the upload is not whole: READY.json is missing, or cannot be read"
    wrong = (("missing", reality.missing), ("different", reality.different))
    return "; ".join(
        f"{how}: {', '.join(paths[:_NAMED])}{', ...' if len(paths) > _NAMED else ''}" for how, paths in wrong if paths
    )


def _in_steps(where: str, tell: Callable[[str], None]) -> OnProgress:
    """One line for every tenth: an upload of an hour should not be silent, nor one of a second loud."""
    result = 0.0

    def on_progress(progress: Progress) -> None:
        nonlocal result
        share = progress.done / progress.total if progress.total else 1.0
        if share >= result + _PROGRESS_STEP or share >= 1.0 > result:
            result = share
            tell(f"weights {where}: {progress.done / 1e6:.0f} of {progress.total / 1e6:.0f} MB ({progress.path})")

    return on_progress


LIFECYCLE = ModelWeightsLifecycle()
