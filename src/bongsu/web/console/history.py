"""All runs of playbooks: a page at a time, by playbook, incident and outcome."""

from __future__ import annotations

from typing import get_args
from urllib.parse import urlencode

from starlette.responses import Response

from bongsu.incident.reasons import RUN_OUTCOMES
from bongsu.incident.run_events import RunOutcome
from bongsu.store import reading
from bongsu.store import runs as store
from bongsu.store.runs import RunPlace, RunsWanted
from bongsu.web.api import lists
from bongsu.web.api.run_views import ShownRuns
from bongsu.web.console.gate import Visit, signed

PER_PAGE = 50
LONGEST_NUMBER = 64
NO_SUCH = 0
"""an incident that there never is"""


@signed()
async def show(visit: Visit) -> Response:
    """Show it, the newest first; a filter that makes no sense is left out."""
    query = visit.request.query_params
    playbook = query.get("playbook", "").replace("\0", "")[:200]
    incident = query.get("incident", "").replace("\0", "").strip().lstrip("#")[:LONGEST_NUMBER]
    outcome = next((one for one in get_args(RunOutcome) if one == query.get("outcome")), "")
    place = lists.place_of(query.get("cursor") or None, RunPlace)
    async with visit.at.reading() as conn:
        of = (await reading.incident_id(conn, incident) or NO_SUCH) if incident else None
        wanted = RunsWanted(playbook or None, of, outcome or None)
        rows = await store.history(conn, wanted, place, PER_PAGE + 1)
    page = ShownRuns(visit.manual, visit.actor.person, visit.t).page(rows, PER_PAGE)
    chosen = {"playbook": playbook, "outcome": outcome, "incident": incident}
    values = {
        **chosen, "history": page, "next": _address(chosen, page.next) if page.next else "",
        "playbooks": _named(visit, playbook), "narrow": any(chosen.values()),
        "outcomes": {word: visit.t(name) for word, name in RUN_OUTCOMES.items()},
    }  # fmt: skip
    return visit.page("playbooks/history.html", values)


def _named(visit: Visit, chosen: str) -> dict[str, str]:
    """Name the playbooks of the manual, and one that it has no more but was asked for."""
    named = {name: one.name.in_(visit.t.lang) for name, one in visit.manual.playbooks.items()}
    return {chosen: chosen, **named} if chosen and chosen not in named else named


def _address(chosen: dict[str, str], cursor: str) -> str:
    asked = {name: value for name, value in chosen.items() if value}
    return "/runs?" + urlencode({**asked, "cursor": cursor})
