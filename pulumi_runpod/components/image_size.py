"""Says after each build how large the image is, and how much of it this build may have pushed: its last layer."""

from __future__ import annotations

import asyncio

import pulumi

from pulumi_runpod.client.image_layers import layer_sizes

_UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def size_hook(name: str, username: pulumi.Input[str] | None, password: pulumi.Input[str] | None) -> pulumi.ResourceHook:
    """To run after an image was built. Says nothing where the registry does not tell."""

    async def told(args: pulumi.ResourceHookArgs) -> None:
        ref = await _value((args.new_outputs or {}).get("ref"))
        login = (await _value(username), await _value(password))
        sizes = await asyncio.to_thread(layer_sizes, ref, login if all(login) else None)
        if sizes:
            pulumi.log.info(f"image {args.name}: {told_sizes(sizes)}")

    return pulumi.ResourceHook(f"runpod-image-size-{name}", told)


def told_sizes(sizes: list[int]) -> str:
    """`7.96 GB in 4 layers, the largest 7.65 GB, the last 29 kB`"""
    layers = "1 layer" if len(sizes) == 1 else f"{len(sizes)} layers"
    return f"{_size(sum(sizes))} in {layers}, the largest {_size(max(sizes))}, the last {_size(sizes[-1])}"


async def _value(given: pulumi.Input[str] | None) -> str:
    return str(await pulumi.Output.from_input(given).future() or "")


def _size(count: int) -> str:
    for one, unit in _UNITS:
        if count >= one:
            return f"{count / one:.3g} {unit}"
    return f"{count} B"
