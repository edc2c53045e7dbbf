"""Signed one-tap links: who may do what to which incident, until when, in one word of a URL.

**A GET on such a link must not act.** Mail scanners and chat previews fetch every address they
see; a link that acted would acknowledge a page that nobody has read. The page behind the link
shows one big button, and only its POST (with the same token) acts.

A token is bound to the action, the incident, the person and the page, and expires. It can be
used more than once until then: acknowledging twice is harmless, and a person who taps again
should see "acknowledged", not an error.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import lru_cache

import msgspec
from itsdangerous import BadData, URLSafeSerializer

from bongsu.channels.message import ACTION_CODES, ActionCode

_SALT = "bongsu.channels.links"
MIN_SECRET_BYTES = 16


class Refusal(ValueError):  # noqa: N818  a refusal is what it is, to the one who asked
    """A request is not what it claims to be; says why, in English, for logs and API answers."""


class Expired(Refusal):
    """The link was real, but its time is over."""


class Claims(msgspec.Struct, frozen=True):
    """What a valid link permits."""

    purpose: ActionCode
    incident: str
    person: str
    page: str
    """the page it answers; empty for a link that belongs to none"""
    expires: datetime


def sign(  # noqa: PLR0917  one claim after the other
    secret: bytes, purpose: ActionCode, incident_id: str, person: str, page: str, expires: datetime
) -> str:
    """Return the token: URL-safe ASCII, good until ``expires`` (timezone-aware).

    Raises:
        ValueError: an unknown purpose, a secret shorter than 16 bytes, or a naive time.
    """
    if purpose not in ACTION_CODES:
        raise ValueError(f"{purpose!r} is no purpose of a link; use one of {ACTION_CODES}")
    if expires.tzinfo is None:
        raise ValueError("a link's expiry needs a time zone")
    claims = [purpose, incident_id, person, page, int(expires.timestamp())]
    return _serializer(secret).dumps(claims)


def read(secret: bytes, token: str, now: datetime) -> Claims:
    """Return what a token permits at ``now``.

    Raises:
        Expired: its time is over.
        Refusal: it was not signed with this secret, or not by `sign`.
    """
    serializer = _serializer(secret)
    try:
        claims = msgspec.convert(serializer.loads(token), tuple[ActionCode, str, str, str, int])
        purpose, incident, person, page, seconds = claims
        expires = datetime.fromtimestamp(seconds, UTC)
    except (BadData, msgspec.ValidationError, UnicodeError, ValueError, OverflowError):
        raise Refusal("this link is not valid: it was altered or cut off") from None
    if now >= expires:
        raise Expired(f"this link expired at {expires:%Y-%m-%d %H:%M} UTC")
    return Claims(purpose, incident, person, page, expires)


@lru_cache(4)
def _serializer(secret: bytes) -> URLSafeSerializer:
    if len(secret) < MIN_SECRET_BYTES:
        raise ValueError(f"a link's secret needs at least {MIN_SECRET_BYTES} bytes")
    options = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    return URLSafeSerializer(secret, salt=_SALT, signer_kwargs=options)
