"""A text of the manual as one value of a reason: each reader sees it in their own language."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

_BEGINNINGS = ('{"ko":', '{"en":')
_decode = msgspec.json.Decoder(dict[str, str]).decode


def in_both(texts: Mapping[str, str]) -> str:
    """Write a text of several languages (``ko``, ``en``) as one value."""
    return msgspec.json.encode(dict(texts)).decode()


def in_one(value: str, lang: str) -> str:
    """Read a value in a language, or in the one that it has; one of no language is as it is."""
    if not value.startswith(_BEGINNINGS):
        return value
    try:
        texts = _decode(value)
    except msgspec.DecodeError:
        return value
    return texts.get(lang) or next(iter(texts.values()), "")
