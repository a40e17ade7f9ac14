"""Outputs for a page: images by their own bytes alone, and JSON of a length that can be read."""

from __future__ import annotations

import base64
import json

import pytest

from pulumi_runpod.emulator.console import outputs

PNG = b"\x89PNG\r\n\x1a\nrest"


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF1234WEBPVP8 ", "image/webp"),
    ],
)
def test_an_image_is_known_by_its_first_bytes(content: bytes, kind: str) -> None:
    """In each place where workers put one, as base64 or as a data URL."""
    for value in (
        {"images": [{"image": encoded(content)}]},
        {"images": [encoded(content)]},
        {"image": encoded(content)},
        {"image": f"data:text/html;base64,{encoded(content)}"},
    ):
        assert outputs.images(json.dumps(value)) == [(kind, content)]


@pytest.mark.parametrize(
    "value",
    [
        None, "text", 3, [], {}, {"images": "x"}, {"images": [3, None, {}]}, {"image": "not base64!"}, {"image": ""},
        {"image": encoded(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>")},
        {"image": encoded(b"<script>")}, {"images": [{"image": "https://elsewhere.example/x.png"}]},
    ],
)  # fmt: skip
def test_whatever_is_no_image_is_left_out(value: object) -> None:
    """SVG included, which may hold script."""
    assert outputs.images(json.dumps(value)) == []


def test_long_values_are_cut_and_say_so() -> None:
    """Strings and lists, at any depth; short ones are whole."""
    text = outputs.shortened(json.dumps({"a": {"b": "x" * 5000}, "c": list(range(1000)), "d": "short"}))
    assert len(text) < 2000
    assert "(5,000 characters)" in text
    assert "(950 more)" in text
    assert json.loads(text)["d"] == "short"
