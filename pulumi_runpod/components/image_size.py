"""Says after each build how large the image is, and how much of it this build may have pushed: its last layer."""

from __future__ import annotations

import asyncio

import pulumi

from pulumi_runpod.client.image_layers import layer_sizes

_UNITS = ((1e9, "GB", 2), (1e6, "MB", 1), (1e3, "kB", 1))


class SizeTeller:
    """For the images of one component. `login`: of their registry; says nothing where that does not tell."""

    def __init__(self, name: str, *, username: pulumi.Input[str] | None, password: pulumi.Input[str] | None) -> None:
        self._login = (username or "", password or "")
        self._built: set[str] = set()
        self.hook = pulumi.ResourceHook(f"runpod-image-size-{name}", self._note)
        """To run after an image was made or changed. Only notes that, since the image's step waits for a hook."""

    def tell(self, name: str, ref: pulumi.Output[str]) -> pulumi.Output[list[int]]:
        """The layers' bytes, lowest first. `ref` is known once the hook has run, where it does."""

        async def measured(values: list[str]) -> list[int]:
            pinned, *login = values
            if name not in self._built:
                return []
            sizes = await asyncio.to_thread(layer_sizes, pinned, (login[0], login[1]) if all(login) else None)
            if sizes:
                pulumi.log.info(f"image {name}: {sizes_text(sizes)}")
            return sizes

        values: pulumi.Output[list[str]] = pulumi.Output.all(ref, *self._login)
        return values.apply(measured)

    def _note(self, args: pulumi.ResourceHookArgs) -> None:
        self._built.add(args.name)


def sizes_text(sizes: list[int]) -> str:
    """`8.00 GB in 5 layers, the largest 7.80 GB, the last 29.6 kB`"""
    layers = "1 layer" if len(sizes) == 1 else f"{len(sizes)} layers"
    return f"{_size(sum(sizes))} in {layers}, the largest {_size(max(sizes))}, the last {_size(sizes[-1])}"


def _size(count: int) -> str:
    for one, unit, digits in _UNITS:
        if count >= one:
            return f"{count / one:.{digits}f} {unit}"
    return f"{count} B"
