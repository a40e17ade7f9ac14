"""`Endpoint`: a queue or a load balancer with a URL, and the workers that serve it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pulumi

from pulumi_runpod.resources import providers
from pulumi_runpod.resources.args import CpuArgs, GpuArgs, RolloutArgs, ScalingArgs, WorkersArgs
from pulumi_runpod.resources.resource import RunPodResource
from pulumi_runpod.resources.rollout import Rollout
from pulumi_runpod.resources.template import CONTAINER, Template

EndpointType = Literal["QUEUE", "LOAD_BALANCER"]
FlashBoot = Literal["OFF", "FLASHBOOT", "PRIORITY_FLASHBOOT"]


class Endpoint(RunPodResource, name="Endpoint"):
    """A serverless endpoint.

    Everything but `type` and the choice between GPU and CPU is changed in place: the endpoint keeps its id and URLs.
    Changes of the container make a release, which workers take up as they are replaced.
    """

    name: pulumi.Output[str]
    type: pulumi.Output[str]
    scaling: pulumi.Output[Mapping[str, Any]]
    gpu: pulumi.Output[Mapping[str, Any] | None]
    cpu: pulumi.Output[Sequence[Mapping[str, Any]] | None]
    cpu_memory: pulumi.Output[Sequence[int] | None]
    """GB for each choice of `cpu`."""
    workers: pulumi.Output[Mapping[str, Any]]
    timeout: pulumi.Output[int]
    flashboot: pulumi.Output[str]
    data_center_ids: pulumi.Output[Sequence[str]]
    network_volumes: pulumi.Output[Sequence[str]]
    image: pulumi.Output[str]
    args: pulumi.Output[str]
    entrypoint: pulumi.Output[Sequence[str]]
    cmd: pulumi.Output[Sequence[str]]
    disk: pulumi.Output[int]
    env: pulumi.Output[Mapping[str, str]]
    ports: pulumi.Output[Sequence[str]]
    registry: pulumi.Output[str | None]
    template_id: pulumi.Output[str | None]
    request_urls: pulumi.Output[Mapping[str, str]]
    """QUEUE: run, run_sync, status, stream, cancel, retry, purge_queue, health, four of which hold the text `{job_id}`.
    LOAD_BALANCER: base, health."""
    created_at: pulumi.Output[str]
    released_image: pulumi.Output[str]
    """`image`, once its release serves, where `rollout` asks for that: what another stack may promote."""

    _implementation = providers.ENDPOINT
    _input_names = (
        "name",
        "type",
        "scaling",
        "gpu",
        "cpu",
        "workers",
        "timeout",
        "flashboot",
        "data_center_ids",
        "network_volumes",
        "template_id",
        *CONTAINER,
        "rollout",
        "platform_scale_down",
        "adopt_id",
        "adopt",
    )
    _output_names = ("cpu_memory", "request_urls", "created_at")
    _secret_names = ("env",)

    def __init__(
        self,
        resource_name: str,
        *,
        type: pulumi.Input[EndpointType],  # noqa: A002 - the API's word
        scaling: pulumi.Input[ScalingArgs],
        gpu: pulumi.Input[GpuArgs] | None = None,
        cpu: pulumi.Input[Sequence[pulumi.Input[CpuArgs]]] | None = None,
        workers: pulumi.Input[WorkersArgs] | None = None,
        timeout: pulumi.Input[int] | None = None,
        flashboot: pulumi.Input[FlashBoot] | None = None,
        data_center_ids: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        network_volumes: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        template: Template | None = None,
        template_id: pulumi.Input[str] | None = None,
        image: pulumi.Input[str] | None = None,
        args: pulumi.Input[str] | None = None,
        entrypoint: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        cmd: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        disk: pulumi.Input[int] | None = None,
        env: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
        ports: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        registry: pulumi.Input[str] | None = None,
        name: pulumi.Input[str] | None = None,
        rollout: RolloutArgs | None = None,
        platform_scale_down: Literal["heal", "accept"] | None = None,
        adopt_id: pulumi.Input[str] | None = None,
        adopt: Literal["overwrite"] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param type: QUEUE or LOAD_BALANCER. Another one replaces the endpoint, and its URLs.
        :param scaling: When workers are added. A LOAD_BALANCER scales by REQUEST_COUNT.
        :param gpu: GPU workers; excludes `cpu`, and one of the two must be given. Changing from one to the other
            replaces the endpoint.
        :param cpu: CPU workers, instead of `gpu`: the choices, most wanted first.
        :param workers: Default: min 0, max 3, idle timeout 10 s.
        :param timeout: Limit of a job's execution in milliseconds, 5000 to 604800000. Default 300000.
        :param flashboot: Default OFF.
        :param data_center_ids: Where workers may run. Default: the service picks.
        :param network_volumes: Ids of volumes, at most one per data center; each pins workers to its data center.
            Default: none.
        :param template: Takes the template's container settings and follows its edits. The arguments below win over it;
            `env` is merged key by key. Default: none, and then `image` must be given.
        :param template_id: Id of a template, instead of `template`. Applied by the service once; later edits of that
            template do not reach the endpoint.
        :param image: Image reference; one pinned by digest rolls out reliably. Default: the template's.
        :param args: Command of the container as one string. Default: the image's own.
        :param entrypoint: Command in exec form, together with `cmd`; instead of `args`.
        :param cmd: Arguments in exec form, together with `entrypoint`; instead of `args`.
        :param disk: Container disk in GB, gone with the worker. Default: the service's.
        :param env: Environment, empty by default. Secret in the outputs; mark an entry secret to hide it in the inputs,
            too.
        :param ports: `8000/http` or `22/tcp`. Default: none.
        :param registry: Id of a `RegistryCredential` for a private image. Default: none.
        :param name: Default: the resource's name with a suffix that makes it unique.
        :param rollout: Wait until a new release serves, else fail with the reason; one that came with an update is then
            rolled back. Default: no wait, as the service answers before anything has started.
        :param platform_scale_down: RunPod lowers `workers.max` after 3 and 7 days without requests and on crash loops.
            `heal` (default): that is shown, and the next `up` sets it back. `accept`: it is shown and left.
        :param adopt_id: Id of an existing endpoint to manage from now on, instead of creating one.
        :param adopt: "overwrite": what the adopted object has that is not declared here may be changed. Default: an
            object that differs is refused, and the preview lists the differences.
        """
        container: dict[str, Any] = {
            "image": image,
            "args": args,
            "entrypoint": entrypoint,
            "cmd": cmd,
            "disk": disk,
            "env": env,
            "ports": ports,
            "registry": registry,
        }
        if template is not None and not isinstance(template, Template):
            raise pulumi.RunError(
                f"endpoint {resource_name!r}: template must be a Template, got {template!r}: for an id write "
                f"template_id={template!r}, or template=Template.get('worker', {template!r}) to follow its edits"
            )
        if rollout is not None and not isinstance(rollout, Mapping):
            raise pulumi.RunError(
                f"endpoint {resource_name!r}: rollout must be a dictionary, got {rollout!r}: write "
                "rollout={'timeout': 600}"
            )
        if template is not None and template_id is not None:
            raise pulumi.RunError(f"endpoint {resource_name!r}: template and template_id exclude each other; give one")
        if template is not None:
            settings = template.container_settings()
            container = _over(settings, container)
            gpu = _with_cuda_of(settings, gpu)
        elif template_id is not None:
            pulumi.log.warn(
                f"endpoint {resource_name!r}: template_id is applied once, and later edits of that template do not "
                "reach the endpoint. Give template=Template(...), or Template.get(...), to follow them"
            )
        props = {
            "name": name,
            "type": type,
            "scaling": scaling,
            "gpu": gpu,
            "cpu": cpu,
            "workers": workers,
            "timeout": timeout,
            "flashboot": flashboot,
            "data_center_ids": data_center_ids,
            "network_volumes": network_volumes,
            "template_id": template_id,
            **container,
            "rollout": rollout,
            "platform_scale_down": platform_scale_down,
            "adopt_id": adopt_id,
            "adopt": adopt,
        }
        super().__init__(resource_name, props, opts)
        self.released_image = self.image
        if rollout is not None:
            # A separate resource, so that the endpoint is in the state before anything is waited for.
            gate = Rollout(
                f"{resource_name}-rollout",
                endpoint_id=self.id,
                timeout=rollout.get("timeout"),
                smoke_input=rollout.get("smoke_input"),
                opts=pulumi.ResourceOptions(parent=self),
            )
            self.released_image = pulumi.Output.all(self.image, gate.evidence).apply(lambda result: str(result[0]))


def _over(settings: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The template's container settings under the endpoint's own. A command is one setting in two forms."""
    base = {key: value for key, value in settings.items() if key in CONTAINER}
    if any(own[key] is not None for key in ("args", "entrypoint", "cmd")):
        for key in ("args", "entrypoint", "cmd"):
            base.pop(key, None)
    merged = {**own, **base, **{key: value for key, value in own.items() if value is not None}}
    if base.get("env") is not None and own["env"] is not None:
        merged["env"] = _env_over(base["env"], own["env"])
    return merged


def _env_over(base: Any, own: Any) -> Any:
    if isinstance(base, Mapping) and isinstance(own, Mapping):
        return {**base, **own}
    return pulumi.Output.all(base, own).apply(lambda both: {**(both[0] or {}), **both[1]})


def _with_cuda_of(settings: Mapping[str, Any], gpu: Any) -> Any:
    """As when the service copies a template: its CUDA versions count where the endpoint says nothing of CUDA."""
    versions = settings.get("allowed_cuda_versions")
    if versions is None or not isinstance(gpu, Mapping) or {"allowed_cuda_versions", "min_cuda_version"} & set(gpu):
        return gpu
    return {**gpu, "allowed_cuda_versions": versions}
