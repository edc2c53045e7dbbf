"""Who is on call and why, the weeks to come, who stands in for whom, and calendar addresses."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.responses import RedirectResponse, Response

from bongsu.i18n import N_
from bongsu.manual.schema.oncall import Override
from bongsu.oncall import Shifts
from bongsu.oncall.words import rotation_name, slot_name
from bongsu.store import feeds, overrides
from bongsu.web import calendars as feed_addresses
from bongsu.web.api import turns
from bongsu.web.console.gate import Fields, PageError, Visit, signed
from bongsu.web.console.views.oncall import WEEKS, calendars

LONGEST = timedelta(days=92)


@signed()
async def show(visit: Visit) -> Response:
    """Show it."""
    return visit.page("oncall.html", await _values(visit))


async def _values(visit: Visit) -> dict[str, Any]:
    now, manual = visit.now, visit.manual
    async with visit.at.reading() as conn:
        known = await overrides.current(conn)
        near = await overrides.between(conn, now, now + timedelta(weeks=4 * WEEKS))
        addresses = await feeds.made_by(conn, visit.actor.person)
    shown = turns.Shown(manual, visit.t)

    def worked_out() -> tuple[Any, Any]:
        own = Shifts(manual, known)
        return turns.now(own, now, shown), calendars(own, visit.t, now)

    on_call, drawn = await asyncio.to_thread(worked_out)
    return {
        "turns": on_call.turns, "calendars": drawn,
        "overrides": [shown.override(one) for one in near],
        "people": {name: person.name for name, person in manual.team.people.items()},
        "slots": list(_slots(visit)),
        "feeds": [(one, feed_addresses.url(visit.at, one.id)) for one in addresses],
        "error": "", "values": defaultdict(str),
    }  # fmt: skip


def _slots(visit: Visit) -> Iterator[tuple[str, str]]:
    lang = visit.t.lang
    for rotation, slot in visit.at.policy.shifts.duties():
        name = f"{rotation_name(rotation, lang, visit.manual)} · {slot_name(slot, lang)}"
        yield f"{rotation}/{slot}", name


@signed("responder")
async def add_override(visit: Visit) -> Response:
    """Let somebody stand in."""
    fields = await visit.form()
    try:
        wanted = _override(visit, fields)
    except PageError as error:
        text = visit.t(error.text, **error.values) if error.values else visit.t(error.text)
        values = {**await _values(visit), "error": text, "values": fields}
        return visit.page("oncall.html", values, error.status)
    async with visit.at.pool.acquire() as conn, conn.transaction():
        await overrides.add(conn, wanted, made_by=visit.actor.person, now=visit.now)
    await visit.at.recompile()
    return RedirectResponse("/oncall#overrides", 303)


def _override(visit: Visit, fields: Fields) -> Override:
    rotation, _, slot = fields["slot"].partition("/")
    if (rotation, slot) not in visit.at.policy.shifts.duties():
        raise PageError(422, N_("Choose which slot it is about."))
    if visit.manual.person(fields["person"]) is None:
        raise PageError(422, N_("Choose who stands in."))
    start, until = (
        _local(visit, rotation, fields["start"]),
        _local(visit, rotation, fields["until"]),
    )
    if not start < until <= start + LONGEST:
        raise PageError(
            422, N_("It must end after it begins, at most {days} days later."), days=LONGEST.days
        )
    if until <= visit.now:
        raise PageError(422, N_("It would be over already."))
    return Override(
        rotation=rotation, slot=slot, person=fields["person"], start=start, until=until,
        reason=fields["reason"][:300],
    )  # fmt: skip


def _local(visit: Visit, rotation: str, text: str) -> datetime:
    """Read what a browser's date field sends, on the rotation's clock."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise PageError(422, N_("Say from when and until when.")) from None
    if at.tzinfo is None:
        at = at.replace(tzinfo=visit.at.policy.shifts.zone(rotation))
    return at.astimezone(UTC)


@signed("responder")
async def remove_override(visit: Visit) -> Response:
    """Take an override back; the plan holds again."""
    await visit.form()
    number = visit.request.path_params["override"]
    async with visit.at.pool.acquire() as conn, conn.transaction():
        await overrides.remove(conn, number, removed_by=visit.actor.person, now=visit.now)
    await visit.at.recompile()
    return RedirectResponse("/oncall#overrides", 303)


@signed()
async def add_feed(visit: Visit) -> Response:
    """Make a calendar address: one's own shifts, or everybody's."""
    fields = await visit.form()
    mine = fields["whose"] == "mine" and visit.manual.person(visit.actor.person) is not None
    async with visit.at.pool.acquire() as conn:
        await feeds.add(
            conn, visit.actor.person if mine else None, None, visit.actor.person, visit.now
        )
    return RedirectResponse("/oncall#calendar", 303)


@signed()
async def remove_feed(visit: Visit) -> Response:
    """Take a calendar address back."""
    await visit.form()
    async with visit.at.pool.acquire() as conn:
        await feeds.revoke(conn, visit.request.path_params["feed"], visit.actor.person, visit.now)
    return RedirectResponse("/oncall#calendar", 303)
