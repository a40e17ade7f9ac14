"""Rules about time limits: what ends a job, and who notices first."""

from __future__ import annotations

from pulumi_runpod.planning.advice import Finding, Situation
from pulumi_runpod.planning.money import plain


def execution_not_below_endpoint(situation: Situation) -> Finding | None:
    """The caller's limit must outlast the job's, or a stuck job is never seen to fail."""
    plan = situation.plan
    if plan.execution_timeout_seconds is None or plan.endpoint_timeout_seconds is None:
        return None
    if plan.execution_timeout_seconds < plan.endpoint_timeout_seconds:
        return None
    return Finding(
        f"a job may run {plan.execution_timeout_seconds} s, a caller waits {plan.endpoint_timeout_seconds} s",
        f"an execution timeout below {plan.endpoint_timeout_seconds} s, or an endpoint timeout of "
        f"{plan.execution_timeout_seconds + 60} s",
    )


def execution_below_worst_case(situation: Situation) -> Finding | None:
    """The limit is for the worst healthy job, not for the average one."""
    plan = situation.plan
    if plan.execution_timeout_seconds is None or plan.traffic is None or plan.traffic.worst_case_seconds is None:
        return None
    if plan.execution_timeout_seconds >= plan.traffic.worst_case_seconds:
        return None
    worst = plain(plan.traffic.worst_case_seconds)
    return Finding(
        f"healthy jobs take up to {worst} s and are ended after {plan.execution_timeout_seconds} s",
        f"an execution timeout above {worst} s (and an endpoint timeout above that)",
    )
