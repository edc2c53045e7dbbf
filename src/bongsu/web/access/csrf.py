"""Proof that a write which came with a cookie was meant.

It is a token of the session, in the form or in a header, which another site can't read.

Every token differs, so that a compressed page does not give it away letter by letter.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

HEADER = "x-csrf-token"
FIELD = "csrf_token"
_NONCE, _MAC = 12, 32


def token(secret: bytes, session: bytes) -> str:
    """Return a token for the forms of one session; it is good as long as the session."""
    nonce = secrets.token_bytes(_NONCE)
    return base64.urlsafe_b64encode(nonce + _mac(secret, session, nonce)).decode().rstrip("=")


def valid(secret: bytes, session: bytes, given: str) -> bool:
    """Say whether this is a token of this session."""
    try:
        raw = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4))
    except ValueError:
        return False
    nonce, mac = raw[:_NONCE], raw[_NONCE:]
    return len(mac) == _MAC and hmac.compare_digest(mac, _mac(secret, session, nonce))


def _mac(secret: bytes, session: bytes, nonce: bytes) -> bytes:
    return hmac.new(secret, b"csrf\0" + nonce + session, hashlib.sha256).digest()


def same_origin(request: HTTPConnection) -> bool:
    """Say whether a form came from our own page, where there is no session yet to prove it by.

    Browsers say where a form comes from; what is no browser can't be tricked into sending one.
    """
    headers = request.headers
    if site := headers.get("sec-fetch-site"):
        return site in ("same-origin", "none")
    if origin := headers.get("origin"):
        return urlsplit(origin).netloc == headers.get("host", "")
    return True
