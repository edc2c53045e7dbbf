"""Decoding that never raises: what can't be read becomes a refusal with its place."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from bongsu.i18n import N_
from bongsu.signals.refusal import Refusal, from_decode_error

T = TypeVar("T")
_UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_parts = msgspec.json.Decoder(list[msgspec.Raw])

MOST_REFUSALS = 20
"""refusals that one answer lists"""
_NUL = b"\\u0000"


def may_hold_nul(raw: bytes) -> bool:
    """Whether a text in this body may contain a NUL; where not, nobody needs to look for it."""
    return _NUL in raw


def encoding_refusal(raw: bytes) -> Refusal | None:
    """Refuse a body that is not UTF-8."""
    if raw.isascii():
        return None
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return from_decode_error(error)
    return None


def decode(raw: bytes, decoder: msgspec.json.Decoder[T], path: str = "") -> T | Refusal:
    """Decode one document, or say what is wrong with it."""
    if wrong := encoding_refusal(raw):
        return wrong
    try:
        return decoder.decode(raw)
    except _UNREADABLE as error:
        return from_decode_error(error, path)


def decode_tidy(raw: bytes | msgspec.Raw, decoder: msgspec.json.Decoder[T]) -> T | None:
    """Decode what is as it should be, None for all else: then look more closely."""
    try:
        return decoder.decode(raw)
    except _UNREADABLE:
        return None


def decode_items(
    raw: bytes | msgspec.Raw, one: msgspec.json.Decoder[T], path: str = ""
) -> tuple[list[tuple[int, T]], list[Refusal]]:
    """Decode a list so that a bad item costs only itself; items keep their place in the list."""
    try:
        parts = _parts.decode(raw)
    except _UNREADABLE as error:
        return [], [from_decode_error(error, path)]
    return _apart(parts, one, path)


def _apart(
    parts: list[msgspec.Raw], one: msgspec.json.Decoder[T], path: str
) -> tuple[list[tuple[int, T]], list[Refusal]]:
    items, refused = [], []
    for index, part in enumerate(parts):
        try:
            items.append((index, one.decode(part)))
        except _UNREADABLE as error:
            refusal = from_decode_error(error, f"{path}[{index}]")
            refused.append(with_name(refusal, bytes(part)))
    return items, refused


def with_name(refusal: Refusal, part: bytes) -> Refusal:
    """Name the label or annotation that is no text, which the decoder only calls one of them."""
    below, _, rest = refusal.field.rpartition(".*")
    if not below or rest:
        return refusal
    try:
        texts = _fields.decode(part)[below.rpartition(".")[2]]
        name = next(n for n, text in _fields.decode(texts).items() if bytes(text)[:1] != b'"')
    except (*_UNREADABLE, KeyError, StopIteration):
        return refusal
    return msgspec.structs.replace(refusal, field=f"{below}.{name}")


def shortened(refused: list[Refusal]) -> list[Refusal]:
    """Keep a list of refusals short enough to be read."""
    if len(refused) <= MOST_REFUSALS:
        return refused
    left = len(refused) - MOST_REFUSALS
    more = Refusal(N_("{count} more alerts were refused."), values={"count": left})
    return [*refused[:MOST_REFUSALS], more]
