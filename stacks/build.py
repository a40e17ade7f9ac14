"""`image: build`: the worker's image built and pushed by the very `up` that deploys it, and pinned to its digest.

It goes to `imageRepository`, else to the registry that `make up` runs beside the local RunPod. Where there is none, for
want of a Docker engine, nothing is built, and workers are processes of this clone's code, under a name that names
it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pulumi
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from pulumi_runpod.components import WorkerImage, WorkerImageArgs
from stacks.settings import ServiceSettings

LOCAL_IMAGES = Path(__file__).resolve().parents[1] / ".local" / "images.json"
"""Written by `make up`."""
PROCESS_IMAGE = "registry.example.com/team/sdxl-worker:dev"
"""The local RunPod of `make up` runs the worker of this clone for every image of such a name."""


class LocalImages(BaseModel):
    """What `tools/images.py start` tells. Empty where workers are processes."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True)

    registry: str = ""
    """`127.0.0.1:PORT`"""
    generation: str = ""
    """Another one once the registry was emptied."""
    builder: str = ""
    base_image: str = ""
    """Empty: the public one that the Dockerfile names."""
    certificates: str = ""
    """File with the authorities that this machine trusts, where they are not the usual ones."""


@dataclass(frozen=True)
class Worker:
    """What a service runs."""

    image: pulumi.Input[str]
    registry: pulumi.Input[str] | None = None
    """Id of the credential that RunPod pulls with."""


def built_worker(settings: ServiceSettings) -> Worker:
    local = local_images()
    if settings.image_repository is None and not local.registry:
        return Worker(PROCESS_IMAGE)
    image = WorkerImage("sdxl", image_args(settings, local))
    credential = image.registry_credential
    return Worker(image.ref, None if credential is None else credential.id)


def image_args(settings: ServiceSettings, local: LocalImages) -> WorkerImageArgs:
    """In the component's words."""
    if (repository := settings.image_repository) is not None:
        secret = settings.registry_password
        return WorkerImageArgs(
            repository=repository,
            username=settings.registry_username,
            password=None if secret is None else pulumi.Output.secret(secret.get_secret_value()),
        )
    return WorkerImageArgs(
        repository=f"{local.registry}/sdxl",
        base_image=local.base_image or None,
        # No image has it: it is a change, and so a build, once what was pushed is gone.
        build_args={"REGISTRY_GENERATION": local.generation},
        extra_ca=local.certificates or None,
        # The registry is on the builder's own disk, so that compression gains nothing.
        compression="uncompressed",
        builder=local.builder,
    )


def local_images() -> LocalImages:
    """Raises RunError for a file that is none of `make up`."""
    try:
        return LocalImages.model_validate_json(LOCAL_IMAGES.read_bytes())
    except FileNotFoundError:
        return LocalImages()
    except ValidationError:
        raise pulumi.RunError(f"{LOCAL_IMAGES} is damaged: `make up` writes it anew") from None
