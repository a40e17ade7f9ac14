"""The little XML that S3 uses: documents out of mappings, and the list of parts that a client sends.

Nothing with a DTD is read: entities are how a small document becomes a large one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
Value = str | int | bool | None | Mapping[str, "Value"] | Sequence["Value"]


def document(name: str, content: Mapping[str, Value], *, namespace: bool = True) -> bytes:
    """A document of root `name`. A sequence repeats its element, None leaves it out."""
    root = ET.Element(name, {"xmlns": _NAMESPACE} if namespace else {})
    _fill(root, content)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _fill(parent: ET.Element, content: Mapping[str, Value]) -> None:
    for name, value in content.items():
        values = value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
        for one in values:
            if one is None:
                continue
            element = ET.SubElement(parent, name)
            if isinstance(one, Mapping):
                _fill(element, one)
            elif isinstance(one, bool):
                element.text = str(one).lower()
            else:
                element.text = str(one)


def completed_parts(body: bytes) -> list[tuple[int, str]]:
    """(part number, ETag without quotes) of a CompleteMultipartUpload body. Raises ValueError for anything else."""
    # As text, so that no other encoding, declared or guessed, can hide a document type.
    text = body.decode("utf-8-sig")
    if "<!" in text or "\0" in text:
        raise ValueError("a document type is not allowed")
    try:
        root = ET.fromstring(text)  # noqa: S314 - no DTD, no entities: refused above
    except ET.ParseError as error:
        raise ValueError(str(error)) from None
    parts = []
    for element in root:
        if element.tag.rpartition("}")[2] != "Part":
            continue
        fields = {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in element}
        parts.append((int(fields.get("PartNumber", "")), fields.get("ETag", "").strip('"')))
    return parts
