"""What was changed: the list, and telling of a change by hand or by a program with a token."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from bongsu.i18n import N_
from bongsu.incident.alert import Link
from bongsu.incident.changes import ChangeEvent, ChangeKind, masked, placed
from bongsu.store import changes as store
from bongsu.store.changes import ChangePlace, Wanted
from bongsu.web.api import lists, requests
from bongsu.web.api.depends import Responder, S, T, Viewer
from bongsu.web.api.incidents import Cursor, wrong
from bongsu.web.api.json import answer, documents
from bongsu.web.api.report_views import ChangeView, Shown

router = APIRouter(prefix="/changes", tags=["changes"])
Since = Annotated[requests.Instant | None, Query(description="Changes made at this time or later.")]
Until = Annotated[
    requests.Instant | None, Query(description="Changes made at this time or before.")
]


class ChangeList(msgspec.Struct, frozen=True):
    """Changes, the newest first; `next` is the `cursor` of the following page."""

    changes: list[ChangeView]
    next: str | None


class Noted(msgspec.Struct, frozen=True):
    """Whether a change was not known yet."""

    new: bool


class ToldChange(requests.Body):
    """A change that a person or a program tells; it never pages and never opens an incident."""

    summary: requests.Line
    kind: ChangeKind = "event"
    subject: requests.OptionalLine = ""
    """what was changed, as `deployment/korea-backend`, or the flag's name"""
    service: requests.Name | None = None
    at: requests.Instant | None = None
    """when it was made; now, where it is not given"""
    key: requests.OptionalLine = ""
    """what makes it the same again, for example the number of a build"""
    link: requests.OptionalLine = ""
    details: dict[requests.Name, requests.Words] = Field(default_factory=dict, max_length=64)


@router.get("", summary="What was changed", responses=documents(ChangeList))
async def list_changes(
    at: S, who: Viewer, t: T, *,
    since: Since = None, until: Until = None,
    service: requests.Query | None = None, kind: ChangeKind | None = None,
    cursor: Cursor = None, limit: requests.Limit = 50,
) -> Response:  # fmt: skip
    """Deployments, flags, configuration and whatever else was told, of the last 90 days."""
    wanted = Wanted(since, until, service, kind)
    place = lists.place_of(cursor, ChangePlace)
    async with at.reading() as conn:
        found = await store.changes(conn, wanted, place, limit + 1)
    shown = Shown(at.policy.manual, t)
    last = found[limit - 1] if len(found) > limit else None
    following = lists.cursor(ChangePlace(last.event.at, last.id)) if last else None
    return answer(ChangeList([shown.change(one) for one in found[:limit]], following))


@router.post(
    "", status_code=201, summary="Tell what was changed",
    responses=documents(Noted, "It is kept.", 201),
)  # fmt: skip
async def tell(at: S, who: Responder, body: ToldChange) -> Response:
    """The same `key` again is the same change. Senders use their integration key instead."""
    now, services = at.engine.clock.now(), at.policy.manual.services.services
    if body.service is not None and body.service not in services:
        known, text = ", ".join(services), N_("there is no service {service}; write one of {known}")
        raise wrong("service", text, service=body.service, known=known)
    event = ChangeEvent(
        at=min(body.at or now, now), summary=body.summary, kind=body.kind, subject=body.subject,
        service=body.service, links=(Link(body.link),) if body.link else (), details=body.details,
        key=body.key,
    )  # fmt: skip
    async with at.pool.acquire() as conn:
        new = await store.add(conn, now, who.signature, [placed(masked(event), services)])
    return answer(Noted(bool(new)), 201)
