"""Who may say yes for a role, and which calls still ask them."""

from __future__ import annotations

from collections.abc import Iterator

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
    place = asked_on(ladder)
    run = incident.runs.get(place[0]) if place else None
    if place is None or run is None or run.over:
        return False
    found = run.approvals.get(place[1])
    return found is not None and found.yes is None


def approvers(manual: Manual, incident: Incident, role: str) -> list[str]:
    """Return who is asked: whoever wears the role, else everybody who can.

    Where nobody of them can be reached, the role above is asked, whose yes counts as well.
    """
    for name in _upwards(manual, role):
        wearing, known = incident.roles.get(name), manual.team.roles.get(name)
        people = [wearing] if wearing else list(known.held_by if known else ())
        if found := [one for one in people if (who := manual.person(one)) and who.contacts]:
            return found
    return []


def may_approve(manual: Manual, incident: Incident, role: str, person: str) -> bool:
    """Whether a person's yes counts: of the role, or of one above it in the organisation."""
    roles = manual.team.roles
    return any(
        incident.roles.get(name) == person or (name in roles and person in roles[name].held_by)
        for name in _upwards(manual, role)
    )


def _upwards(manual: Manual, role: str) -> Iterator[str]:
    """Yield a role and those above it in the organisation."""
    seen: set[str] = set()
    name: str | None = role
    while name is not None and name not in seen:
        seen.add(name)
        yield name
        known = manual.team.roles.get(name)
        name = known.reports_to if known else None
