"""Calendars of shifts at secret addresses, for programs that can't sign in."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from itsdangerous import BadData, URLSafeSerializer
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from bongsu.i18n import N_
from bongsu.oncall import Shifts
from bongsu.store import feeds, overrides
from bongsu.web.services import Services, services

if TYPE_CHECKING:
    from bongsu.manual.schema.oncall import Override

BEFORE, AHEAD = timedelta(days=31), timedelta(days=366)
_SALT = "bongsu.web.calendars"


def url(at: Services, feed_id: int) -> str:
    """Return the secret address of a feed."""
    return f"{at.base_url}/calendar/{_serializer(at).dumps(feed_id)}.ics"


async def serve(request: Request) -> Response:
    """Answer ``GET /calendar/{token}.ics``."""
    at = services(request)
    feed = await _feed(at, request.path_params["token"])
    if feed is None:
        t = at.translator(request)
        return PlainTextResponse(t(N_("there is no calendar at this address any more")), 404)
    async with at.reading() as conn:
        found = await overrides.current(conn)
    now = at.engine.clock.now()
    body = await asyncio.to_thread(_written, at, feed, found, now)
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"cache-control": "private, max-age=300", "etag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, 200, headers, "text/calendar; charset=utf-8")


async def _feed(at: Services, token: str) -> feeds.Feed | None:
    try:
        feed_id = _serializer(at).loads(token)
    except (BadData, UnicodeError):
        return None
    async with at.reading() as conn:
        return await feeds.find(conn, feed_id)


def _written(at: Services, feed: feeds.Feed, found: list[Override], now: datetime) -> bytes:
    from bongsu.oncall.feed import calendar  # noqa: PLC0415  icalendar loads slowly

    manual = at.policy.manual
    person = manual.person(feed.person) if feed.person else None
    # Whole days, so that an unchanged calendar stays the same bytes and need not be sent again.
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return calendar(
        Shifts(manual, found), day - BEFORE, day + AHEAD, rotation=feed.rotation,
        person=feed.person, lang=person.lang if person else manual.overview.locale,
        host=urlsplit(at.base_url).hostname or "bongsu",
    )  # fmt: skip


def _serializer(at: Services) -> URLSafeSerializer:
    options = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    return URLSafeSerializer(at.secret, salt=_SALT, signer_kwargs=options)
