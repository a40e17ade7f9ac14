"""`WorkerImage`: builds a worker's image, pushes it, and hands on its reference, pinned to the digest.

Built with `pulumi-docker-build`, which needs no Docker engine, only a builder. Nothing is built in a preview, and
nothing at all while the sources are what they were. Images stay in the registry when the program forgets them, since
other stacks may run them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import pulumi

from pulumi_runpod.components.build_log import failing_step_hook
from pulumi_runpod.components.image_size import SizeTeller
from pulumi_runpod.components.unknown import unknown
from pulumi_runpod.components.worker_source import content_digest, portable, worker_source
from pulumi_runpod.errors import MissingExtra
from pulumi_runpod.extras import require
from pulumi_runpod.resources.registry_credential import RegistryCredential

if TYPE_CHECKING:
    import pulumi_docker_build as docker_build

Compression = Literal["gzip", "zstd", "uncompressed"]

_HOST = re.compile(r"^(localhost|[^/]+[.:][^/]*)/[a-z0-9._/-]+$")


@dataclass(frozen=True, kw_only=True)
class WorkerImageArgs:
    """An image of what lies in `source`."""

    repository: str
    """Where it is pushed: `registry.example.com/team/worker`, without a tag."""
    source: Path | str | None = None
    """Folder with the Dockerfile and all that it copies. Default: the SDXL worker that this package brings along."""
    tag: str | None = None
    """A name for people; endpoints go by the digest. Default: the stack's."""
    dockerfile: str = "Dockerfile"
    """In `source`. What `.dockerignore` there leaves out is neither sent nor looked at for changes."""
    dependencies: str | None = None
    """Dockerfile of an image for the packages, in `source`: built when it or what its own ignore file lets through has
    changed, and given to the other one as the build argument DEPENDENCIES. Default: `dependencies.Dockerfile` where
    there is one.
    """
    base_image: pulumi.Input[str] | None = None
    """Build argument BASE_IMAGE of the lower image. Default: what its Dockerfile says."""
    build_args: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Further ones, for both. Never secrets: they stay in the image."""
    build_contexts: Mapping[str, str] = field(default_factory=dict)
    """Further folders that the upper Dockerfile copies from, by name: `{"weights": DIR}` beside
    `build_args={"WEIGHTS": "baked"}` puts the weights into the image.
    """
    secrets: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Build secrets, which leave no trace in an image, for both: `pip` is a pip.conf, `ca` a bundle of certificates."""
    extra_ca: Path | str | None = None
    """File with the certificates that the build is to trust, as the secret `ca`. A new one alone builds nothing.
    Default: those of the builder alone.
    """
    username: pulumi.Input[str] | None = None
    """For the registry, with `password`. Given to RunPod, too. Default: what Docker on this machine is logged in with,
    and then RunPod must be able to pull without.
    """
    password: pulumi.Input[str] | None = None
    """Password or token of `username`; goes with it. Secret in the state."""
    cache: bool = True
    """Let builders that have nothing, such as those of CI, take the packages from `repository:dependencies` instead of
    installing them again. Costs the registry nothing: what they need to know is a page in that image.
    """
    compression: Compression = "gzip"
    """Of the lower image's layers. `uncompressed` is the quickest where registry and builder are close."""
    builder: str | None = None
    """Name of a buildx builder. Default: the one that Docker has chosen, or another that works."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Of both images."""


class WorkerImage(pulumi.ComponentResource):
    """Type `runpod:components:WorkerImage`."""

    ref: pulumi.Output[str]
    """`repository:tag@sha256:...`"""
    registry_credential: RegistryCredential | None
    """What RunPod pulls the image with, where `username` and `password` are given: `registry` of a service."""

    _component_type: ClassVar[str] = "runpod:components:WorkerImage"

    def __init__(self, name: str, args: WorkerImageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(self._component_type, name, None, opts)
        try:
            require("image", f"WorkerImage {name!r}")
        except MissingExtra as missing:
            raise pulumi.RunError(str(missing)) from None
        source = _checked(name, args)
        sizes = SizeTeller(name, username=args.username, password=args.password)
        hooks = pulumi.ResourceHookBinding(
            on_error=[failing_step_hook(name, args.builder, args.repository)],
            after_create=[sizes.hook],
            after_update=[sizes.hook],
        )
        # A registry is nobody's scratch pad: the image that is replaced here may be what another stack runs.
        child = pulumi.ResourceOptions(parent=self, retain_on_delete=True, hooks=hooks)
        build_args: Mapping[str, pulumi.Input[str]] = {**args.build_args, "SOURCE_DATE_EPOCH": "0"}
        below = args.dependencies or _usual_dependencies(source)
        if below is not None:
            lower = _image(f"{name}-dependencies", args, source, below, build_args, child, code=False)
            sizes.tell(f"{name}-dependencies", lower.ref)
            build_args = {**build_args, "DEPENDENCIES": _pinned(lower.ref)}
        elif args.base_image is not None:
            build_args = {**build_args, "BASE_IMAGE": args.base_image}
        # The plugin looks for changes in these folders through the ignore file of the source, which hides them.
        seen = {f"CONTEXT_{key.upper()}": content_digest(Path(at)) for key, at in args.build_contexts.items()}
        image = _image(name, args, source, args.dockerfile, {**build_args, **seen}, child, code=True)
        sizes.tell(name, image.ref)
        self.ref = _pinned(image.ref)
        self.registry_credential = self._credential(name, args)
        self.register_outputs({"ref": self.ref})

    def _credential(self, name: str, args: WorkerImageArgs) -> RegistryCredential | None:
        if args.username is None or args.password is None:
            return None
        return RegistryCredential(
            name, username=args.username, password=args.password, opts=pulumi.ResourceOptions(parent=self)
        )


def _checked(name: str, args: WorkerImageArgs) -> Path:
    """The source folder. Raises RunError with every mistake."""
    source = worker_source() if args.source is None else Path(args.source)
    wrong = []
    if not _HOST.match(args.repository):
        wrong.append(
            f"repository is {args.repository!r}: write HOST/PATH in lower case, without a tag, such as "
            "registry.example.com/team/worker"
        )
    wrong += [
        f"{source / file} does not exist: source is the folder with the Dockerfile"
        for file in filter(None, (args.dockerfile, args.dependencies))
        if not (source / file).is_file()
    ]
    wrong += [
        f"build_contexts has {key!r}: {at}, which is no folder"
        for key, at in args.build_contexts.items()
        if not Path(at).is_dir()
    ]
    if args.extra_ca is not None and not Path(args.extra_ca).is_file():
        wrong.append(f"extra_ca is {args.extra_ca}, which is no file: name one with certificates in PEM")
    if (args.username is None) != (args.password is None):
        wrong.append("username and password go together: give both, or none")
    if wrong:
        raise pulumi.RunError("\n".join(f"WorkerImage {name!r}: {line}" for line in wrong))
    return source


def _usual_dependencies(source: Path) -> str | None:
    usual = "dependencies.Dockerfile"
    return usual if (source / usual).is_file() else None


def _image(
    name: str,
    args: WorkerImageArgs,
    source: Path,
    dockerfile: str,
    build_args: Mapping[str, pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
    *,
    code: bool,
) -> docker_build.Image:
    import pulumi_docker_build as docker_build

    tag = f"{args.repository}:{(args.tag or pulumi.get_stack()) if code else 'dependencies'}"
    secrets = dict(args.secrets)
    if args.extra_ca is not None:
        secrets["ca"] = Path(args.extra_ca).read_text()
    if not code and args.base_image is not None:
        build_args = {**build_args, "BASE_IMAGE": args.base_image}
    location = portable(source)
    contexts = {key: docker_build.ContextArgs(location=portable(Path(at))) for key, at in args.build_contexts.items()}
    return docker_build.Image(
        name,
        context=docker_build.BuildContextArgs(location=location, named=contexts if code and contexts else None),
        dockerfile=docker_build.DockerfileArgs(location=f"{location}/{dockerfile}"),
        tags=[tag],
        exports=[docker_build.ExportArgs(raw=_export(tag, args.compression, code=code))],
        push=False,
        # Previews change nothing, and cost nothing.
        build_on_preview=False,
        build_args=build_args,
        builder=docker_build.BuilderConfigArgs(name=args.builder) if args.builder else None,
        cache_from=_cache_from(args, tag) if not code else None,
        cache_to=_cache_to(args) if not code else None,
        labels=args.labels or None,
        platforms=[docker_build.Platform.LINUX_AMD64],
        registries=_registries(args),
        secrets={key: pulumi.Output.secret(value) for key, value in secrets.items()} or None,
        ignore_secrets_in_diff_calculation=["ca"] if "ca" in secrets else None,
        opts=opts,
    )


def _export(tag: str, compression: Compression, *, code: bool) -> str:
    """Without attestations, and for the code without file times: equal sources give equal digests, wherever built."""
    export = f"type=registry,name={tag},oci-mediatypes=true"
    return f"{export},compression=gzip,rewrite-timestamp=true" if code else f"{export},compression={compression}"


def _cache_from(args: WorkerImageArgs, tag: str) -> Sequence[Any] | None:
    import pulumi_docker_build as docker_build

    if not args.cache:
        return None
    return [docker_build.CacheFromArgs(registry=docker_build.CacheFromRegistryArgs(ref=tag))]


def _cache_to(args: WorkerImageArgs) -> Sequence[Any] | None:
    """In the image: its own cache would be pushed beside it, every layer a second time."""
    import pulumi_docker_build as docker_build

    return [docker_build.CacheToArgs(raw="type=inline")] if args.cache else None


def _pinned(ref: pulumi.Output[str]) -> pulumi.Output[str]:
    """Unknown in a preview, where the plugin knows no digest of what it has yet to build, and names the bare tag."""

    def checked(text: str) -> pulumi.Output[str] | str:
        if "@sha256:" in text:
            return text
        if pulumi.runtime.is_dry_run():
            return unknown()
        raise pulumi.RunError(f"{text} was pushed, but the registry's answer has no digest to pin it to")

    return ref.apply(checked)


def _registries(args: WorkerImageArgs) -> Sequence[Any] | None:
    import pulumi_docker_build as docker_build

    if args.username is None or args.password is None:
        return None
    host = args.repository.partition("/")[0]
    return [
        docker_build.RegistryArgs(address=host, username=args.username, password=pulumi.Output.secret(args.password))
    ]
