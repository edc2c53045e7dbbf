"""The history of runs: of a playbook, of an incident, or of all, a page at a time."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from bongsu.i18n import N_, Translator
from bongsu.incident.run_events import RunOutcome
from bongsu.store import reading
from bongsu.store import runs as store
from bongsu.store.runs import RunPlace, RunsWanted
from bongsu.web.access.actor import Actor
from bongsu.web.api import lists, requests
from bongsu.web.api.depends import S, T, Viewer
from bongsu.web.api.incidents import Cursor
from bongsu.web.api.json import answer, documents
from bongsu.web.api.playbooks import PlaybookId
from bongsu.web.api.run_views import PlaybookHistory, ShownRuns
from bongsu.web.problems import ProblemError
from bongsu.web.services import Services

router = APIRouter(tags=["playbooks"])
OfIncident = Annotated[
    str | None,
    Query(
        alias="incident", max_length=64, pattern=r"^[0-9A-Za-z-]+$",
        description="The id (`42`) or the number of an incident.",
    ),
]  # fmt: skip
OfPlaybook = Annotated[
    requests.Query | None,
    Query(description="A playbook's id, also of one that the manual has no more."),
]


@router.get(
    "/playbooks/{playbook}/history",
    summary="A playbook's runs",
    responses=documents(PlaybookHistory),
)
async def of_playbook(
    at: S, who: Viewer, t: T, playbook: PlaybookId, *, incident: OfIncident = None,
    outcome: RunOutcome | None = None, cursor: Cursor = None, limit: requests.Limit = 50,
) -> Response:  # fmt: skip
    """Of all incidents, the newest first; also of one that the manual has no more."""
    wanted = RunsWanted(playbook, await _incident(at, incident), outcome)
    return answer(await _history(at, who, t, wanted, cursor=cursor, limit=limit))


@router.get("/runs", summary="Runs of all playbooks", responses=documents(PlaybookHistory))
async def of_all(
    at: S, who: Viewer, t: T, *, playbook: OfPlaybook = None, incident: OfIncident = None,
    outcome: RunOutcome | None = None, cursor: Cursor = None, limit: requests.Limit = 50,
) -> Response:  # fmt: skip
    """Of all incidents, the newest first."""
    wanted = RunsWanted(playbook, await _incident(at, incident), outcome)
    return answer(await _history(at, who, t, wanted, cursor=cursor, limit=limit))


async def _history(
    at: Services, who: Actor, t: Translator, wanted: RunsWanted, *, cursor: str | None, limit: int
) -> PlaybookHistory:
    place = lists.place_of(cursor, RunPlace)
    async with at.reading() as conn:
        rows = await store.history(conn, wanted, place, limit + 1)
    return ShownRuns(at.policy.manual, who.person, t).page(rows, limit)


async def _incident(at: Services, name: str | None) -> int | None:
    if name is None:
        return None
    async with at.reading() as conn:
        found = await reading.incident_id(conn, name)
    if found is None:
        text = N_("there is no incident {incident}")
        raise ProblemError("invalid", text, incident=name).at("query", "incident")
    return found
