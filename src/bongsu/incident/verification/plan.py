"""Which checks of the manual an incident needs, and what still keeps it from being resolved."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from bongsu.incident.phases import Phase
from bongsu.incident.state import Incident
from bongsu.incident.verification_events import Outcome
from bongsu.manual.schema.document import Manual
from bongsu.manual.schema.verification import QuietTest, VerificationCheck

GROUPS = ("smoke", "performance", "monitoring")
"""in the order in which they are run"""
AFTER_RECOVERY, WATCH_OVER, ASKED = "after_recovery", "watch_over", "asked_to_verify"
"""why checks are run: the codes of reasons"""
BY_ITSELF = (AFTER_RECOVERY, WATCH_OVER)

Checks = dict[str, VerificationCheck]


def every_check(manual: Manual) -> Checks:
    """Return all checks by their id (``smoke:user_login``), in the order of the manual."""
    lists = manual.verification
    return {
        f"{group}:{name}": check
        for group in GROUPS
        for name, check in getattr(lists, group).items()
    }


def applying(manual: Manual, incident: Incident) -> Checks:
    """Return the checks that the manual wants for an incident; a drill puts nothing under load."""
    found = every_check(manual)
    return {
        name: check
        for name, check in found.items()
        if incident.severity in check.severities and not (incident.drill and is_load(name))
    }


def is_load(check: str) -> bool:
    """Whether a check puts the service under load."""
    return check.startswith("performance:")


def standing(incident: Incident, check: str) -> Outcome | None:
    """Return what a check came to since the service was said to work again; None: nothing yet.

    Whatever passed before an alert began to fire says nothing any more.
    """
    found = incident.verification.known.get(check)
    if found is None or (incident.firing_at is not None and found.at < incident.firing_at):
        return None
    return found.outcome


def running(incident: Incident) -> frozenset[str]:
    """Return the checks whose answers are waited for; what an end broke off has none to come."""
    found = incident.verification.running
    if incident.open:
        return found
    asked = incident.verification.asked
    watched = incident.phase is Phase.RESOLVED
    return frozenset(name for name in found if watched and asked[name].why == WATCH_OVER)


def unverified(manual: Manual, incident: Incident) -> dict[str, Outcome | None]:
    """Return the required checks that have not passed since the recovery, with their standing."""
    found = {
        name: standing(incident, name)
        for name, check in applying(manual, incident).items()
        if incident.severity in check.required
    }
    return {name: outcome for name, outcome in found.items() if outcome != "passed"}


def due(manual: Manual, incident: Incident, now: datetime) -> Iterator[tuple[str, str] | datetime]:
    """Yield the checks that Bongsu runs by itself now (with why), and when others will be due.

    Each at once, and again at the end of the watch period, but for load tests that have passed;
    also where it was resolved before its watch was over. One that still runs then is asked again
    once it has answered, never beside itself. Whether alerts are quiet is asked when they can be:
    nothing has been for 15 minutes before these are over.
    """
    since = incident.recovered_at
    if since is None or incident.phase not in (Phase.MONITORING, Phase.RESOLVED):
        return
    ends = since + manual.verification.watch
    if incident.phase is Phase.RESOLVED:
        yield from _still_watched(manual, incident, now, ends)
        return
    for name, check in applying(manual, incident).items():
        asked = incident.verification.asked.get(name)
        if name in incident.verification.running:
            continue
        if isinstance(check.test, QuietTest):
            at, why = _quiet_at(incident, name, check.test.duration, since), AFTER_RECOVERY
        elif asked is None:
            at, why = since, AFTER_RECOVERY
        else:
            at, why = ends if asked.at < ends and _again(incident, name) else None, WATCH_OVER
        if at is not None:
            yield at if at > now else (name, why)


def _still_watched(
    manual: Manual, incident: Incident, now: datetime, ends: datetime
) -> Iterator[tuple[str, str] | datetime]:
    """Once more what had passed: what a commander resolved without is not held against them."""
    if incident.ended_at is None or incident.ended_at >= ends:
        return
    for name, check in applying(manual, incident).items():
        asked = incident.verification.asked.get(name)
        if isinstance(check.test, QuietTest) or is_load(name):
            continue
        if asked is not None and asked.at < ends and standing(incident, name) == "passed":
            yield ends if ends > now else (name, WATCH_OVER)


def _quiet_at(incident: Incident, name: str, wanted: timedelta, since: datetime) -> datetime | None:
    """When nothing can have fired for as long as is wanted; None: not before something happens."""
    asked = incident.verification.asked.get(name)
    if standing(incident, name) == "passed":
        return None
    at = max(since, incident.cleared_at or since) + wanted
    return at if asked is None else max(at, asked.at + wanted)


def _again(incident: Incident, check: str) -> bool:
    return not is_load(check) or standing(incident, check) != "passed"


def relapsed(manual: Manual, incident: Incident) -> Iterator[str]:
    """Yield the required checks that failed again while it was watched.

    That alerts are not quiet is no relapse of its own: its own alerts say that themselves. Once it
    is resolved, only what had passed and has failed since counts.
    """
    ended = incident.ended_at if incident.phase is Phase.RESOLVED else None
    for name, check in applying(manual, incident).items():
        known = incident.verification.known.get(name)
        if known is None or isinstance(check.test, QuietTest):
            continue
        if incident.severity not in check.required:
            continue
        if known.outcome != "failed" or (ended is not None and known.at <= ended):
            continue
        if known.former == "passed" or (known.former == "failed" and ended is None):
            yield name
