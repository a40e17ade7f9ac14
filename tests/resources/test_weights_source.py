"""What a source of weights holds, found on this machine and without the network."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulumi_runpod.client.file_digests import FileDigests
from pulumi_runpod.errors import InvalidInput
from pulumi_runpod.resources.weights_source import files_of, path_mistake
from pulumi_runpod.wire.model import JsonObject

SHA = "a" * 64


@pytest.fixture
def digests(tmp_path: Path) -> FileDigests:
    return FileDigests(tmp_path / "cache")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (
        "model_index.json",
        "unet/a.fp16.safetensors",
        "unet/a.safetensors",
        ".cache/x",
        "unet/.y",
        "READY.json",
    ):
        path = tmp_path / "weights" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "weights"


def names(source: JsonObject, digests: FileDigests) -> list[str]:
    return [f.path for f in files_of(source, digests)]


def test_a_directory_gives_its_files(folder: Path, digests: FileDigests) -> None:
    """All but hidden names, and the manifest of an earlier place."""
    found = names({"kind": "directory", "path": str(folder)}, digests)

    assert found == ["model_index.json", "unet/a.fp16.safetensors", "unet/a.safetensors"]


def test_globs_choose_files(folder: Path, digests: FileDigests) -> None:
    """Included first, then excluded; `*` matches slashes."""
    source = {"kind": "directory", "path": str(folder), "include": ["*.safetensors"], "exclude": ["*.fp16.*"]}

    assert names(source, digests) == ["unet/a.safetensors"]


def test_a_file_is_hashed_once_until_it_changes(folder: Path, digests: FileDigests) -> None:
    """A second look reads no content; a changed file alone is read again, also by another process's cache object."""
    source: JsonObject = {"kind": "directory", "path": str(folder)}
    first = files_of(source, digests)
    assert digests.hashed == 3

    again = FileDigests(digests._file.parent)
    assert [(f.path, f.sha256) for f in files_of(source, again)] == [(f.path, f.sha256) for f in first]
    assert again.hashed == 0
    (folder / "model_index.json").write_text("other text")
    changed = files_of(source, again)

    assert again.hashed == 1
    assert changed[0].sha256 != first[0].sha256


def test_a_cache_that_cannot_be_written_is_done_without(folder: Path, tmp_path: Path) -> None:
    """The digest is right all the same."""
    (tmp_path / "file").write_text("no directory")
    digests = FileDigests(tmp_path / "file")

    assert len(files_of({"kind": "directory", "path": str(folder)}, digests)) == 3
    assert digests.hashed == 3


def test_a_snapshot_is_found_in_the_cache_of_hugging_face(
    tmp_path: Path, digests: FileDigests, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By branch or by commit, with the links of its layout followed."""
    hub = tmp_path / "hub"
    repository = hub / "models--team--sdxl"
    (repository / "blobs").mkdir(parents=True)
    (repository / "blobs/abc").write_text("weights")
    (repository / "refs").mkdir()
    (repository / "refs/main").write_text("c0ffee")
    (repository / "snapshots/c0ffee/unet").mkdir(parents=True)
    (repository / "snapshots/c0ffee/unet/model.bin").symlink_to("../../../blobs/abc")
    monkeypatch.setenv("HF_HUB_CACHE", str(hub))

    for revision in ("main", "c0ffee"):
        source = {"kind": "huggingface", "repository": "team/sdxl", "revision": revision}
        assert names(source, digests) == ["unet/model.bin"]


def test_a_snapshot_that_is_not_there_names_the_command(
    tmp_path: Path, digests: FileDigests, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is fetched behind anyone's back."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))

    with pytest.raises(InvalidInput, match="hf download team/sdxl --revision v1"):
        files_of({"kind": "huggingface", "repository": "team/sdxl", "revision": "v1"}, digests)


def test_urls_give_their_names_and_sums(digests: FileDigests) -> None:
    """The path is the URL's last part by default."""
    source = {
        "kind": "urls",
        "files": [
            {"url": "https://example.com/a/model%20x.bin?sig=1", "sha256": SHA},
            {"url": "https://example.com/b", "sha256": SHA.upper(), "path": "unet/b"},
        ],
    }

    assert [(f.path, f.sha256, f.size) for f in files_of(source, digests)] == [
        ("model x.bin", SHA, None),
        ("unet/b", SHA, None),
    ]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ({"kind": "directory", "path": "/does/not/exist"}, "source.path: /does/not/exist is no directory"),
        ({"kind": "directory"}, "source.path: is missing"),
        ({"kind": "zip"}, "source: must be LocalDirectory"),
        ({"kind": "huggingface", "repository": "sdxl"}, "source.repository"),
        ({"kind": "huggingface", "repository": "a/b", "revision": "../../x"}, "source.revision"),
        ({"kind": "urls", "files": []}, "source.files"),
        ({"kind": "urls", "files": [{"url": "ftp://x/y", "sha256": SHA}]}, r"source.files\[0\].url: must be an http"),
        ({"kind": "urls", "files": [{"url": "http://x/y", "sha256": "12"}]}, r"source.files\[0\].sha256"),
        ({"kind": "urls", "files": [{"url": "http://x/y", "sha256": SHA, "path": "../y"}]}, r"files\[0\].path: '../y'"),
        ({"kind": "urls", "files": [{"url": "http://x/y", "sha256": SHA}] * 2}, r"files\[1\].path: y is given twice"),
    ],
)
def test_a_mistake_is_reported_with_its_place(source: JsonObject, text: str, digests: FileDigests) -> None:
    """Property path, what is wrong, and no traceback."""
    with pytest.raises(InvalidInput, match=text):
        files_of(source, digests)


def test_an_empty_directory_is_a_mistake(tmp_path: Path, digests: FileDigests) -> None:
    """A set of nothing is nobody's wish."""
    with pytest.raises(InvalidInput, match="holds no file that is wanted"):
        files_of({"kind": "directory", "path": str(tmp_path)}, digests)


def test_a_file_that_cannot_be_read_is_reported(folder: Path, digests: FileDigests) -> None:
    """A link that leads nowhere is named."""
    (folder / "broken").symlink_to("nowhere")

    with pytest.raises(InvalidInput, match=r"broken: No such file"):
        files_of({"kind": "directory", "path": str(folder)}, digests)


@pytest.mark.parametrize("path", ["", "/a", "a/../b", "a//b", ".hidden/a", "a/", "a\0b"])
def test_a_path_that_leaves_the_volume_is_refused(path: str) -> None:
    """And one that would lie among the service's own folders."""
    assert path_mistake(path)


def test_a_plain_path_is_fine() -> None:
    """Dots within names are names."""
    assert path_mistake("models/sdxl-1.0/unet") is None
