"""Situation -> the program as it is deployed, and as the pull request has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
from pulumi import ResourceOptions

from pulumi_runpod import Endpoint, NetworkVolume, RegistryCredential, Template
from pulumi_runpod.components import ServerlessService, ServerlessServiceArgs, Traffic

Program = Callable[[], object]
OLD, NEW = (f"registry.example.com/team/worker@sha256:{digit * 64}" for digit in "ab")
HOSTILE = "x`*_|</details>"
SHOUT = (
    "@team #1 GH-2 <script>alert(1)</script> [link](https://evil.example.com) $x$ www.evil.example.com "
    "https://evil.example.com/a ~~~ ``` </details> <!-- pulumi-runpod:preview --> team/endpoints#3 "
    "0123456789abcdef0123456789abcdef01234567 \u202eesrever\u202c \x1b[31mred"
)


def nothing() -> None:
    pass


def service(name: str = "sdxl", **given: Any) -> None:
    usual: dict[str, Any] = {
        "image": OLD,
        "gpu_pools": ["ADA_24"],
        "idle_timeout_seconds": 5,
        "environment": "prod",
        "traffic": Traffic(requests_per_day=500, seconds_each=4, bursty=False),
    }
    ServerlessService(name, ServerlessServiceArgs(**{**usual, **given}))


def volume(name: str = "weights", **given: Any) -> NetworkVolume:
    return NetworkVolume(name, **{"size": 20, "data_center": "EU-RO-1", **given})


def endpoint(name: str, **given: Any) -> None:
    usual: dict[str, Any] = {
        "type": "QUEUE",
        "image": OLD,
        "gpu": {"pools": ["ADA_24"]},
        "scaling": {"type": "REQUEST_COUNT", "request_count": 4},
        "workers": {"max": 5},
    }
    pulumi.export(name, Endpoint(name, **{**usual, **given}).id)


def with_volume(**given: Any) -> Program:
    return lambda: service(volumes=[volume()], **given)


def both(*parts: Program) -> Program:
    def program() -> None:
        for part in parts:
            part()

    return program


def secrets(message: str, *names: str) -> Program:
    """A key in env, a password, and a program that says its key aloud."""

    def program() -> None:
        key = pulumi.Config().require_secret("key")
        Template("worker", image=OLD, env={"MODEL": "sdxl", **dict.fromkeys(names, key)})
        RegistryCredential("registry", username="robot", password=key.apply(lambda value: f"{value}{message}"))
        key.apply(lambda value: pulumi.log.warn(f"{message}: the key is {value}"))

    return program


def crash() -> None:
    raise ValueError(f"the settings are wrong: {SHOUT}")


def hostile(message: str, *, tag: str = "1") -> Program:
    def program() -> None:
        made = Template(HOSTILE, image=f"registry.example.com/team/@team:{tag}", ports=["8000/http"])
        pulumi.log.warn(message, made)
        pulumi.log.info(message)

    return program


def many() -> None:
    """200 resources."""
    for i in range(50):
        volume(f"volume-{i}")
        RegistryCredential(f"registry-{i}", username="robot", password="local")
    for i in range(100):
        Template(f"template-{i}", image=OLD)


def most() -> None:
    """Of `many` 80 stay; 60 volumes and templates change, 20 credentials are gone; 40 of 100 templates are others."""
    for i in range(50):
        volume(f"volume-{i}", size=20 if i < 20 else 40)
        if i < 30:
            RegistryCredential(f"registry-{i}", username="robot", password="local")
    for i in range(100):
        Template(f"template-{i if i < 60 else i + 40}", image=OLD if i < 30 else NEW)


SITUATIONS: dict[str, tuple[Program, Program]] = {
    "create": (nothing, with_volume()),
    "unchanged": (with_volume(), with_volume()),
    "update": (
        with_volume(),
        with_volume(
            image=NEW,
            workers_max=5,
            idle_timeout_seconds=60,
            gpu_pools=["AMPERE_80"],
            traffic=Traffic(requests_per_day=20_000, seconds_each=4, bursty=False),
        ),
    ),
    "policies": (with_volume(), with_volume(workers_max=5, gpu_pools=["AMPERE_80"])),
    "replace": (
        both(lambda: endpoint("images"), volume, lambda: volume("scratch")),
        both(
            lambda: endpoint("images", type="LOAD_BALANCER"),
            volume,
            lambda: volume("scratch", data_center="US-KS-2", allow_data_loss=True),
        ),
    ),
    "delete": (
        both(
            with_volume(), lambda: endpoint("old"), lambda: volume("kept", opts=ResourceOptions(retain_on_delete=True))
        ),
        nothing,
    ),
    "advice-stops": (with_volume(), with_volume(execution_timeout_seconds=300, endpoint_timeout_seconds=300)),
    "refused": (volume, lambda: volume(size=10)),
    "crash": (with_volume(), crash),
    "secrets": (secrets("as deployed", "TOKEN"), secrets("as it will be", "TOKEN", "OTHER")),
    "hostile": (hostile("nothing"), hostile(SHOUT, tag="2")),
    "drift": (
        both(with_volume(), lambda: endpoint("idle"), lambda: endpoint("gone")),
        both(with_volume(workers_max=4), lambda: endpoint("idle"), lambda: endpoint("gone")),
    ),
    "many": (many, most),
}
