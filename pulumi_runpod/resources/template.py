"""`Template`: container settings under a name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pulumi

from pulumi_runpod.resources import providers
from pulumi_runpod.resources.args import MountsArgs
from pulumi_runpod.resources.resource import RunPodResource, given

CONTAINER = ("image", "args", "entrypoint", "cmd", "disk", "env", "ports", "registry")
TemplateCategory = Literal["CPU", "NVIDIA", "AMD"]


class Template(RunPodResource, name="Template"):
    """What a worker's container runs. Give it to an `Endpoint` as `template=`: then an edit here reaches the endpoint,
    which the service itself would not do.
    """

    name: pulumi.Output[str]
    image: pulumi.Output[str]
    args: pulumi.Output[str]
    entrypoint: pulumi.Output[Sequence[str]]
    cmd: pulumi.Output[Sequence[str]]
    disk: pulumi.Output[int]
    env: pulumi.Output[Mapping[str, str]]
    ports: pulumi.Output[Sequence[str]]
    registry: pulumi.Output[str | None]
    serverless: pulumi.Output[bool]
    public: pulumi.Output[bool]
    category: pulumi.Output[str]
    mounts: pulumi.Output[Mapping[str, Any]]
    start_ssh: pulumi.Output[bool]
    start_jupyter: pulumi.Output[bool]
    allowed_cuda_versions: pulumi.Output[Sequence[str]]

    _implementation = providers.TEMPLATE
    _input_names = (
        "name",
        *CONTAINER,
        "serverless",
        "public",
        "category",
        "mounts",
        "start_ssh",
        "start_jupyter",
        "allowed_cuda_versions",
        "adopt_id",
        "adopt",
    )
    _secret_names = ("env",)
    _declared: Mapping[str, object] | None = None
    """What the program has set; None for a template that is only read."""

    def __init__(
        self,
        resource_name: str,
        *,
        image: pulumi.Input[str],
        args: pulumi.Input[str] | None = None,
        entrypoint: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        cmd: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        disk: pulumi.Input[int] | None = None,
        env: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
        ports: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        registry: pulumi.Input[str] | None = None,
        name: pulumi.Input[str] | None = None,
        serverless: pulumi.Input[bool] | None = None,
        public: pulumi.Input[bool] | None = None,
        category: pulumi.Input[TemplateCategory] | None = None,
        mounts: pulumi.Input[MountsArgs] | None = None,
        start_ssh: pulumi.Input[bool] | None = None,
        start_jupyter: pulumi.Input[bool] | None = None,
        allowed_cuda_versions: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        adopt_id: pulumi.Input[str] | None = None,
        adopt: Literal["overwrite"] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param image: Image reference; one pinned by digest (`registry.example.com/team/worker@sha256:…`) rolls out
            reliably.
        :param args: Command of the container as one string. Default: the image's own.
        :param entrypoint: Command in exec form, together with `cmd`; instead of `args`.
        :param cmd: Arguments in exec form, together with `entrypoint`; instead of `args`.
        :param disk: Container disk in GB, gone with the worker. Default: the service's.
        :param env: Environment, empty by default. Secret in the outputs; mark an entry secret to hide it in the inputs,
            too.
        :param ports: `8000/http` or `22/tcp`. Default: none.
        :param registry: Id of a `RegistryCredential` for a private image. Default: none.
        :param name: Default: the resource's name with a suffix that makes it unique.
        :param serverless: Default True: for endpoints. False: for pods.
        :param public: Visible to everyone. Default False.
        :param category: Where the console files it. Default NVIDIA.
        :param mounts: Disks, for pods alone. Default: none.
        :param start_ssh: For pods alone. Default True.
        :param start_jupyter: For pods alone. Default True.
        :param allowed_cuda_versions: `["12.8"]`: exactly these. Default: any.
        :param adopt_id: Id of an existing template to manage from now on, instead of creating one.
        :param adopt: "overwrite": what the adopted object has that is not declared here may be changed. Default: an
            object that differs is refused, and the preview lists the differences.
        """
        props = {
            "name": name,
            "image": image,
            "args": args,
            "entrypoint": entrypoint,
            "cmd": cmd,
            "disk": disk,
            "env": env,
            "ports": ports,
            "registry": registry,
            "serverless": serverless,
            "public": public,
            "category": category,
            "mounts": mounts,
            "start_ssh": start_ssh,
            "start_jupyter": start_jupyter,
            "allowed_cuda_versions": allowed_cuda_versions,
            "adopt_id": adopt_id,
            "adopt": adopt,
        }
        self._declared = given(props, (*CONTAINER, "allowed_cuda_versions"))
        super().__init__(resource_name, props, opts)

    def container_settings(self) -> dict[str, object]:
        """What an endpoint takes over: the settings that the program gives, as this resource's outputs.

        The environment is taken as the program wrote it, so that a preview still shows its plain entries.
        """
        if self._declared is None:
            return {name: getattr(self, name) for name in (*CONTAINER, "allowed_cuda_versions") if name not in _DERIVED}
        return {name: value if name == "env" else getattr(self, name) for name, value in self._declared.items()}


_DERIVED = ("entrypoint", "cmd")
"""The service derives them from `args`."""
