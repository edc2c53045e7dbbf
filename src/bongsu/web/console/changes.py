"""What was changed lately, by whom it was told, and about which service."""

from __future__ import annotations

from typing import get_args

from starlette.responses import Response

from bongsu.incident.changes import ChangeKind
from bongsu.incident.digest import KINDS
from bongsu.store import changes as store
from bongsu.store.changes import ChangePlace, Wanted
from bongsu.web.api import lists
from bongsu.web.api.report_views import Shown
from bongsu.web.console.gate import Visit, signed

PER_PAGE = 50


@signed()
async def show(visit: Visit) -> Response:
    """Show it, the newest first."""
    query = visit.request.query_params
    kind = next((one for one in get_args(ChangeKind) if one == query.get("kind")), None)
    service = query.get("service", "").replace("\0", "")[:200] or None
    place = lists.place_of(query.get("cursor") or None, ChangePlace)
    async with visit.at.reading() as conn:
        found = await store.changes(conn, Wanted(None, None, service, kind), place, PER_PAGE + 1)
    shown = Shown(visit.manual, visit.t)
    last = found[PER_PAGE - 1] if len(found) > PER_PAGE else None
    values = {
        "changes": [shown.change(one) for one in found[:PER_PAGE]],
        "kinds": {word: visit.t(name) for word, name in KINDS.items()},
        "kind": kind or "", "service": service or "",
        "next": lists.cursor(ChangePlace(last.event.at, last.id)) if last else "",
    }  # fmt: skip
    return visit.page("changes.html", values)
