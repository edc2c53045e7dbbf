"""When it works again, when it does not after all, and when it is over by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bongsu.incident import events as e
from bongsu.incident import verification_events as v
from bongsu.incident.case import Case
from bongsu.incident.contacts import Finding
from bongsu.incident.phases import Phase
from bongsu.incident.state import Incident
from bongsu.incident.verification import plan


def follow_alerts(case: Case) -> Iterator[Finding]:
    """Alerts that stopped mean recovered; ones that came back mean a relapse.

    A relapse is acknowledged anew: whoever had answered may be asleep again.
    """
    incident = case.incident
    if incident.phase in (Phase.RESPONDING, Phase.RECOVERING):
        if _cleared_since_recovery_began(incident):
            yield e.Recovered(why=e.Reason("alerts_cleared"))
    elif incident.phase is Phase.MONITORING and _fired_since_recovery(incident):
        yield from _relapse(incident, e.Reason("alerts_back", {"firing": str(incident.firing)}))


def _relapse(incident: Incident, why: e.Reason) -> Iterator[Finding]:
    yield e.Relapsed(why)
    if incident.acknowledged_at is not None and incident.snoozed_until is None:
        yield e.Unacknowledged(why)


def _cleared_since_recovery_began(incident: Incident) -> bool:
    """A person may go on with the recovery although the alerts are quiet already."""
    cleared, began = incident.cleared_at, incident.recovering_at
    if cleared is None or _relapsed_quietly(incident):
        return False
    return incident.phase is Phase.RESPONDING or began is None or cleared >= began


def _relapsed_quietly(incident: Incident) -> bool:
    """A check found it broken again while no alert fired: their silence proves nothing."""
    cleared, relapsed = incident.cleared_at, incident.relapsed_at
    return cleared is not None and relapsed is not None and cleared < relapsed


def _fired_since_recovery(incident: Incident) -> bool:
    """A person may say that it works while an alert has yet to notice."""
    fired, recovered = incident.firing_at, incident.recovered_at
    return incident.firing > 0 and fired is not None and recovered is not None and fired > recovered


def resolve_when_clear(case: Case) -> Iterator[Finding]:
    """Where the manual says so, an incident whose alerts stayed quiet resolves by itself.

    Not while a playbook is at work: what it has begun, such as a server that is out of the load
    balancer, is not over, and who would have to see to it looks at open incidents.
    """
    incident = case.incident
    quiet = case.manual.respond(incident.severity).resolve_when_clear
    if quiet is None or incident.cleared_at is None or not incident.open:
        return
    at, why = incident.cleared_at + quiet, e.Reason("quiet_long_enough")
    if at > case.now:
        yield at
    elif not plan.unverified(case.manual, incident):
        if not any(run.at_work for run in incident.runs.values()):
            yield e.Resolved(why=why)
    elif incident.phase is not Phase.MONITORING and not _relapsed_quietly(incident):
        yield e.Recovered(why=why)


def verify_recovery(case: Case) -> Iterator[Finding]:
    """Where it works again, the manual's checks are run; a check that fails again is a relapse."""
    incident = case.incident
    failed = list(plan.relapsed(case.manual, incident))
    if failed and incident.phase in (Phase.MONITORING, Phase.RESOLVED):
        yield from _relapse_found(incident, failed)
        return
    names: dict[str, list[str]] = {}
    for found in plan.due(case.manual, incident, case.now):
        if isinstance(found, datetime):
            yield found
        else:
            names.setdefault(found[1], []).append(found[0])
    for code, checks in names.items():
        yield v.VerificationDue(checks, e.Reason(code))


def _relapse_found(incident: Incident, failed: list[str]) -> Iterator[Finding]:
    """Whoever ran the check themselves knows; otherwise people are called anew."""
    why = e.Reason("check_failed_again", {"verification": ", ".join(failed)})
    known = incident.verification.known
    if incident.phase is Phase.RESOLVED:
        yield e.Reopened(why=why)
    elif any(known[name].asked_for in plan.BY_ITSELF for name in failed):
        yield from _relapse(incident, why)
    else:
        yield e.Relapsed(why)
