"""A program that declares one object of every kind, linked as far as they can be."""

from __future__ import annotations

from typing import Any

import pulumi

from pulumi_runpod import EcrDelegation, Endpoint, NetworkVolume, RegistryCredential, Secret, Template


def every_kind(**endpoint: Any) -> None:
    """`endpoint`: further arguments of the endpoint. Passwords and values are secrets."""
    volume = NetworkVolume("weights", size=10, data_center="EU-RO-1")
    registry = RegistryCredential("registry", username="u", password=pulumi.Output.secret("pw-4711"))
    token = Secret("hf", value=pulumi.Output.secret("hf-0815"))
    EcrDelegation("ecr", resource="arn:aws:ecr:eu-west-1:123456789012:repository/team/worker")
    Endpoint(
        "web",
        type="QUEUE",
        scaling={"type": "QUEUE_DELAY", "queue_delay": 4},
        gpu={"pools": ["ADA_24"]},
        network_volumes=[volume.id],
        template=Template(
            "worker",
            image="registry.example.com/team/worker:1",
            registry=registry.id,
            env={"TOKEN": token.placeholder},
        ),
        **endpoint,
    )
