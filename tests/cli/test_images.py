"""Images of a job's output as files."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from pulumi_runpod.cli.images import save_images, without_images
from pulumi_runpod.errors import RunPodError
from pulumi_runpod.wire.job import Job

KINDS = {
    "png": b"\x89PNG\r\n\x1a\n",
    "jpg": b"\xff\xd8\xff\xe0",
    "webp": b"RIFF\x10\n\x00\x00WEBPVP8 ",
    "gif": b"GIF89a",
    "bin": b"\x00\x01",
}


def job(output: object, job_id: str = "9b1c-u1") -> Job:
    return Job(id=job_id, status="COMPLETED", output=output)


@pytest.mark.parametrize("kind", KINDS)
def test_the_bytes_name_the_format(tmp_path: Path, kind: str) -> None:
    """Not the field that claims it."""
    image = base64.b64encode(KINDS[kind]).decode()
    (file,) = save_images(job({"images": [{"image": image, "format": "../../x"}]}), tmp_path)

    assert file == tmp_path / f"9b1c-u1-0.{kind}"
    assert file.read_bytes() == KINDS[kind]


def test_a_data_url_and_a_bare_string_are_images_too(tmp_path: Path) -> None:
    """As other workers answer."""
    image = base64.b64encode(KINDS["png"]).decode()
    files = save_images(job({"images": [f"data:image/png;base64,{image}", image]}), tmp_path)

    assert [file.suffix for file in files] == [".png", ".png"]


def test_a_jobs_id_cannot_lead_out_of_the_directory(tmp_path: Path) -> None:
    """The service is not trusted with paths."""
    image = base64.b64encode(KINDS["png"]).decode()
    (file,) = save_images(job({"images": [image]}, "../../etc/x"), tmp_path)

    assert file.parent == tmp_path


def test_what_is_no_image_is_reported_by_its_number(tmp_path: Path) -> None:
    """Neither URL nor base64."""
    with pytest.raises(RunPodError, match="image 0 -> neither a URL nor base64"):
        save_images(job({"images": [{"image": "no base64!"}]}), tmp_path)


@pytest.mark.parametrize("output", [None, [], "x", {}, {"images": None}, {"images": []}, {"images": [{"url": "x"}]}])
def test_without_images_there_is_nothing_to_save(tmp_path: Path, output: object) -> None:
    """And nothing is written."""
    with pytest.raises(RunPodError, match="nothing to save"):
        save_images(job(output), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert without_images(output) == output
