"""What an incident's page shows of playbooks: those to run now, and the runs with their steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bongsu.incident.state import Incident
from bongsu.store import runs as store
from bongsu.store.runs import StepOutput
from bongsu.web.api.playbook_views import KINDS, PlaybookView, playbook_view
from bongsu.web.api.run_views import PlaybookRunView, ShownRuns
from bongsu.web.console.views.report import ReportShown

if TYPE_CHECKING:
    from bongsu.i18n import Translator
    from bongsu.manual.schema.document import Manual
    from bongsu.web.console.gate import Visit


@dataclass(frozen=True)
class Suggestion:
    """A playbook to run, and why it is shown first."""

    view: PlaybookView
    by_report: bool


@dataclass(frozen=True)
class RunsShown:
    """The section of an incident's page."""

    suggested: tuple[Suggestion, ...]
    runs: tuple[PlaybookRunView, ...]
    """the newest first; what was printed is only with those that `with_output`"""


async def runs_values(
    visit: Visit, incident: Incident, found: ReportShown | None
) -> dict[str, Any]:
    """Read what the section shows."""
    outputs: list[StepOutput] = []
    async with visit.at.reading() as conn:
        for run in with_output(incident):
            outputs += await store.outputs(conn, int(incident.id), run)
    actions = found.actions if found else ()
    suggested = _suggested(visit.manual, incident, [one.playbook for one in actions], visit.t)
    shown = ShownRuns(visit.manual, visit.actor.person, visit.t).all(incident, outputs)
    return {"runs": RunsShown(tuple(suggested), tuple(shown)), **words(visit.t)}


def words(t: Translator) -> dict[str, Any]:
    """Return what kinds of steps are called."""
    return {"step_kinds": {kind: t(name) for kind, name in KINDS.items()}}


def with_output(incident: Incident) -> list[str]:
    """Return the runs whose output the page has: those that are not over, and the newest one."""
    names = list(incident.runs)
    return [name for name in names if not incident.runs[name].over or name == names[-1]]


def _suggested(
    manual: Manual, incident: Incident, reported: Iterable[str], t: Translator
) -> Iterator[Suggestion]:
    """Yield what the report calls for, then what is meant for this type of incident."""
    by_report = [name for name in dict.fromkeys(reported) if name in manual.playbooks]
    of_type = [
        name
        for name, one in manual.playbooks.items()
        if incident.type in one.types and incident.severity in one.severities
    ]
    for name in dict.fromkeys((*by_report, *of_type)):
        view = playbook_view(name, manual.playbooks[name], manual, t)
        yield Suggestion(view, name in by_report)
