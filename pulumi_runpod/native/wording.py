"""Messages of the lifecycles in the words of the schema: `workers.idle_timeout` becomes `workers.idleTimeout`."""

from __future__ import annotations

import re

from pulumi_runpod.native.schema import property_names
from pulumi_runpod.resources.schema_names import NATIVE_PACKAGE, camel

_SNAKE_WORD = re.compile(r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b")
_CONFIG_KEY = re.compile(r"\brunpod:(?=[a-z])")


def in_schema_words(text: str) -> str:
    """Property names and config keys as a user of the native provider knows them; all else as it is."""
    names = property_names()
    named = _SNAKE_WORD.sub(lambda word: camel(word[0]) if camel(word[0]) in names else word[0], text)
    return _CONFIG_KEY.sub(f"{NATIVE_PACKAGE}:", named)
