"""Switches of the job plane and of the scheduler: what the sources leave open there, each with its default.

`Switches` inherits them. `UNCERTAIN` marks defaults that no source settles. Times are seconds unless named otherwise.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

Seconds = Annotated[float, Field(ge=0, le=604_800, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]


class JobSwitches(BaseModel):
    # Jobs.
    worker_loss_retries: Annotated[int, Field(ge=0)] = 1
    """How often a job whose worker died is given to another one before it FAILS. Observed: one server retry."""
    timeout_retries: Annotated[int, Field(ge=0)] = 0
    """How often a job beyond its execution timeout is tried again. 0: it ends TIMED_OUT, with `error`. With retries,
    the last attempt ends FAILED with `job timed out after N retries`, as observed."""
    zero_timeout_ms: Annotated[int, Field(ge=0)] = 600_000
    """What an endpoint's `timeout: 0` means. UNCERTAIN: the default of a job's `executionTimeout`; 0: no limit."""
    unreported_job: Literal["retry", "wait"] = "retry"
    """A worker asks for work, says that it holds no job, and has not reported one that it was given: the answer with
    the job was lost, or its result could not be sent. `retry`: as if the worker had died with it; `wait`: until its
    timeout. UNCERTAIN."""
    cancel_grace: Seconds = 10.0
    """How long a worker may go on with a cancelled job before it is killed. UNCERTAIN."""
    accept_without_workers: bool = True
    """UNCERTAIN: whether an endpoint with `workers.max` 0 takes jobs; else 400."""
    run_retention: Seconds = 1800.0
    """How long the result of `/run` can be read. Documented."""
    runsync_retention: Seconds = 60.0
    """How long the result of `/runsync` can be read. Documented."""
    default_ttl_ms: Annotated[int, Field(ge=10_000)] = 86_400_000
    """Documented."""
    webhook_delays: tuple[Seconds, ...] = (10.0, 10.0)
    """Waits before the second and further attempts of a webhook. Documented: 10 apart; observed: 5, then 15."""
    webhook_states: tuple[Literal["COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"], ...] = (
        "COMPLETED",
        "FAILED",
        "CANCELLED",
        "TIMED_OUT",
    )
    """Ends that are sent to a webhook. The last two are UNCERTAIN."""
    job_rate_limits: bool = False
    """Enforce the documented calls per 10 s and endpoint on job URLs (429). Off, so that load tests run."""

    # Load balancers.
    balancer_wait: Seconds = 120.0
    """How long a request waits for a worker before it is answered 400. Documented."""
    balancer_processing_limit: Positive = 330.0
    """How long a worker may take for a request and its whole answer before 524, or a cut. Documented."""
    balancer_init_timeout: Seconds = 480.0
    """How long a worker may fail its `/ping`, from its start or later, before it is ended. Documented for one whose
    ports are wrong. `RUNPOD_INIT_TIMEOUT` in the endpoint's env overrides it for a start."""
    balancer_worker_capacity: Annotated[int, Field(ge=0)] = 0
    """Requests that a worker works at, at most; others wait. 0: no limit. UNCERTAIN: the documentation mentions
    workers "at capacity" and says nothing of how it is set."""
    balancer_passes_key: bool = False
    """UNCERTAIN: whether a worker is shown the `Authorization` header of a request, which holds the account's key."""
    ping_interval: Annotated[float, Field(ge=0.05, le=60)] = 1.0
    """Real seconds between two looks at the `/ping` of a worker that is ready. UNCERTAIN: "periodically"."""
    ping_timeout: Annotated[float, Field(ge=0.05, le=60)] = 5.0
    """Real seconds until a ping without an answer is one that failed. UNCERTAIN."""

    # Scaling.
    queue_delay_step: Seconds = 1.0
    """QUEUE_DELAY: least time between two added workers. UNCERTAIN."""
    request_count_idle_timeout: Seconds = 10.0
    """Idle timeout of QUEUE endpoints that scale by REQUEST_COUNT, where the API has none. UNCERTAIN."""
    platform_scale_down: bool = True
    """No requests for 3 days: `workers.max` becomes at most 2; for 7 days: 0."""
    crash_loop_limit: Annotated[int, Field(ge=0)] = 10
    """Failed starts in a row after which the platform lowers `workers.max` to 1. 0: never. UNCERTAIN: the service says
    only that repeatedly unhealthy workers are scaled down."""

    # Releases.
    release_fields: Literal["container", "placement", "everything"] = "placement"
    """Which changes make a release. `container`: image, command, env, disk, ports, registry. `placement`: GPU, CPU,
    data centers and volumes, too. `everything`: also workers, scaling, timeout, FlashBoot, name. UNCERTAIN."""
    release_without_change: bool = False
    """UNCERTAIN: whether a PATCH that changes nothing makes a release."""

    # Workers.
    init_timeout: Seconds = 420.0
    """A cold start beyond this is UNHEALTHY; `RUNPOD_INIT_TIMEOUT` in the endpoint's env overrides it. Documented."""
    poll_hold: Annotated[float, Field(ge=0.05, le=60)] = 30.0
    """How long a worker's poll is held open, in real seconds. Under 90, after which the SDK gives up."""
    heartbeat_limit: Annotated[float, Field(ge=0, le=86_400)] = 60.0
    """A worker that has pinged and then is silent for so many real seconds is killed and replaced. 0: never."""
    stop_grace: Annotated[float, Field(ge=0, le=600)] = 5.0
    """Real seconds from SIGTERM to SIGKILL."""
    flashboot: Literal["always", "after_first_start"] = "always"
    """Whether FlashBoot spares the first worker of a release image pull and container start, too."""

    # Cold start: the phases that are simulated. The figures are those of a slim image on the service.
    cold_start_speed: Positive = 1000.0
    """Factor by which pull and start run faster than on the service. 1: as there."""
    image_size_gb: Positive = 2.0
    registry_gb_per_second: Positive = 0.25
    container_start: Seconds = 3.0
