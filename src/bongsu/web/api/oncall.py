"""Who is on call and why, who stands in for whom, how the load is spread, and calendars."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar

import msgspec
from fastapi import APIRouter, Query
from pydantic import model_validator
from starlette.responses import Response

from bongsu.i18n import N_
from bongsu.manual.schema.base import refusal
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.oncall import Override
from bongsu.oncall import Shifts
from bongsu.store import feeds, overrides
from bongsu.web import calendars
from bongsu.web.api import requests, turns
from bongsu.web.api.accounts import Id
from bongsu.web.api.depends import Responder, S, T, Viewer
from bongsu.web.api.incidents import wrong
from bongsu.web.api.json import answer, documents
from bongsu.web.problems import ProblemError
from bongsu.web.services import Services

LONGEST_SPAN = timedelta(days=400)
LONGEST_OVERRIDE = timedelta(days=92)
USUAL_SPAN = timedelta(days=28)
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)

R = TypeVar("R")
At = Annotated[requests.Instant | None, Query(description="A point in time; now, if not given.")]
From = Annotated[requests.Instant | None, Query(alias="from", description="Now, if not given.")]
Until = Annotated[requests.Instant | None, Query(description="28 days later, if not given.")]

router = APIRouter(prefix="/oncall", tags=["on-call"])


@router.get("", summary="Who is on call, and why", responses=documents(turns.OnCallNow))
async def who_is_on_call(
    at: S, who: Viewer, t: T, at_: Annotated[At, Query(alias="at")] = None
) -> Response:
    """Now, or at any time past or future."""
    asked = _within(at_ or at.engine.clock.now(), "at")
    shown = turns.Shown(at.policy.manual, t)
    return answer(turns.now(at.policy.shifts, asked, shown))


@router.get("/timeline", summary="The shifts of a span", responses=documents(turns.OnCallTimeline))
async def timeline(
    at: S, who: Viewer, t: T, *, rotation: requests.Query | None = None,
    from_: From = None, until: Until = None,
) -> Response:  # fmt: skip
    """Of one rotation, or of all; at most 400 days."""
    start, end = _span(at, from_, until)
    manual, shown = at.policy.manual, turns.Shown(at.policy.manual, t)
    if rotation is not None:
        _known(rotation, manual)
    return answer(
        await _apart(at, lambda s: turns.filled(s, s.duties(rotation), start, end, shown))
    )


@router.get("/load", summary="How the load is spread", responses=documents(turns.LoadSurvey))
async def load(at: S, who: Viewer, t: T, from_: From = None, until: Until = None) -> Response:
    """Hours on call per person, and what about them is too much, unfair or without backup."""
    start, end = _span(at, from_, until)
    shown = turns.Shown(at.policy.manual, t)
    return answer(await _apart(at, lambda shifts: shown.survey(shifts, start, end)))


async def _apart(at: Services, work: Callable[[Shifts], R]) -> R:
    """Work on shifts of one's own in a thread: those that decide are the event loop's alone."""
    async with at.reading() as conn:
        found = await overrides.current(conn)
    manual = at.policy.manual
    return await asyncio.to_thread(lambda: work(Shifts(manual, found)))


def _span(
    at: Services, start: datetime | None, until: datetime | None
) -> tuple[datetime, datetime]:
    begins = _within(start or at.engine.clock.now(), "from")
    ends = _within(until or begins + USUAL_SPAN, "until")
    if not begins < ends <= begins + LONGEST_SPAN:
        text = N_("the span must end after it begins, and last at most {days} days")
        raise ProblemError("invalid", text, days=LONGEST_SPAN.days).at("query", "until")
    return begins, ends


def _within(at: datetime, field: str) -> datetime:
    if not _EARLIEST <= at <= _LATEST:
        text = N_("rotations are worked out between the years 2000 and 2100")
        raise ProblemError("invalid", text).at("query", field)
    return at


def _known(rotation: str, manual: Manual, where: str = "query") -> None:
    if rotation not in manual.oncall.rotations:
        text, known = (
            N_("there is no rotation {rotation}; write one of {known}"),
            ", ".join(manual.oncall.rotations),
        )
        raise ProblemError("invalid", text, rotation=rotation, known=known).at(where, "rotation")


# ── overrides ────────────────────────────────────────────────────────────────────────────


class NewOverride(requests.Body):
    """Somebody stands in for a slot for a while; of two, the one made last holds."""

    rotation: requests.Name
    slot: requests.Name
    person: requests.Name
    start: requests.Instant
    until: requests.Instant
    """exclusive"""
    reason: requests.OptionalLine = ""

    @model_validator(mode="after")
    def _in_order(self) -> NewOverride:
        if not self.start < self.until <= self.start + LONGEST_OVERRIDE:
            what = N_("`until` must come after `start`, at most {days} days later")
            raise refusal(what, N_("make several for longer"), days=LONGEST_OVERRIDE.days)
        return self


@router.get("/overrides", summary="Who stands in", responses=documents(turns.OverrideList))
async def list_overrides(
    at: S, who: Viewer, t: T, from_: From = None, until: Until = None
) -> Response:
    """Those that touch a span; the manual's own overrides are in the manual."""
    start, end = _span(at, from_, until)
    async with at.reading() as conn:
        found = await overrides.between(conn, start, end)
    shown = turns.Shown(at.policy.manual, t)
    return answer(turns.OverrideList([shown.override(one) for one in found]))


@router.post(
    "/overrides", status_code=201, summary="Let somebody stand in",
    responses=documents(turns.OverrideView, "It holds at once, on every replica.", 201),
)  # fmt: skip
async def add_override(at: S, who: Responder, t: T, body: NewOverride) -> Response:
    """Pages of the span go to this person instead."""
    manual = at.policy.manual
    _known(body.rotation, manual, "body")
    slots = manual.oncall.rotations[body.rotation].slots
    if body.slot not in slots:
        text = N_("there is no slot {slot}; write one of {known}")
        raise wrong("slot", text, slot=body.slot, known=", ".join(slots))
    if manual.person(body.person) is None:
        text = N_("there is no person {person}; write one of {known}")
        raise wrong("person", text, person=body.person, known=", ".join(sorted(manual.team.people)))
    now = at.engine.clock.now()
    if body.until <= now:
        raise wrong("until", N_("it would be over already"))
    _within(body.until, "until")
    wanted = Override(
        rotation=body.rotation, slot=body.slot, person=body.person,
        start=body.start, until=body.until, reason=body.reason,
    )  # fmt: skip
    async with at.pool.acquire() as conn, conn.transaction():
        kept = await overrides.add(conn, wanted, made_by=who.person, now=now)
    await at.recompile()
    return answer(turns.Shown(manual, t).override(kept), 201)


@router.delete(
    "/overrides/{override}", summary="Take an override back",
    responses=documents(turns.OverrideView, "The plan holds again."),
)  # fmt: skip
async def remove_override(at: S, who: Responder, override: Id, t: T) -> Response:
    """It stays in the history; the plan holds again at once."""
    async with at.pool.acquire() as conn, conn.transaction():
        now = at.engine.clock.now()
        kept = await overrides.remove(conn, override, removed_by=who.person, now=now)
    if kept is None:
        raise ProblemError("not_found", N_("there is no override {id} in force"), id=override)
    await at.recompile()
    return answer(turns.Shown(at.policy.manual, t).override(kept))


# ── calendars ────────────────────────────────────────────────────────────────────────────


class FeedView(msgspec.Struct, frozen=True):
    """A secret address for a calendar program; whoever has it can read these shifts."""

    id: int
    person: str | None
    rotation: str | None
    made_at: datetime
    url: str


class FeedList(msgspec.Struct, frozen=True):
    """One's own calendar addresses."""

    feeds: list[FeedView]


class NewFeed(requests.Body):
    """Whose shifts it shows: a person's, a rotation's, both, or everybody's."""

    person: requests.Name | None = None
    rotation: requests.Name | None = None


@router.get("/feeds", summary="One's calendar addresses", responses=documents(FeedList))
async def list_feeds(at: S, who: Viewer) -> Response:
    """Those that one made and has not taken back."""
    async with at.reading() as conn:
        found = await feeds.made_by(conn, who.person)
    return answer(FeedList([_feed(at, one) for one in found]))


@router.post(
    "/feeds",
    status_code=201,
    summary="Make a calendar address",
    responses=documents(FeedView, status=201),
)
async def add_feed(at: S, who: Viewer, body: NewFeed) -> Response:
    """An iCalendar feed that phones and calendar programs subscribe to."""
    manual = at.policy.manual
    if body.rotation is not None:
        _known(body.rotation, manual, "body")
    if body.person is not None and manual.person(body.person) is None:
        text = N_("there is no person {person}; write one of {known}")
        raise wrong("person", text, person=body.person, known=", ".join(sorted(manual.team.people)))
    async with at.pool.acquire() as conn:
        now = at.engine.clock.now()
        made = await feeds.add(conn, body.person, body.rotation, who.person, now)
    return answer(_feed(at, made), 201)


@router.delete("/feeds/{feed}", status_code=204, summary="Take a calendar address back")
async def remove_feed(at: S, who: Viewer, feed: Id) -> Response:
    """The address answers 404 from now on."""
    async with at.pool.acquire() as conn:
        if not await feeds.revoke(conn, feed, who.person, at.engine.clock.now()):
            raise ProblemError(
                "not_found", N_("there is no calendar address {id} of yours"), id=feed
            )
    return Response(status_code=204)


def _feed(at: Services, feed: feeds.Feed) -> FeedView:
    url = calendars.url(at, feed.id)
    return FeedView(feed.id, feed.person, feed.rotation, feed.made_at, url)
