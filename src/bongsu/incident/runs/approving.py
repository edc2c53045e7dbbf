"""Who may say yes for a role, and which calls still ask them."""

from __future__ import annotations

from bongsu.incident.state import Incident
from bongsu.manual.schema.document import Manual

APPROVAL = "approval"
"""the kind of ladder on which approvers are called"""


def ladder_of(run: str, step: int) -> str:
    """Return the name of the ladder on which an approval is asked for."""
    return f"{APPROVAL}:{run}:{step}"


def asked_on(ladder: str) -> tuple[str, int] | None:
    """Return the run and the step for which a ladder calls; None where it is another one."""
    kind, _, rest = ladder.partition(":")
    name, _, step = rest.rpartition(":")
    return (name, int(step)) if kind == APPROVAL and step.lstrip("-").isdigit() else None


def still_asked(incident: Incident, ladder: str) -> bool:
    """Whether the approval for which a ladder calls has not been answered."""
    kind, _, rest = ladder.partition(":")
    name, _, step = rest.rpartition(":")
    run = incident.runs.get(name)
    if kind != APPROVAL or run is None or run.over:
        return False
    found = run.approvals.get(int(step)) if step.lstrip("-").isdigit() else None
    return found is not None and found.yes is None


def approvers(manual: Manual, incident: Incident, role: str) -> list[str]:
    """Return who is asked: whoever wears the role, else everybody who can."""
    wearing = incident.roles.get(role)
    known = manual.team.roles.get(role)
    people = [wearing] if wearing else list(known.held_by if known else ())
    return [one for one in people if (who := manual.person(one)) and who.contacts]


def may_approve(manual: Manual, incident: Incident, role: str, person: str) -> bool:
    """Whether a person's yes counts: of the role, or of one above it in the organisation."""
    seen: set[str] = set()
    name: str | None = role
    while name is not None and name not in seen:
        seen.add(name)
        known = manual.team.roles.get(name)
        if incident.roles.get(name) == person or (known and person in known.held_by):
            return True
        name = known.reports_to if known else None
    return False
