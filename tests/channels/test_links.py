"""One-tap links: bound, signed, expiring."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeSerializer

from bongsu.channels.links import Claims, Expired, Refusal, read, sign

SECRET = b"a secret of the test"
NOW = datetime(2025, 8, 14, 5, 30, tzinfo=UTC)
EXPIRES = NOW + timedelta(hours=1)


def a_link(**changes: Any) -> str:
    values = {"purpose": "ack", "incident_id": "01K2", "person": "kim", "page": "p1"} | changes
    return sign(SECRET, expires=EXPIRES, **values)


def test_a_link_permits_what_it_was_signed_for_and_nothing_else() -> None:
    assert read(SECRET, a_link(), NOW) == Claims("ack", "01K2", "kim", "p1", EXPIRES)


def test_a_link_fits_into_an_address_as_it_is() -> None:
    token = a_link(person="김철수", page="p/1")
    assert token.isascii()
    assert not set(token) & set("/?#&=+% ")
    assert read(SECRET, token, NOW).person == "김철수"


def test_a_link_ends_with_its_time() -> None:
    assert read(SECRET, a_link(), EXPIRES - timedelta(seconds=1)).expires == EXPIRES
    with pytest.raises(Expired, match="2025-08-14 06:30"):
        read(SECRET, a_link(), EXPIRES)


def test_a_link_can_be_tapped_twice() -> None:
    token = a_link()
    assert read(SECRET, token, NOW) == read(SECRET, token, NOW)


@given(st.integers(min_value=0, max_value=200), st.characters(codec="ascii"))
def test_a_changed_link_is_refused(position: int, character: str) -> None:
    token = a_link()
    position %= len(token)
    changed = token[:position] + character + token[position + 1 :]
    try:
        claims = read(SECRET, changed, NOW)
    except Refusal:
        return
    # The last character of base64 has spare bits; a change there changes nothing.
    assert claims == read(SECRET, token, NOW)


@given(st.text())
def test_rubbish_is_refused(token: str) -> None:
    with pytest.raises(Refusal):
        read(SECRET, token, NOW)


def test_a_link_of_another_secret_is_refused() -> None:
    with pytest.raises(Refusal):
        read(b"another secret, as long", a_link(), NOW)


@pytest.mark.parametrize(
    "claims",
    [
        {"purpose": "ack"},
        ["delete", "01K2", "kim", "p1", 9_999_999_999],
        ["ack", "01K2", "kim", "p1"],
        ["ack", 5, "kim", "p1", 9_999_999_999],
        ["ack", "01K2", "kim", "p1", "tomorrow"],
        ["ack", "01K2", "kim", "p1", 10**30],
    ],
)
def test_what_is_signed_but_no_link_is_refused(claims: object) -> None:
    import hashlib

    options = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    serializer = URLSafeSerializer(SECRET, salt="bongsu.channels.links", signer_kwargs=options)
    with pytest.raises(Refusal):
        read(SECRET, serializer.dumps(claims), NOW)


def test_a_signature_made_for_something_else_opens_no_link() -> None:
    token = URLSafeSerializer(SECRET).dumps(["ack", "01K2", "kim", "p1", 9_999_999_999])
    with pytest.raises(Refusal):
        read(SECRET, token, NOW)


@pytest.mark.parametrize(
    ("secret", "purpose", "expires"),
    [
        (b"short", "ack", EXPIRES),
        (SECRET, "delete", EXPIRES),
        (SECRET, "ack", EXPIRES.replace(tzinfo=None)),
    ],
)
def test_a_link_that_would_be_unsafe_is_not_made(
    secret: bytes, purpose: Any, expires: datetime
) -> None:
    with pytest.raises(ValueError, match=r"link|expiry|secret"):
        sign(secret, purpose, "01K2", "kim", "p1", expires)
