"""What the sources of the service leave open, or say in two ways: one documented switch each, with its default.

A switch that is turned takes effect with the next call. `UNCERTAIN` marks defaults that no source settles.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from pulumi_runpod.emulator.platform.job_switches import JobSwitches


class Switches(JobSwitches):
    """Frozen: `Platform.switches` is replaced as a whole, so a reader always sees one consistent set."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    # The document.
    document: Literal["2026-08", "2026-09"] = "2026-09"
    """Which published document is served. The newer one adds `pagination` on some lists, `entrypoint` and `cmd`, and
    `/v2/account/secrets`; the older one refuses or leaves these out."""
    missing_field_wall: bool = True
    """A missing required field of an endpoint or template makes the validator report every valid field as additional,
    too: observed on the service."""

    # Endpoints.
    omitted_timeout_ms: Literal[0, 300_000] = 0
    """`timeout` of an endpoint created without one: the document says 300000, 0 was observed."""
    default_disk_gb: Annotated[int, Field(ge=1)] = 20
    """Container disk where none is given. UNCERTAIN: the examples of the document return 20 and 50."""
    worker_quota: Annotated[int, Field(ge=0)] | None = 60
    """Sum of `workers.max` over all endpoints of the account. The service grants 5 to 60 by balance; null: no quota."""
    worker_quota_breach: Literal["refuse", "accept"] = "refuse"
    """UNCERTAIN: a create or update beyond the quota is answered 400, or taken (workers beyond it are THROTTLED)."""
    unknown_reference_status: Literal[400, 404] = 400
    """UNCERTAIN: status for an unknown volume or registry id in a body. An unknown `templateId` is 404: documented."""
    volumes_per_data_center: Literal["one", "any"] = "one"
    """A rule of the console: an endpoint takes at most one volume per data center, else 400. UNCERTAIN in v2."""
    volume_outside_data_centers: Literal["refuse", "accept"] = "accept"
    """UNCERTAIN: a volume whose data center is not in a non-empty `dataCenterIds` of the same endpoint."""
    delete_needs_zero_workers: bool = False
    """UNCERTAIN: GraphQL deleted an endpoint only once min and max workers were 0; v2 documents no such rule."""
    flashboot_name_suffix: bool = False
    """UNCERTAIN: the backend once appended ` -fb` to the names of FlashBoot endpoints."""
    missing_images: tuple[str, ...] = ()
    """Globs of images that the registry does not have: a create or update with one is 422 (observed)."""

    # Templates, volumes, registries.
    template_delete: Literal["copies", "binds"] = "copies"
    """UNCERTAIN: an endpoint copies its template, so that the template stays deletable; `binds`: 400 while an endpoint
    that was made from it lives."""
    volume_delete: Literal["refuse", "allow"] = "refuse"
    """UNCERTAIN: deleting a volume that an endpoint still names is 400, or taken (the endpoint keeps the dead id)."""
    registry_delete: Literal["allow", "refuse"] = "allow"
    """UNCERTAIN: deleting a registry that an endpoint names. Templates lose the reference silently: documented."""
